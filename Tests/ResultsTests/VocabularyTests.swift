import Glibc
import RPC
import Support
import Testing

@testable import Results

/// Vocabularies: what a file of one says.
@Suite struct VocabularyTests {
    private static func read(_ text: String) throws(VocabularyError) -> VocabularyList {
        try VocabularyList(reading: Array(text.utf8), path: "list.txt")
    }

    private static func names(_ text: String) throws -> [String] { try read(text).candidates.map(\.name) }

    private static func fault(_ text: String) -> VocabularyError? {
        let error = #expect(throws: VocabularyError.self, "\(text.prefix(100))") { try read(text) }
        let described = error?.description ?? ""
        #expect(described.contains("list.txt") && described.unicodeScalars.count < 500)
        return error
    }

    @Test func `a line is a label with its phrases and its synonyms`() throws {
        let list = try Self.read(
            """
            # what is looked for
            dog
              # and more
            person=people|man:1.2 ~ man | woman
            sofa ~ couch

            [background]
            grass
            brick wall
            """)
        #expect(
            list.candidates == [
                Candidate(name: "dog", phrases: [], synonyms: []),
                Candidate(
                    name: "person", phrases: [Phrase(words: "people"), Phrase(words: "man", weight: 1.2)],
                    synonyms: ["man", "woman"]),
                Candidate(name: "sofa", phrases: [], synonyms: ["couch"]),
            ])
        #expect(list.background == ["grass", "brick wall"])
    }

    @Test(arguments: ["\n", "\r\n", "\r", "\u{85}", "\u{2028}"])
    func `lines end as anywhere, and a byte-order mark says nothing`(end: String) throws {
        let text =
            "\u{FEFF}# a list\(end)dog\(end)\(end)traffic light ~ signal\(end)\t\(end)[background]\(end)sky\(end)"
        let list = try Self.read(text)
        #expect(list.candidates.map(\.name) == ["dog", "traffic light"])
        #expect(list.candidates[1].synonyms == ["signal"])
        #expect(list.background == ["sky"])
        #expect(try Self.names("\u{FEFF}dog\(end)cat") == ["dog", "cat"])
        #expect(try Self.read("\u{FEFF}dog\(end)[background]\(end)sky").background == ["sky"])
    }

    @Test func `commas part labels here, too`() throws {
        let list = try Self.read("dog, cat ~ kitten,\n bird\n[background]\ngrass, sky,\n")
        #expect(list.candidates.map(\.name) == ["dog", "cat", "bird"])
        #expect(list.candidates[1].synonyms == ["kitten"])
        #expect(list.background == ["grass", "sky"])
    }

    @Test func `a backslash makes any sign part of the words, and ends no line`() throws {
        let text = ##"""
            Paris\, Texas
            a\=b\|c
            \#1
            \[background]
            home \~ sweet ~ x\~y|z\|w
            iso\:9001
            \@home
            @work
            c\
            d # e [f]
            [background]
            rock \~ roll
            """##
        let list = try Self.read(text)
        #expect(
            list.candidates.map(\.name) == [
                "Paris, Texas", "a=b|c", "#1", "[background]", "home ~ sweet", "iso:9001", "@home", "@work", #"c\"#,
                "d # e [f]",
            ])
        #expect(list.candidates[4].synonyms == ["x~y", "z|w"])
        #expect(list.background == ["rock ~ roll"])
    }

    @Test func `on the command line a tilde and a number sign are parts of words`() throws {
        let words = ["a ~ b", "#1", "[x]", #"a\~b"#, ##"\#2"##]
        #expect(try WordList(words).labels == words.map { Label(name: $0) })
    }

    @Test func `what is wrong is told by its line`() {
        let long = String(repeating: "a", count: 4097)
        let marks = "a" + String(repeating: "\u{301}", count: 31)
        let faults: [(String, VocabularyError)] = [
            ("", .empty(path: "list.txt")), ("\u{FEFF}# none\r\n\r\n", .empty(path: "list.txt")),
            ("[background]\nsky\n", .empty(path: "list.txt")),
            ("dog\ncat,,bird", .line(2, of: "list.txt", .label(.emptyName))),
            ("dog\n\n,", .line(3, of: "list.txt", .label(.emptyName))),
            ("dog\n=puppy", .line(2, of: "list.txt", .label(.emptyName))),
            ("dog\n ~ puppy", .line(2, of: "list.txt", .label(.emptyName))),
            ("dog=puppy|", .line(1, of: "list.txt", .label(.emptyPhrase(of: "dog")))),
            ("dog= ~ puppy", .line(1, of: "list.txt", .label(.emptyPhrase(of: "dog")))),
            ("dog|puppy", .line(1, of: "list.txt", .label(.namelessPhrases("dog|puppy")))),
            ("# x\ndog:11", .line(2, of: "list.txt", .label(.weight("11", of: "dog")))),
            ("dog ~", .line(1, of: "list.txt", .emptySynonym(of: "dog"))),
            ("dog ~ a||b", .line(1, of: "list.txt", .emptySynonym(of: "dog"))),
            ("cat\r\ndog\r\ncat ~ kitten", .line(3, of: "list.txt", .repeated("cat", line: 1))),
            ("cat, dog, cat", .line(1, of: "list.txt", .repeated("cat", line: 1))),
            ("cat\n[background]\nsky\nsky", .line(4, of: "list.txt", .repeated("sky", line: 3))),
            ("cat\n[background]\nsky ~ heaven", .line(3, of: "list.txt", .backgroundParts("sky ~ heaven"))),
            ("cat\n[background]\nsky=heaven", .line(3, of: "list.txt", .backgroundParts("sky=heaven"))),
            ("cat\n[Background]", .line(2, of: "list.txt", .heading("[Background]"))),
            ("cat\n[background", .line(2, of: "list.txt", .heading("[background"))),
            ("cat\n\(long)", .line(2, of: "list.txt", .tooLong(long))),
            ("cat=\(long)", .line(1, of: "list.txt", .tooLong(long))),
            ("cat ~ \(long)", .line(1, of: "list.txt", .tooLong(long))),
            ("cat\n[background]\n\(long)", .line(3, of: "list.txt", .tooLong(long))),
            (marks, .line(1, of: "list.txt", .label(.tooManyMarks(marks)))),
            ("cat=\(marks)", .line(1, of: "list.txt", .label(.tooManyMarks(marks)))),
            ("cat ~ \(marks)", .line(1, of: "list.txt", .label(.tooManyMarks(marks)))),
            ("cat\n[background]\n\(marks)", .line(3, of: "list.txt", .label(.tooManyMarks(marks)))),
        ]
        for (text, expected) in faults { #expect(Self.fault(text) == expected) }
        #expect(VocabularyError.line(3, of: "list.txt", .repeated("cat", line: 1)).description.contains("in line 1"))
    }

    @Test func `names that only look alike are two`() throws {
        #expect(try Self.names("\u{E9}\ne\u{301}").count == 2)
    }

    @Test func `4,096 names are the most, in a file and in all that are joined`() throws {
        let names = (0..<4096).map { "label \($0)" }
        let list = try Self.read(names.joined(separator: "\r\n"))
        #expect(list.candidates.map(\.name) == names)
        #expect(throws: VocabularyError.tooMany(4097)) { try Self.read((names + ["one more"]).joined(separator: "\n")) }
        let joined = try VocabularyList(joining: [list, Self.read("label 7")], [Label(name: "label 9")])
        #expect(joined.candidates.count == 4096)
        #expect(throws: VocabularyError.tooMany(4097)) { try VocabularyList(joining: [list, Self.read("other")], []) }
        #expect(throws: VocabularyError.tooMany(4097)) {
            try VocabularyList(joining: [list], [Label(name: "other")])
        }
        let words = (0..<4097).map { "word \($0)" }.joined(separator: ",")
        #expect(throws: VocabularyError.tooMany(4097)) { try Self.read("dog\n[background]\n\(words)") }
        #expect(VocabularyError.tooMany(4097).description.contains("4097 ") == true)
    }

    @Test func `of labels with one name the first stays, with the synonyms of all`() throws {
        let first = try Self.read("dog=hound ~ puppy|cur\ncat ~ kitten|lion\n[background]\nsky, grass")
        let second = try Self.read("lion\ndog ~ puppy|whelp\ncat=tabby\n[background]\ngrass, sea, person")
        let words = try WordList(["red panda", "cat=cat:2", "dog", "person"]).labels
        let joined = try VocabularyList(joining: [first, second], words)
        #expect(
            joined.candidates == [
                Candidate(name: "dog", phrases: [Phrase(words: "hound")], synonyms: ["puppy", "cur", "whelp"]),
                Candidate(name: "cat", phrases: [Phrase(words: "cat", weight: 2)], synonyms: ["kitten"]),
                Candidate(name: "lion", phrases: [], synonyms: []),
                Candidate(name: "red panda", phrases: [], synonyms: []),
                Candidate(name: "person", phrases: [], synonyms: []),
            ])
        #expect(joined.background == ["sky", "grass", "sea"])
    }
}

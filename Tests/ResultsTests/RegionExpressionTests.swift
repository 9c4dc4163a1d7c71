import ArgumentParser
import RPC
import Support
import Testing

@testable import Results

/// Sets of labels as they are typed: "person - face".
@Suite struct RegionExpressionTests {
    private static let names = ["sky", "water", "dog", "dog house", "a - b", "c++", "x + y", "Paris, Texas", "-", "é"]

    private static func region(_ text: String, among names: [String] = names) throws -> RegionExpression {
        try WrittenRegion(text).region(among: names)
    }

    @Test(arguments: [
        ("sky", ["sky"], []), ("sky + water", ["sky", "water"], []), (" sky  -\twater ", ["sky"], ["water"]),
        ("sky - water + dog - dog house", ["sky", "dog"], ["water", "dog house"]),
        ("c++ - sky", ["c++"], ["sky"]), ("dog:1.2 + sky:0.5", ["dog", "sky"], []),
        (#"Paris\, Texas + sky"#, ["Paris, Texas", "sky"], []), ("e\u{301} + sky", ["é", "sky"], []),
    ])
    func `labels are joined by signs with space around`(text: String, included: [String], excluded: [String]) throws {
        let region = try Self.region(text)
        #expect(region.included == included && region.excluded == excluded)
    }

    @Test(arguments: ["a - b", "x + y", "-", "c++", " a - b", #"a \- b"#, #"x \+ y"#])
    func `what as a whole names a label is that label`(text: String) throws {
        let region = try Self.region(text)
        #expect(region.included.count == 1 && region.excluded.isEmpty)
        #expect(Self.names.contains(region.name))
    }

    @Test func `a backslash makes a sign part of a label's name, and within an expression no other way does`() throws {
        let region = try Self.region(#"x \+ y - a \- b + sky"#)
        #expect(region.included == ["x + y", "sky"] && region.excluded == ["a - b"])
        #expect(throws: RegionError.noLabel("a", in: "a - b + sky", names: Self.names)) {
            try Self.region("a - b + sky")
        }
        #expect(try Self.region(#"\- + sky"#).included == ["-", "sky"])
        #expect(try Self.region("a - b", among: ["a", "b"]).excluded == ["b"])
        #expect(try Self.region("a - b", among: ["a", "b", "a - b"]).included == ["a - b"])
    }

    @Test func `what stands there is preferred to what it would be called without its weight`() throws {
        #expect(try Self.region("dog:1.2", among: ["dog", "dog:1.2"]).name == "dog:1.2")
        #expect(try Self.region("dog:1.2 - cat", among: ["dog", "dog:1.2", "cat"]).included == ["dog:1.2"])
        #expect(try Self.region("dog:1.2", among: ["dog"]).name == "dog")
    }

    @Test func `signs without space on both sides are part of the words`() throws {
        for text in ["a-b", "a -b", "a- b", "-a", "a+b", "+a"] {
            #expect(try Self.region(text, among: [text, "a", "b"]).name == text)
            #expect(throws: RegionError.noLabel(text, in: text, names: ["a", "b"])) {
                try Self.region(text, among: ["a", "b"])
            }
        }
    }

    @Test func `every refusal says what to type`() throws {
        let cases: [(String, String)] = [
            ("sky +", "a label in \"sky +\" is empty"), ("- sky", "empty"), ("sky + - dog", "empty"), ("", "empty"),
            ("sky - sky", "\"sky\" is twice in \"sky - sky\""), ("sky + fox", "\"fox\" in \"sky + fox\" is no label"),
            ("fox", "\"fox\" is no label; type one of the \(Self.names.count): sky, water"),
        ]
        for (text, sentence) in cases {
            let error = #expect(throws: RegionError.self) { try Self.region(text) }
            #expect(error?.description.contains(sentence) == true, "\(String(describing: error))")
        }
        #expect(throws: RegionError.self) { try WrittenRegion("a\u{10FFFF}") }
        let long = String(repeating: "boat ", count: 10_000)
        let error = #expect(throws: RegionError.self) { try Self.region("sky - \(long)", among: ["sky", long + "x"]) }
        #expect((error?.description.unicodeScalars.count ?? .max) < 800)
    }

    /// The order of terms does not count: the parts of a mask are disjoint.
    @Test func `a region is called by what it has, then by what it lacks`() throws {
        #expect(try Self.region("sky - water + dog").name == "sky + dog - water")
        #expect(try Self.region("sky - water + dog") == Self.region("sky + dog - water"))
        #expect(RegionExpression(included: [], excluded: ["sky"]) == nil)
        #expect(RegionExpression(included: ["sky"], excluded: ["sky"]) == nil)
    }

    // MARK: Words that are left out

    private static func words(_ options: String...) throws -> WordList {
        try MaskArguments(MaskOptions.parse(["r.png"] + options)).words
    }

    @Test func `without words the labels of the regions are the words, each once, in their order`() throws {
        let words = try Self.words(
            "--cut", "dog - sky", "--inpaint", "sky + water", "--inpaint", #"x \+ y + water"#)
        #expect(words.labels.map(\.name) == ["sky", "water", "x + y", "dog"])
        #expect(try Self.words("--inpaint", "dog").labels.map(\.name) == ["dog"])
        #expect(
            try Self.words("--cut", "dog:1.5 - road=street|asphalt").labels
                == WordList(["dog:1.5, road=street|asphalt"]).labels)
        #expect(try Self.words("cat", "dog", "--cut", "dog").labels.map(\.name) == ["cat", "dog"])
        #expect(try Self.words("--heat").sought == .anything)
    }

    /// A file says its words, and is made again from them where labels were chosen.
    @Test func `words of regions are as they would be typed`() throws {
        for text in ["dog", #"a \- b"#, #"Paris\, Texas"#, #"x\=y"#, #"a\\b"#, #"\@coco"#, #"dog\:1.2"#, "a:2"] {
            let words = try Self.words("--inpaint", text)
            #expect(try WordList(words.given).labels == words.labels && words.labels.count == 1, "\(text)")
        }
        #expect(try Self.words("--inpaint", #"a \- b + c"#).given == ["a - b", "c"])
    }

    @Test(arguments: [
        ("dog, cat", "not one label"), ("dog\ncat", "not one label"), ("@coco", "not one label"),
        ("dog - @voc", "not one label"), ("dog +", "empty"), ("dog:99", "from 0.1 to 10"), ("a|b", "name=a|b"),
        ("dog - dog", "twice"),
    ])
    func `what is no label is refused there, too`(text: String, sentence: String) {
        let error = #expect(throws: (any Error).self) { try MaskOptions.parse(["r.png", "--inpaint", text]) }
        #expect(error.map { MaskOptions.exitCode(for: $0).rawValue } == ExitReason.usage.rawValue)
        #expect(error.map { MaskOptions.message(for: $0).contains(sentence) } == true, "\(text)")
    }

    @Test func `with words a region's labels are among them`() throws {
        #expect(throws: Never.self) { try MaskOptions.parse(["r.png", "dog, cat", "--inpaint", "dog - cat"]) }
        #expect(throws: Never.self) { try MaskOptions.parse(["r.png", "@voc", "--inpaint", "person - dog"]) }
        for words in ["dog, cat", "@voc"] {
            for region in ["fox", "dog - fox"] {
                let error = #expect(throws: (any Error).self) {
                    try MaskOptions.parse(["r.png", words, "--inpaint", region])
                }
                #expect(error.map { MaskOptions.message(for: $0).contains("\"fox\"") } == true)
            }
        }
    }
}

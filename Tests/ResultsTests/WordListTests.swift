import RPC
import Testing

@testable import Results

@Suite struct WordListTests {
    private static func names(_ arguments: [String]) throws -> [String] {
        try WordList(arguments).labels.map(\.name)
    }

    @Test func `commas and arguments part labels, in their order`() throws {
        #expect(try Self.names(["dog, grass"]) == ["dog", "grass"])
        #expect(try Self.names(["dog", "grass"]) == ["dog", "grass"])
        #expect(try Self.names(["b,a", "d", "c"]) == ["b", "a", "d", "c"])
    }

    @Test func `space around a name does not count, space inside does`() throws {
        #expect(try Self.names(["  teddy  bear \t,\u{A0}sky\n"]) == ["teddy  bear", "sky"])
        #expect(try Self.names(["犬, 🐕‍🦺"]) == ["犬", "🐕‍🦺"])
    }

    @Test func `a name can stand for several phrases`() throws {
        let labels = try WordList([" road = street | wet asphalt ,sky"]).labels
        #expect(labels[0].name == "road")
        #expect(labels[0].phrases.map(\.words) == ["street", "wet asphalt"])
        #expect(labels[0].phrases.map(\.prompt) == ["", ""])
        #expect(labels[1].phrases.isEmpty)
        #expect(try WordList(["x=a=b"]).labels[0].phrases.map(\.words) == ["a=b"])
    }

    @Test(arguments: ["\n", "\r\n", "\r", "\u{B}", "\u{C}", "\u{85}", "\u{2028}", "\u{2029}"])
    func `a line is a label, and one that holds nothing is none`(end: String) throws {
        #expect(try Self.names(["dog\(end)traffic light\(end)\(end)cat\(end)"]) == ["dog", "traffic light", "cat"])
        #expect(try Self.names(["\u{FEFF}dog,\(end) cat"]) == ["dog", "cat"])
        #expect(throws: WordError.emptyLabel(argument: end)) { try WordList([end]) }
        #expect(throws: WordError.self) { try WordList(["dog,,\(end)cat"]) }
        #expect(try Self.names(["dog\\\(end)house\(end)cat"]) == ["dog house", "cat"])
    }

    @Test(arguments: [
        "\u{FF0C}", "\u{3001}", "\u{60C}", "\u{FE50}", "\u{FE51}", "\u{FF64}", "\u{FE10}", "\u{FE11}", "\u{55D}",
        "\u{1363}", "\u{1802}", "\u{1808}", "\u{7F8}", "\u{A60D}", "\u{A4FE}", "\u{A6F5}", "\u{2E32}", "\u{2E34}",
        "\u{2E41}", "\u{2E49}", "\u{2E4C}", "\u{16E97}", "\u{1DA87}",
    ])
    func `commas of other scripts part labels`(comma: String) throws {
        #expect(try Self.names(["犬\(comma)猫 \(comma) 草"]) == ["犬", "猫", "草"])
        #expect(throws: WordError.self) { try WordList(["犬\(comma)"]) }
    }

    @Test(arguments: [
        0xFEFF, 0x200B, 0xAD, 0x2060, 0x200E, 0x202E, 0x2066, 0x61C, 0x180E, 0x200C, 0x200D, 0x3164, 1, 7, 8, 0xE, 0x1B,
        0x1F, 0x7F, 0x80, 0x84, 0x9B, 0x9F, 0xFFF9, 0xFFFA, 0xFFFB, 0xFFFC, 0xFFFE, 0x34F, 0x180B, 0x180F, 0xFE00,
        0xFE0E, 0xFE0F, 0xE0041, 0xE007F, 0xE0100, 0x1D173, 0x1BCA0,
    ])
    func `what cannot be seen is dropped, and makes no label`(code: UInt32) throws {
        let mark = String(try #require(Unicode.Scalar(code)))
        #expect(try Self.names(["\(mark)bo\(mark)at\(mark), \(mark) sea"]) == ["boat", "sea"])
        #expect(try WordList(["a\(mark)=b\(mark)|\(mark)c"]).labels[0].phrases.map(\.words) == ["b", "c"])
        #expect(throws: WordError.self) { try WordList([mark]) }
        #expect(throws: WordError.self) { try WordList(["dog, \(mark) ,cat"]) }
    }

    @Test func `what shapes a sign stays`() throws {
        let shaped = [
            "❤\u{FE0F}", "می\u{200C}خواهم", "🏴\u{E0067}\u{E0062}\u{E007F}", "👩\u{200D}🚀", "1\u{FE0F}\u{20E3}",
            "🏳\u{FE0F}\u{200D}🌈", "ക\u{D4D}\u{200D}", "ه\u{200D}", "葛\u{E0100}", "ᠠ\u{180B}", "≨\u{FE00}",
            "a\u{34F}\u{308}",
        ]
        #expect(try Self.names(shaped).map { Array($0.utf8) } == shaped.map { Array($0.utf8) })
    }

    @Test func `a backslash takes the next sign as it is`() throws {
        #expect(try Self.names([#"Paris\, Texas,b\=c"#, #"d\|e"#, #"f\\"#]) == ["Paris, Texas", "b=c", "d|e", #"f\"#])
        #expect(
            try WordList([#"a\=b=c\,d|e\|f"#]).labels == [
                Label(name: "a=b", phrases: [Phrase(words: "c,d"), Phrase(words: "e|f")])
            ])
        #expect(try Self.names([#"a\b"#, #"c\"#, #"犬\、猫"#]) == [#"a\b"#, #"c\"#, "犬、猫"])
        #expect(try WrittenRegion(#" Paris\, Texas"#).region(among: ["Paris, Texas"]).included == ["Paris, Texas"])
    }

    @Test func `letters that are called commas are letters`() throws {
        #expect(try Self.names(["Hawai\u{2BB}i", "a\u{312}b"]) == ["Hawai\u{2BB}i", "a\u{312}b"])
    }

    @Test func `a refusal quotes no more than the beginning of what is long`() {
        let long = String(repeating: "boat ", count: 10_000)
        for words in [["\(long),,"], [long, long], ["\(long)=|"], ["\(long)|a"], [PathText.text(of: [0xFF]) + long]] {
            let error = #expect(throws: WordError.self) { try WordList(words) }
            #expect((error?.description.unicodeScalars.count ?? .max) < 500)
        }
    }

    /// Unicode's Stream-Safe Text Format, which the daemon asks for too; what cannot be seen and is dropped parts no
    /// run.
    @Test func `more combining marks than any language has are refused, and quoted by their beginning`() throws {
        let mark = "\u{301}"
        let few = "a" + String(repeating: mark, count: 30)
        #expect(try Self.names([few, "b=\(few)"]).count == 2)
        for many in [few + mark, few + "\u{200B}" + mark, "a" + String(repeating: mark, count: 5000)] {
            for words in [[many], ["dog, \(many)"], ["dog=\(many)"], [many, many], ["\(many)=dog"]] {
                let error = #expect(throws: WordError.self) { try WordList(words) }
                #expect(error?.description.contains("over 30 combining marks") == true)
                #expect((error?.description.unicodeScalars.count ?? .max) < 500)
            }
        }
    }

    @Test func `a list parted otherwise is one label, and that is said`() throws {
        for words in ["boat . sheep .", "boat. sheep.", "boat .", "boat; sheep", "犬；猫", "boat\tsheep"] {
            let list = try WordList([words])
            #expect(list.labels.count == 1)
            #expect(list.notes.count == 1 && list.notes[0].contains("one label"), "\(words)")
        }
        #expect(try WordList(["boat, sheep.", "v1.5 sign", "..."]).notes.isEmpty)
    }

    @Test func `bytes that are no text are no words`() {
        let word = PathText.text(of: [0x62, 0xFF])
        #expect(throws: WordError.notText(argument: word)) { try WordList([word]) }
    }

    @Test func `what was typed is kept as it was`() throws {
        #expect(try WordList([" a ,b", "c"]).given == [" a ,b", "c"])
    }

    @Test(arguments: ["", " ", ",", "dog,,cat", "dog,", ",dog", "=dog", " = dog"])
    func `an empty label is refused`(argument: String) {
        #expect(throws: WordError.emptyLabel(argument: argument)) { try WordList([argument]) }
        #expect(throws: WordError.emptyLabel(argument: argument)) { try WordList(["x", argument]) }
    }

    @Test(arguments: ["road=", "road=|", "road=a|", "road=|a", "road=a||b", "road= "])
    func `an empty phrase is refused`(argument: String) {
        #expect(throws: WordError.emptyPhrase(label: "road", argument: argument)) {
            try WordList([argument])
        }
    }

    @Test func `every refusal says what to type`() {
        let refusals: [([String], String)] = [
            (["a,"], "type a word"), (["a="], "type a=phrase|phrase"), (["a|b"], "type name=a|b"),
            (["a", "a"], "type a=phrase|phrase"),
            ([(0..<256).map(String.init).joined(separator: ",")], "limit of 255"),
        ]
        for (arguments, hint) in refusals {
            do throws(WordError) {
                _ = try WordList(arguments)
                Issue.record("\(arguments) were accepted")
            } catch {
                #expect(error.description.contains(hint))
            }
        }
    }

    @Test func `255 labels are the most`() throws {
        let names = (0..<255).map(String.init)
        #expect(try Self.names([names.joined(separator: ",")]) == names)
    }

    @Test func `no words at all ask for anything that is there`() throws {
        #expect(try WordList([]).sought == .anything)
        #expect(try WordList([]).labels.isEmpty)
        #expect(throws: WordError.self) { try WordList([""]) }
    }
}

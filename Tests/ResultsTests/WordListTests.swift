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
            ([], "type them after the picture"), (["a,"], "type a word"),
            (["a="], "type a=phrase|phrase"), (["a|b"], "type name=a|b"),
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
}

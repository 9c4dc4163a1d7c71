import ArgumentParser
import RPC
import Testing

@testable import Results

/// The weight that ends words: `dog:1.2`.
@Suite struct WeightTests {
    private static func labels(_ words: String...) throws -> [Label] { try WordList(words).labels }

    @Test func `a number after a colon is the weight of a phrase, or of a name without phrases`() throws {
        #expect(try Self.labels("dog:1.2") == [Label(name: "dog", phrases: [Phrase(words: "dog", weight: 1.2)])])
        #expect(
            try Self.labels("road=street:2|wet asphalt : |asphalt:0.5") == [
                Label(
                    name: "road",
                    phrases: [
                        Phrase(words: "street", weight: 2), Phrase(words: "wet asphalt :"),
                        Phrase(words: "asphalt", weight: 0.5),
                    ])
            ])
        #expect(try Self.labels("cat, dog:1.2 ,sky").map(\.name) == ["cat", "dog", "sky"])
    }

    @Test(arguments: [
        "犬", "собака", "é", "e\u{301}", "ไม้", "हिन्दी", "ʻokinaʻ", "bow (weapon)", "list]",
        "犬（動物）",
    ])
    func `it follows a letter of any script, or a closing bracket`(words: String) throws {
        #expect(try Self.labels("\(words):3") == [Label(name: words, phrases: [Phrase(words: words, weight: 3)])])
    }

    @Test(arguments: [
        "12:30", "ratio 4:3", "time 12:30", "v2:1.5", "dog:", "dog: 1.2", "dog :1.2", "dog:1.2.3", "dog:1.", "dog:.5",
        "dog:1e1", "dog:-1", "dog:+1", "dog:0x1", "dog:inf", "dog:１", "dog:1.2 m", "a:b", ":1.2", "!:2", "dog：1.2",
        "a:1:b", "(:2", "\u{2019}:2",
    ])
    func `what else has a colon is a label`(words: String) throws {
        #expect(try Self.labels(words) == [Label(name: words)])
    }

    @Test func `a backslash makes a colon one of the words, and a name with phrases has no weight`() throws {
        #expect(try Self.labels(#"dog\:1.2"#) == [Label(name: "dog:1.2")])
        #expect(try Self.labels(#"iso\:9001:2"#) == [Label(name: "iso:9001:2")])
        #expect(try Self.labels("dog:1.2=puppy") == [Label(name: "dog:1.2", phrases: [Phrase(words: "puppy")])])
        #expect(try Self.labels("a:2:3") == [Label(name: "a:2:3")])
    }

    @Test func `it is from 0.1 to 10`() throws {
        for (number, weight) in [("0.1", 0.1), ("0.10", 0.1), ("10", 10), ("10.000", 10), ("01", 1)]
            as [(String, Float)]
        {
            #expect(try Self.labels("dog:\(number)")[0].phrases[0].weight == weight)
        }
        let digits = String(repeating: "9", count: 1000)
        for number in ["0", "0.0", "0.099", "10.001", "11", "9001", digits] {
            for words in ["dog:\(number)", "x=dog:\(number)", "x=a|dog:\(number)"] {
                let error = #expect(throws: WordError.weight(number, of: "dog")) { try WordList([words]) }
                #expect(error?.description.contains("from 0.1 to 10") == true)
                #expect((error?.description.unicodeScalars.count ?? .max) < 500)
            }
        }
        let said = WordError.weight("9001", of: "iso").description
        #expect(said.contains(#"iso\:9001"#))
        #expect(try Self.labels(#"iso\:9001"#)[0].name == "iso:9001")
    }

    @Test func `a label is one label with any weight, and is cut out by its name`() throws {
        #expect(throws: WordError.repeatedLabel("dog")) { try WordList(["dog:1.2", "dog:2"]) }
        for cut in ["dog", "dog:1.2"] {
            let options = try MaskOptions.parse(["r.png", "dog:1.2", "--cut", cut])
            let outputs = try WantedOutputs(options, among: ["dog"]).extras(of: ["dog"])
            #expect(outputs == [.cut(RegionExpression(label: "dog"))])
        }
        #expect(throws: (any Error).self) { try MaskOptions.parse(["r.png", "dog:1.2", "--cut", "cat"]) }
    }

    @Test func `the weight reaches the request`() throws {
        let plan = try MaskPlan(MaskOptions.parse(["r.png", "dog:1.5"]), standardOutputIsTerminal: false)
        let request = plan.request(.handle("c0ffee"), requestID: "")
        #expect(request.labels == [Label(name: "dog", phrases: [Phrase(words: "dog", weight: 1.5)])])
        #expect(request.vocabulary == nil)
    }
}

import FoundationEssentials
import Support
import Testing

@testable import Networks

private let legal = #""patches": "hidden", "threshold": 0.5, "lower": 0.25, "least": 0, "background": ["sky", "wall"]"#

/// - Parameter change: a member's text, and what stands in its place
private func read(_ change: (String, String)? = nil) throws -> PatchConfiguration {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/\(PatchConfiguration.file)"
    let text = change.map { legal.replacing($0.0, with: $0.1) } ?? legal
    if let change { try #require(legal.contains(change.0)) }
    try Data("{\(text)}".utf8).write(to: URL(filePath: path))
    return try PatchConfiguration(RegularFile(path: path))
}

@Suite struct `filter.json` {
    @Test func `says how labels are told from patches`() throws {
        let read = try read()
        #expect(read.states == .hidden && read.threshold == 0.5 && read.lower == 0.25 && read.least == 0)
        #expect(read.background == ["sky", "wall"])
        #expect(try NetworksTests.read((#""hidden""#, #""values""#)).states == .values)
        #expect(try NetworksTests.read((#"["sky", "wall"]"#, "[]")).background.isEmpty)
        #expect(try NetworksTests.read(("0.25", "0.5")).lower == 0.5, "both may be the same")
    }

    @Test(arguments: [
        (#""patches": "hidden","#, "", "patches", "absent"), (#""hidden""#, "1", "patches", "1"),
        (#""hidden""#, #""Hidden""#, "patches", "\"Hidden\""), ("0.5", "1.5", "threshold", "1.5"),
        ("0.5", "-0.5", "threshold", "-0.5"), ("0.5", #""0.5""#, "threshold", "\"0.5\""),
        ("0.25", "0.75", "lower", "0.75"), (#""lower": 0.25,"#, "", "lower", "absent"),
        (#""least": 0,"#, "", "least", "absent"), (#""least": 0"#, #""least": null"#, "least", "null"),
        (#""least": 0"#, #""least": 1.01"#, "least", "1.01"), (#""wall""#, #""sky""#, "background", "sky"),
        (#""wall""#, #""""#, "background", ""), (#""wall""#, "3", "background", "3"),
        (#", "background": ["sky", "wall"]"#, "", "background", "absent"),
        (#""least": 0"#, #""least": 0, "treshold": 1"#, "treshold", "no such key"),
    ])
    func `that is not legal is refused by its key`(
        found: String, other: String, key: String, value: String
    ) throws {
        let error = #expect(throws: CheckpointError.self) { try read((found, other)) }
        let text = "\(error, default: "")"
        #expect(text.contains(PatchConfiguration.file) && text.contains(key) && text.contains(value), "\(text)")
    }

    @Test func `has no more words than fit`() throws {
        func words(_ count: Int) -> String { "[" + (0..<count).map { "\"w\($0)\"" }.joined(separator: ", ") + "]" }
        let limit = PatchConfiguration.wordLimit
        #expect(try read((#"["sky", "wall"]"#, words(limit))).background.count == limit)
        #expect(throws: CheckpointError.self) { try read((#"["sky", "wall"]"#, words(limit + 1))) }
    }

    @Test func `is not needed: published CLIPs have MaskCLIP's path and CLIPer's words`() {
        let published = PatchConfiguration.published
        #expect(published.states == .values && Set(published.background).count == 25)
        #expect(published.lower <= published.threshold && published.least <= published.threshold)
    }
}

@Suite struct `generation_config.json` {
    private func limit(_ text: String, positions: Int = 40) throws -> Int {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/\(GenerationConfiguration.file)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return try GenerationConfiguration(RegularFile(path: path), positions: positions).limit
    }

    @Test func `says how long captions are, or that they are as long as those of the method`() throws {
        #expect(try limit(#"{"bos_token_id": 30522, "max_length": 32}"#) == 32)
        #expect(try limit(#"{"max_length": 40}"#) == 40)
        #expect(try limit("{}") == 20)
        #expect(try limit(#"{"max_length": null}"#) == 20)
        #expect(GenerationConfiguration.unstated.limit == 20)
    }

    @Test(arguments: ["1", "41", "0", "-3", "20.5", "\"20\"", "1e9"])
    func `of a length that the decoder cannot have is refused`(length: String) {
        let error = #expect(throws: CheckpointError.self) { try limit("{\"max_length\": \(length)}") }
        #expect("\(error, default: "")".contains("max_length"))
    }
}

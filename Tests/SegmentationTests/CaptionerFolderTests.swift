import FoundationEssentials
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

/// What a copy of a folder is refused with once it is spoiled; `DIR` stands for its path.
func refusal(
    _ folder: String, _ load: (String) throws -> Void, after spoil: (FolderCopy) throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> String {
    let copy = try FolderCopy(of: folder)
    try spoil(copy)
    let error = #expect(throws: ModelError.self, sourceLocation: sourceLocation) { try load(copy.path) }
    return "\(error, default: "")".replacing(copy.path, with: "DIR")
}

@Suite struct `the folder of a captioner` {
    private func refusal(
        _ spoil: (FolderCopy) throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        try SegmentationTests.refusal(
            "words/blip-tied", { _ = try Fixture.captioner($0) }, after: spoil, sourceLocation: sourceLocation)
    }

    private func changeWords(_ copy: FolderCopy, _ change: (inout [Substring]) -> Void) throws {
        var lines = String(decoding: try copy.bytes("vocab.txt"), as: UTF8.self).split(separator: "\n")
        change(&lines)
        try copy.write("vocab.txt", lines.map { $0 + "\n" }.joined())
    }

    @Test func `is not that of a network alone: what it lacks is named, and where it is`() throws {
        let remedy = "take it from the folder that the model was published in"
        let preparation = try refusal { try $0.remove("preprocessor_config.json") }
        #expect(
            preparation == "DIR has no preprocessor_config.json, which says how pictures are prepared: \(remedy)")
        let words = try refusal { try $0.remove("vocab.txt") }
        #expect(words == "DIR has no vocab.txt or tokenizer.json, which says which words it writes: \(remedy)")
        let kind = try refusal {
            for name in ["preprocessor_config.json", "vocab.txt", "config.json"] { try $0.remove(name) }
        }
        #expect(kind.hasPrefix("DIR is a folder without a config.json; name the folder of a BLIP"), "\(kind)")
    }

    @Test func `has the network's vocabulary, of which the last two tokens may lack`() throws {
        let remedy = "take the tokenizer's files from the folder that the model was published in"
        for (count, change) in [
            (135, { $0.append("more") }), (1000, { words in words += (0..<866).map { "x\($0)" } }),
            (131, { $0.removeLast(3) }), (104, { $0.removeLast(30) }),
        ] as [(Int, (inout [Substring]) -> Void)] {
            let sentence = try refusal { try changeWords($0, change) }
            #expect(
                sentence == "DIR: the tokenizer's vocabulary has \(count) tokens, the network's has 134: \(remedy)")
        }
        let copy = try FolderCopy(of: "words/blip-tied")
        let picture = Fixture.noise(30, 30)
        let whole = try Fixture.captioner(copy.path)
        try changeWords(copy) { $0.removeLast(2) }
        let published = try Fixture.captioner(copy.path)
        #expect(published.tokenizer.vocabularyCount == 132 && whole.tokenizer.vocabularyCount == 134)
        #expect(published.blip.hash != whole.blip.hash)
        #expect(
            try published.caption(of: published.states(of: picture), beginning: "a photo of")
                == whole.caption(of: whole.states(of: picture), beginning: "a photo of"))
        // One token less, and the start among those that are there: it is another vocabulary.
        try changeWords(copy) { $0.append("more") }
        let shifted = try #require(throws: ModelError.self) { try Fixture.captioner(copy.path) }
        #expect("\(shifted)".contains("has 133 tokens, the network's has 134"))
    }

    @Test func `has the token that ends a sentence where the network expects it`() throws {
        let sentence = try refusal { try changeWords($0) { $0.swapAt(101, 102) } }
        #expect(
            sentence == "DIR: the tokenizer's [SEP] is 101, the network's is 102: "
                + "take both from the folder that the model was published in")
        let none = try refusal { try changeWords($0) { $0[102] = "end" } }
        #expect(none.contains("vocab.txt") && none.contains("[SEP]"), "\(none)")
    }

    @Test func `prepares pictures at the size that the network was trained on`() throws {
        for (height, width) in [(24, 25), (384, 384), (8, 24)] {
            let sentence = try refusal {
                try $0.replace(
                    "preprocessor_config.json", "\"height\": 24,\n  \"width\": 24",
                    "\"height\": \(height), \"width\": \(width)")
            }
            let found = height == 24 ? width : height
            #expect(
                sentence == "DIR/preprocessor_config.json: the side of pictures is \(found), the network's is 24: "
                    + "take both from the folder that the model was published in")
        }
        let other = try refusal {
            try $0.replace("preprocessor_config.json", "BlipImageProcessor", "SiglipImageProcessor")
        }
        #expect(other.hasPrefix("DIR/preprocessor_config.json: image_processor_type is \"Siglip"), "\(other)")
    }
}

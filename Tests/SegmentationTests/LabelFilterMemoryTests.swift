import FoundationEssentials
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

@Suite struct `what a filter remembers` {
    /// A folder for the cache, which is not there yet.
    private let place: TemporaryDirectory
    private var cache: String { "\(place.path)/cache/dseg" }
    private var file: String { "\(cache)/embeddings" }

    init() throws { place = try TemporaryDirectory() }

    private func size() throws -> Int { try Repository.bytes(file).count }

    /// Puts something else in the place of what is remembered on disk of a text: it shows in an answer.
    private func forge(_ filter: LabelFilter, _ text: String) {
        let model =
            "\(filter.clip.hash) \(filter.clip.precision.rawValue)"
            + (filter.clip.precision.rowsAreIndependent ? "" : " \(BLAS.name)")
        RememberedEmbeddings(in: cache).remember([
            RememberedEmbeddings.Key(user: 1, model: model, text: text): [Float](repeating: 7, count: 20)
        ])
    }

    private let forged = [UInt32](repeating: Float(7).bitPattern, count: 20)

    @Test(arguments: Precision.allCases)
    func `is found in memory, after that on disk, and by no one else`(precision: Precision) throws {
        let filter = try Fixture.filter(precision: precision, cache: cache)
        let fresh = try Fixture.filter(precision: precision).bits(["dog", "cat", ""])
        #expect(try filter.bits(["dog", "cat", ""]) == fresh)
        #expect(filter.remembered.count == 3 && filter.remembered.bytes == 3 * 80 + 6)
        let written = try size()
        forge(filter, "dog")
        #expect(try filter.bits(["dog", "cat", ""]) == fresh, "it is in memory")
        filter.forget()
        #expect(filter.remembered.count == 0)
        #expect(try filter.bits(["cat", "dog"]) == [fresh[1], forged], "it is on disk")
        #expect(try size() == written)

        #expect(try Fixture.filter(precision: precision, cache: cache).bits("dog") == forged, "another start")
        #expect(try Fixture.filter(precision: precision).bits("dog") == fresh[0], "no cache")
        let others = Precision.allCases.filter { $0 != precision }
        for other in others {
            let expected = try Fixture.filter(precision: other).bits("dog")
            #expect(try Fixture.filter(precision: other, cache: cache).bits("dog") == expected)
        }
        let copy = try FolderCopy(of: "words/clip")
        #expect(
            try Fixture.filter(copy.path, precision: precision, cache: cache).bits("dog") == forged, "the same model")
        try copy.replace("preprocessor_config.json", "0.48145466", "0.5")
        #expect(
            try Fixture.filter(copy.path, precision: precision, cache: cache).bits("dog") == fresh[0], "another model")
    }

    @Test func `is one text or many, known or new, and written once`() throws {
        let filter = try Fixture.filter(precision: .int16, cache: cache)
        let fresh = try Fixture.filter(precision: .int16)
        let texts = (0..<50).map { "dog \($0)" }
        _ = try filter.bits(Array(texts.prefix(20)))
        let first = try size()
        #expect(try filter.bits(texts) == fresh.bits(texts))
        #expect(try size() == first + 30 * (36 + 80))
        let identity = shell("stat -c '%i %Y' '\(file)'").output
        #expect(try filter.bits(texts.reversed()) == fresh.bits(texts.reversed()))
        filter.forget()
        #expect(try filter.bits(texts) == fresh.bits(texts))
        #expect(shell("stat -c '%i %Y' '\(file)'").output == identity, "nothing new is nothing to write")
    }

    /// A cut-off file, one of another length of embeddings, and folders that cannot be.
    @Test func `is no matter where it cannot be`() throws {
        let filter = try Fixture.filter(cache: cache)
        let expected = try filter.bits(["dog", "cat"])
        let whole = try Repository.bytes(file)
        for bytes in [[], Array(whole.dropLast()), whole + [0], Array("text".utf8)] {
            try Data(bytes).write(to: URL(filePath: file))
            filter.forget()
            #expect(try filter.bits(["dog", "cat"]) == expected)
            #expect(try size() == whole.count)
        }
        let model = "\(filter.clip.hash) f32 \(BLAS.name)"
        RememberedEmbeddings(in: cache).remember([
            RememberedEmbeddings.Key(user: 1, model: model, text: "dog"): [1, 2, 3],
            RememberedEmbeddings.Key(user: 1, model: model, text: "cat"): [],
        ])
        filter.forget()
        #expect(try filter.bits(["dog", "cat"]) == expected)
        for folder in ["/dev/null/dseg", "/proc/dseg", ""] {
            #expect(try Fixture.filter(cache: folder).bits(["dog", "cat"]) == expected)
        }
    }
}

@Suite struct `the folder of a filter` {
    private func refusal(
        _ spoil: (FolderCopy) throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        try SegmentationTests.refusal(
            "words/clip", { _ = try Fixture.filter($0) }, after: spoil, sourceLocation: sourceLocation)
    }

    private let remedy = "take the tokenizer's files from the folder that the model was published in"

    @Test func `without a tokenizer has CLIP's, if that is its`() throws {
        let none = try refusal { for name in ["vocab.json", "merges.txt"] { try $0.remove(name) } }
        #expect(none == "DIR: the tokenizer's vocabulary has 49408 tokens, the network's has 530: \(remedy)")
        let merges = try refusal { try $0.remove("vocab.json") }
        #expect(merges.contains("DIR/vocab.json"), "\(merges)")
        let vocabulary = try refusal { try $0.remove("merges.txt") }
        #expect(vocabulary.contains("DIR/merges.txt"), "\(vocabulary)")
    }

    @Test func `has the network's vocabulary`() throws {
        let more = try refusal {
            try $0.replace("vocab.json", "\"<|endoftext|>\": 529", "\"<|endoftext|>\": 529, \"xyz\": 530")
        }
        #expect(more == "DIR: the tokenizer's vocabulary has 531 tokens, the network's has 530: \(remedy)")
        let broken = try refusal { try $0.write("vocab.json", "{") }
        #expect(broken.hasPrefix("DIR/vocab.json: "), "\(broken)")
    }

    @Test func `prepares pictures at the size that the network was trained on, said or not`() throws {
        let copy = try FolderCopy(of: "words/clip")
        let picture = Fixture.noise(50, 60)
        let expected = try Fixture.filter(copy.path).bits(of: picture)
        try copy.remove("preprocessor_config.json")
        #expect(try Fixture.filter(copy.path).bits(of: picture) == expected)
        let sentence = try refusal {
            try $0.replace("preprocessor_config.json", "\"crop_size\": 40", "\"crop_size\": 32")
        }
        #expect(
            sentence == "DIR/preprocessor_config.json: the side of pictures is 32, the network's is 40: "
                + "take both from the folder that the model was published in")
        let broken = try refusal { try $0.write("preprocessor_config.json", "") }
        #expect(broken == "DIR/preprocessor_config.json is empty; fetch the file again, whole")
    }
}

import FoundationEssentials
import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

/// The demo's captioner and filter, and what their reference says of them (`score_words.py`, transformers, f32).
enum DemoWords {
    static let folder = "\(Repository.root)/Tests/Fixtures/demo-words"
    private static let resources = "\(Repository.root)/Sources/dsegd/Resources"

    static func captioner(_ precision: Precision) throws -> Captioner {
        try Fixture.captioner("\(resources)/demo-captioner", precision)
    }

    static func filter(_ precision: Precision) throws -> LabelFilter {
        try Fixture.filter("\(resources)/demo-filter", precision: precision)
    }

    /// The scenes' classes, each with its synonyms.
    static let candidates: [Candidate] = {
        let path = "\(Repository.root)/Tests/Fixtures/scenes/classes.txt"
        let text = (try? String(contentsOf: URL(filePath: path), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { line in
            let parts = line.split(separator: "=").map(String.init)
            return candidate(parts[0], synonyms: parts.count > 1 ? parts[1].split(separator: "|").map(String.init) : [])
        }
    }()

    static func candidate(_ name: String, synonyms: [String] = []) -> Candidate {
        Candidate(label: Label(name: name, phrases: []), synonyms: synonyms)
    }

    /// A caption's nouns as the reference has them: what stands between little words.
    static func nouns(_ caption: String) -> [Noun] {
        let little = Set(
            "a an the and of with on in at front photograph photo picture there is , .".split(separator: " "))
        let words = caption.replacing(",", with: " ,").split(separator: " ")
        return words.split(whereSeparator: little.contains).map { $0.joined(separator: " ") }.map {
            Noun(name: $0, kinds: [], words: $0)
        }
    }

    static func scene(_ name: String) throws -> Image {
        try Image(decoding: [UInt8](Data(contentsOf: URL(filePath: name))))
    }
}

extension LabelFilter {
    func embedding(of picture: Image, for filter: Filter) throws -> PictureEmbedding {
        var arena = try Arena(reserving: scratchBytes)
        let prepared = try prepare(picture, cancellation: .never)
        return try look(at: prepared, for: parts(of: filter), cancellation: .never, &arena)
    }

    func verdicts(
        _ candidates: [Candidate], _ nouns: [Noun], _ picture: Image, _ filter: Filter, background: [String]? = nil
    ) throws -> [Verdict] {
        let embedding = try embedding(of: picture, for: filter)
        var arena = try Arena(reserving: scratchBytes)
        return try judge(
            candidates, background: background ?? patches.background, nouns: nouns, picture: embedding, by: filter,
            for: 1,
            cancellation: .never, &arena)
    }
}

extension [Verdict] {
    /// The candidates that stay, in their order.
    var kept: [Int] { filter(\.kept).map(\.candidate) }
}

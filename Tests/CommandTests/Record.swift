import FoundationEssentials
import Images
import Testing

/// What `--json` prints and every PNG carries, as far as these tests look.
struct Record: Decodable, Equatable {
    struct Picture: Decodable, Equatable {
        let path: String
        let sha256: String
        let width: Int
        let height: Int
    }

    struct Label: Decodable, Equatable {
        let name: String
        let phrases: [Phrase]
        let pixels: Int
        let share: Double
    }

    struct Phrase: Decodable, Equatable {
        let words: String
        let prompt: String
        let truncated: Bool
    }

    struct Model: Decodable, Equatable {
        let name: String
        let hash: String
    }

    let picture: Picture
    let words: [String]
    let labels: [Label]
    let recipe: String
    let settings: [String]?
    let maps: String?
    let seed: UInt32
    let threshold: Float
    let model: Model
    let version: String
    let precision: String
    let instruction_set: String
    let blas: String
    let answer: String

    /// - Parameter file: a PNG file, or JSON
    init(_ file: [UInt8]) throws {
        let isPicture = file.first == 0x89
        let json = isPicture ? Array(try #require(try Self.text(in: file)).utf8) : file
        self = try JSONDecoder().decode(Record.self, from: Data(json))
    }

    /// The JSON that a PNG file carries.
    static func text(in file: [UInt8]) throws -> String? { try PNGFile.texts(in: file)["dseg"] }
}

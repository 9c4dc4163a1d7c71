import FoundationEssentials
import Images
import Support
import Testing

/// Files beside the tests.
enum Fixture {
    static let directory = URL(filePath: "\(Repository.root)/Tests/Fixtures")

    static func bytes(_ path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: directory.appending(path: path)))
    }

    /// The pictures of make_images.py.
    static let pictures: [String] = {
        let path = directory.appending(path: "images").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { name in [".png", ".jpg", ".webp"].contains(where: name.hasSuffix) }.sorted()
    }()

    /// What Pillow reads from a picture of make_images.py.
    static func expected(_ picture: String) throws -> Image {
        let raw = try bytes("images/\(picture).rgb")
        let (width, height) = (int32(raw, at: 0), int32(raw, at: 4))
        let colours = raw[8...].prefix(width * height * 3)
        let alpha = raw[8...].dropFirst(width * height * 3)
        return Image(
            width: width, height: height, pixels: Array(colours),
            alpha: alpha.isEmpty ? nil : Array(alpha))
    }

    static func int32(_ bytes: [UInt8], at index: Int) -> Int {
        bytes[index..<index + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    static func floats(_ bytes: some Collection<UInt8>) -> [Float] {
        let bytes = Array(bytes)
        return stride(from: 0, to: bytes.count, by: 4).map { i in
            Float(bitPattern: UInt32(int32(bytes, at: i)))
        }
    }
}

/// An F32 tensor of a safetensors file, `[1, channels, height, width]`.
struct GoldenTensor {
    let height: Int
    let width: Int
    let values: [Float]

    private struct Entry: Decodable {
        let shape: [Int]
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case shape
            case offsets = "data_offsets"
        }
    }

    init(_ name: String, in path: String) throws {
        let file = try Fixture.bytes(path)
        let length = Fixture.int32(file, at: 0)
        let header = try JSONDecoder().decode(
            [String: Entry].self, from: Data(file[8..<8 + length]))
        let entry = try #require(header[name])
        height = entry.shape[2]
        width = entry.shape[3]
        let (start, end) = (entry.offsets[0], entry.offsets[1])
        values = Fixture.floats(file[8 + length + start..<8 + length + end])
    }

    /// The value of one channel of one pixel.
    func callAsFunction(_ channel: Int, _ row: Int, _ column: Int) -> Float {
        values[(channel * height + row) * width + column]
    }
}

extension [UInt8] {
    /// Where a pattern stands first, or last.
    func first(_ pattern: [UInt8]) -> Int? { indices.first { self[$0...].starts(with: pattern) } }
    func last(_ pattern: [UInt8]) -> Int? { indices.last { self[$0...].starts(with: pattern) } }
}

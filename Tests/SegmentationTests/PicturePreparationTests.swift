import FoundationEssentials
import Images
import Networks
import Segmentation
import Support
import Testing

/// The folder of make_prepared.py.
private let fixtures = "\(Repository.root)/Tests/Fixtures"

private struct Case: Decodable {
    let width: Int
    let height: Int
    let hasAlpha: Bool
    /// The text of its `preprocessor_config.json`.
    let file: String

    /// As make_prepared.py draws it.
    func picture(_ number: Int) -> Image {
        var random = SeededGenerator(seed: UInt64(number))
        let samples = (0..<width * height * 4).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let colours = width * height * 3
        return Image(
            width: width, height: height, pixels: Array(samples[..<colours]),
            alpha: hasAlpha ? Array(samples[colours...]) : nil)
    }
}

/// A picture of which all is read in its proportions.
private struct WholeCase: Decodable {
    let width: Int
    let height: Int
    let shortest: Int
    let patch: Int
}

private struct CaseList: Decodable {
    let cases: [Case]
    let wholes: [WholeCase]
}

@Suite struct `a picture is prepared for a vision network` {
    /// Each number is of three operations in f32, and the golden's another three.
    private func expectEqual(_ found: [Float]?, _ expected: [Float], _ comment: Comment) throws {
        let found = try #require(found)
        try #require(found.count == expected.count && !found.isEmpty, comment)
        let scale = expected.reduce(0) { max($0, $1.magnitude) }
        let error = zip(found, expected).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
        #expect(error <= 1e-6 * scale, comment)
    }

    private func tensor(_ name: String) throws -> [Float] {
        try TensorFile(path: "\(fixtures)/prepared/prepared.safetensors").values(of: name)
    }

    private func image(_ path: String) throws -> Image { try Image(decoding: Repository.bytes("\(fixtures)/\(path)")) }

    @Test(arguments: ["tiny", "tiny-odd"])
    func `as the goldens are`(fixture: String) throws {
        let image = try image("\(fixture)/golden/image.png")
        let processors: [(String, PictureConfiguration.Processor)] = [("blip", .blip), ("clip", .clip)]
        for (network, processor) in processors {
            let configuration = try PictureConfiguration(
                RegularFile(path: "\(fixtures)/\(fixture)/checkpoint/\(network)/preprocessor_config.json"), processor)
            let found = image.prepared(configuration)
            try expectEqual(found, tensor("\(fixture).\(network)"), "\(fixture), \(network)")
        }
    }

    @Test func `as the goldens of the published sizes are`() throws {
        let image = try image("prepared/full.png")
        let configurations: [(String, PictureConfiguration)] = [
            ("blip", .published(.blip, side: 384)), ("clip", .published(.clip, side: 224)),
        ]
        for (network, configuration) in configurations {
            let found = try #require(image.prepared(configuration))
            let row = configuration.size(of: .init(height: image.height, width: image.width)).width * 3
            let rows = stride(from: 0, to: found.count, by: 16 * row).flatMap { found[$0..<$0 + row] }
            try expectEqual(rows, tensor("full.\(network)"), "\(network)")
        }
    }

    @Test func `as transformers does by any file, pictures of any shape`() throws {
        let list = try JSONDecoder().decode(
            CaseList.self, from: Data(Repository.bytes("\(fixtures)/prepared/prepared.json")))
        #expect(list.cases.count == 15)
        for (number, example) in list.cases.enumerated() {
            let folder = try TemporaryDirectory()
            let path = "\(folder.path)/preprocessor_config.json"
            try Data(example.file.utf8).write(to: URL(filePath: path))
            let configuration = try PictureConfiguration(RegularFile(path: path), .clip)
            let found = example.picture(number).prepared(configuration)
            try expectEqual(found, tensor("case.\(number)"), "\(example)")
        }
    }

    @Test func `whole, in its proportions, as Pillow does`() throws {
        let list = try JSONDecoder().decode(
            CaseList.self, from: Data(Repository.bytes("\(fixtures)/prepared/prepared.json")))
        #expect(list.wholes.count == 5)
        for (number, whole) in list.wholes.enumerated() {
            let example = Case(width: whole.width, height: whole.height, hasAlpha: false, file: "")
            let configuration = PictureConfiguration.published(.clip, side: 32)
                .whole(shortest: whole.shortest, patch: whole.patch)
            let found = example.picture(100 + number).prepared(configuration)
            try expectEqual(found, tensor("whole.\(number)"), "\(whole)")
        }
    }

    @Test func `a picture a pixel wide is read as its middle`() throws {
        let column = (0..<20_000).flatMap { y in [UInt8](repeating: UInt8(y / 79), count: 3) }
        let image = Image(width: 1, height: 20_000, pixels: column, alpha: nil)
        let found = try #require(image.prepared(.published(.clip, side: 224)))
        let shade = Float(10_000 / 79) / 255
        let grey = [
            (shade - 0.48145466) / 0.26862954, (shade - 0.4578275) / 0.26130258, (shade - 0.40821073) / 0.27577711,
        ]
        #expect(found.count == 224 * 224 * 3)
        #expect(found.indices.allSatisfy { (found[$0] - grey[$0 % 3]).magnitude < 1e-6 })
    }

    @Test(arguments: [(1, 1), (640, 480), (3, 900)])
    func `one colour stays one colour`(width: Int, height: Int) throws {
        let pixels = (0..<width * height).flatMap { _ in [255, 0, 51] as [UInt8] }
        let image = Image(width: width, height: height, pixels: pixels, alpha: nil)
        let colour: [Float] = [(1 - 0.48145466) / 0.26862954, -0.4578275 / 0.26130258, (0.2 - 0.40821073) / 0.27577711]
        for configuration: PictureConfiguration in [.published(.blip, side: 96), .published(.clip, side: 56)] {
            let found = try #require(image.prepared(configuration))
            let size = configuration.size(of: .init(height: height, width: width))
            #expect(found.count == size.width * size.height * 3)
            #expect(found.indices.allSatisfy { (found[$0] - colour[$0 % 3]).magnitude < 1e-6 })
        }
    }

    @Test func `what is wholly transparent is read as white`() throws {
        let hidden = Image(
            width: 5, height: 4, pixels: .init(repeating: 7, count: 60), alpha: .init(repeating: 0, count: 20))
        let white = Image(width: 5, height: 4, pixels: .init(repeating: 255, count: 60), alpha: nil)
        let configuration = PictureConfiguration.published(.clip, side: 32)
        let found = try #require(hidden.prepared(configuration))
        #expect(found == white.prepared(configuration))
    }

    @Test func `what nobody wants is not prepared`() {
        let image = Image(width: 1, height: 1, pixels: [1, 2, 3], alpha: nil)
        #expect(image.prepared(.published(.blip, side: 32), while: { false }) == nil)
    }
}

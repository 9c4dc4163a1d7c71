import FoundationEssentials
import Glibc
import Kernels
import Networks
import Support
import Testing

/// Offsets that any run of the tests tries: a linear congruential generator's.
private struct Draws {
    private var state: UInt64 = 20260727

    mutating func below(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(limit))
    }
}

@Suite struct `a weight file that was damaged` {
    private let copy: CheckpointCopy
    private let whole: [UInt8]
    private let name: String

    init() throws {
        copy = try CheckpointCopy("text_encoder", CheckpointCopy.tensors(of: "text_encoder"))
        name = "\(copy.stem).safetensors"
        whole = Array(try Data(contentsOf: URL(filePath: "\(copy.folder.path)/\(name)")))
    }

    /// The hash of the folder, all its tensors read.
    private func hash() throws -> ModelHash {
        let path = copy.folder.path
        let checkpoint = try Checkpoint(directory: path, stem: copy.stem, component: "text_encoder")
        let region = try WeightRegion(capacity: checkpoint.packedBytes)
        _ = try CLIPTextEncoder(
            checkpoint.weights(in: region, precision: .f32)["text_model"],
            TextEncoderConfiguration(RegularFile(path: "\(path)/config.json")))
        try checkpoint.settle(except: Checkpoint.isPositions)
        return try Checkpoint.read([checkpoint], hashing: checkpoint.hashedFiles(in: "")) { true }
    }

    @Test func `by one bit is refused by file or tensor, or has another hash`() throws {
        let sound = try hash()
        var draws = Draws()
        let header = 8 + whole[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        var refused = 0
        for turn in 0..<100 {
            // Half of the damage is done to the header, which is a small part of the file.
            let offset = draws.below(turn.isMultiple(of: 2) ? header : whole.count)
            var damaged = whole
            damaged[offset] ^= 1 << UInt8(draws.below(8))
            try copy.folder.write(name, damaged)
            do {
                #expect(try hash().description != sound.description, "byte \(offset)")
            } catch let error as CheckpointError {
                refused += 1
                #expect(
                    "\(error)".contains(copy.folder.path) || "\(error)".contains("text_encoder."), "\(offset): \(error)"
                )
            }
        }
        #expect((1..<100).contains(refused))
        try copy.folder.write(name, whole)
        #expect(try hash() == sound)
    }

    @Test func `by cutting it anywhere is refused by its name and where it ends`() throws {
        var draws = Draws()
        let header = 8 + whole[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        for count in (0..<100).map({ draws.below($0.isMultiple(of: 2) ? header + 64 : whole.count) }) {
            try copy.folder.write(name, Array(whole[..<count]))
            let error = try #require(throws: CheckpointError.self, "\(count) bytes") { try hash() }
            guard count > 0 else { continue }
            let place = count < header ? count : count - header
            #expect("\(error)".hasPrefix("\(copy.folder.path)/\(name)") && "\(error)".contains("\(place)"), "\(error)")
        }
    }

    @Test func `by putting a pipe, a folder, a device or a loop in its place is refused at once`() throws {
        let path = "\(copy.folder.path)/\(name)"
        for (make, words) in [
            ({ _ = unsafe mkfifo(path, 0o600) }, "no regular file"),
            ({ _ = unsafe mkdir(path, 0o700) }, "no regular file"),
            ({ _ = unsafe symlink("/dev/zero", path) }, "no regular file"),
            ({ _ = unsafe symlink(path, path) }, "lead in a circle"),
        ] as [(() -> Void, String)] {
            try FileManager.default.removeItem(atPath: path)
            make()
            let start = ContinuousClock.now
            let error = try #require(throws: CheckpointError.self) { try hash() }
            #expect("\(error)".contains(path) && "\(error)".contains(words), "\(error)")
            #expect(start.duration(to: .now) < .seconds(5))
        }
    }
}

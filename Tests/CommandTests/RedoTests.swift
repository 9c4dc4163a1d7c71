import FoundationEssentials
import Images
import RPC
import Support
import Testing

/// Every file says how it was made, and can be made again.
@Suite struct RedoTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    /// A picture in a folder of its own.
    private let picture: String

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
        picture = "\(place.path)/pond.jpg"
        try copy(Repository.picture, to: picture)
    }

    /// Makes every kind of file, the JSON too; answers their paths.
    private func makeAll(_ arguments: [String] = []) throws -> [String] {
        let ending = try daemon.dseg(
            ["mask", picture, "ship=boat|sailboat, sheep", "--overlay", "--heat", "--cut", "ship", "--json"]
                + arguments)
        #expect(ending.code == 0, "\(ending.errors)")
        try write(ending.output, to: "\(place.path)/pond.json")
        return try place.names.filter { $0 != "pond.jpg" }.map { "\(place.path)/\($0)" }
    }

    @Test(arguments: [[], ["--recipe", "diffsegmenter", "--seed", "7", "--threshold", "0.45"]])
    func `another daemon makes every file again, bit for bit`(arguments: [String]) throws {
        let other = try Daemon()
        let files = try makeAll(arguments)
        #expect(files.count == 6)
        for file in files {
            let made = try bytes(file)
            // What is left of it: how it was made.
            try write(damaged(made), to: file)
            #expect(try bytes(file) != made)
            let ending = try other.dseg(["redo", file])
            #expect(ending.code == 0)
            #expect(ending.output.isEmpty)
            #expect(ending.errors == "wrote \(file)\n")
            #expect(try bytes(file) == made, "\(file)")
        }
        #expect(try place.names.count == 7)
    }

    /// A file of the same origin that shows nothing.
    private func damaged(_ file: [UInt8]) throws -> [UInt8] {
        guard file.first == 0x89 else { return Array("{  ".utf8) + file.dropFirst() }
        let text = PNGFile.Text(key: "dseg", value: try #require(try Record.text(in: file)))
        return try PNGFile(width: 1, height: 1, .grey([0]), texts: [text]).encoded()
    }

    @Test func `a file says words, prompts, recipe, seed, model and version`() throws {
        let status = try daemon.client().status()
        let files = try makeAll(["--seed", "7", "--threshold", "0.25"])
        let handle = try daemon.client().look(bytes(picture)).handle
        var header: Header?
        try daemon.client().segment(SegmentRequest(picture: .handle(handle), labels: [Label(name: "boat")])) {
            if case .header(let first) = $0 { header = first }
        }
        for file in files {
            let record = try Record(bytes(file))
            #expect(record.words == ["ship=boat|sailboat, sheep"])
            #expect(record.labels.map(\.name) == ["ship", "sheep"])
            #expect(record.labels[0].phrases.map(\.words) == ["boat", "sailboat"])
            #expect(
                record.labels.flatMap(\.phrases).map(\.prompt) == [
                    "a photograph of boat", "a photograph of sailboat", "a photograph of sheep",
                ])
            #expect(record.recipe == "shared")
            #expect(record.seed == 7)
            #expect(record.threshold == 0.25)
            #expect(record.model.hash == status.models.first?.hash)
            #expect(record.version == Version.current)
            #expect(record.precision == status.models.first?.precision)
            #expect(record.instruction_set == header?.instructionSet)
            #expect(record.picture == Record.Picture(path: picture, sha256: handle, width: 192, height: 192))
        }
        let mask = try IndexPicture(at: "\(place.path)/pond.mask.png").counts(labels: 2)
        let labels = try Record(bytes(files[0])).labels
        #expect(labels.map(\.pixels) == Array(mask.dropFirst()))
        #expect(labels.map(\.share) == mask.dropFirst().map { Double($0) / (192 * 192) })
    }

    @Test func `another picture in its place is refused and the file stays`() throws {
        for file in try makeAll() {
            let made = try bytes(file)
            try write(bytes("\(Repository.scenes)/JPEGImages/scene_501_0001.jpg"), to: picture)
            let ending = try daemon.dseg(["redo", file])
            #expect(ending.code == 65)
            #expect(ending.output.isEmpty)
            #expect(ending.errors.contains("\(picture) is not the picture it was"))
            #expect(try bytes(file) == made)
        }
    }

    @Test func `another precision's scores are refused, and both are named`() throws {
        let exact = try Daemon("--precision", "f32")
        let mask = "\(place.path)/exact.png"
        let made = try exact.dseg(["mask", picture, "boat", "-o", "-"]).output
        try write(made, to: mask)
        let other = try Daemon("--precision", "int16")
        let ending = try other.dseg(["redo", mask])
        #expect(ending.code == 65)
        #expect(ending.errors.contains("the precision was f32, is int16"), "\(ending.errors)")
        #expect(try bytes(mask) == made)
    }

    @Test func `a picture that is gone is missing, and found beside the file it moved with`() throws {
        let file = try #require(try makeAll().first { $0.hasSuffix("mask.png") })
        let made = try bytes(file)
        let moved = try TemporaryDirectory()
        try copy(file, to: "\(moved.path)/mask.png")
        try FileManager.default.removeItem(atPath: picture)
        let missing = try daemon.dseg(["redo", "\(moved.path)/mask.png"])
        #expect(missing.code == 66)
        #expect(missing.errors.contains("pond.jpg"))
        try copy(Repository.picture, to: "\(moved.path)/pond.jpg")
        #expect(try daemon.dseg(["redo", "\(moved.path)/mask.png"]).code == 0)
        #expect(try bytes("\(moved.path)/mask.png") == made)
    }

    @Test func `what came from a pipe is made again from a pipe`() throws {
        let mask = "\(place.path)/piped.png"
        let made = try daemon.dseg(["mask", "-", "boat"], input: bytes(picture)).output
        try write(damaged(made), to: mask)
        #expect(try daemon.dseg(["redo", mask], input: bytes(picture)).code == 0)
        #expect(try bytes(mask) == made)
    }

    @Test func `without a daemon the files are the same`() throws {
        let files = try makeAll()
        let made = try files.map { try bytes($0) }
        let alone = try run([
            Repository.dseg, "mask", picture, "--no-daemon", "ship=boat|sailboat, sheep", "--overlay", "--heat",
            "--socket", "\(place.path)/none", "--cut", "ship", "--json", "--force", "--socket=none",
        ])
        #expect(alone.code == 0, "\(alone.errors)")
        try write(alone.output, to: "\(place.path)/pond.json")
        #expect(try files.map { try bytes($0) } == made)
        let direct = try run([Repository.dsegd, "mask", picture, "ship=boat|sailboat, sheep", "-o", "-"])
        #expect(try direct.output == bytes("\(place.path)/pond.mask.png"))
        let afterwards = try run([Repository.dseg, "mask", "--no-daemon", "-o", "-", "--", picture, "--no-daemon"])
        #expect(try Record(afterwards.output).words == ["--no-daemon"])
    }
}

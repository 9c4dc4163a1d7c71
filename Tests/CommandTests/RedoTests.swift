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
    ///
    /// - Parameter other: `nil`: this suite's daemon
    private func makeAll(_ arguments: [String] = [], by other: Daemon? = nil) throws -> [String] {
        let ending = try (other ?? daemon).dseg(
            ["mask", picture, "ship=boat|sailboat, sheep", "--overlay", "--heat", "--cut", "ship", "--json"]
                + arguments)
        #expect(ending.code == 0, "\(ending.errors)")
        try write(ending.output, to: "\(place.path)/pond.json")
        return try place.names.filter { $0 != "pond.jpg" }.map { "\(place.path)/\($0)" }
    }

    @Test(
        arguments: [
            [], ["--recipe", "diffsegmenter", "--seed", "7", "--threshold", "0.45"],
            ["--set", "gamma=2", "--set", "rounds=01"], ["--set", "softmax=joint"], ["--recipe", "iseg"],
            ["--recipe", "cliper-affinity:context", "--set", "presence=off"],
        ], ["f32", "int16"])
    func `another daemon makes every file again, bit for bit`(arguments: [String], precision: String) throws {
        let one = try Daemon("--precision", precision, "--threads", "1")
        let other = try Daemon("--precision", precision, "--threads", "2")
        let files = try makeAll(arguments, by: one)
        #expect(files.count == 6)
        for file in files {
            let made = try bytes(file)
            // What is left of it: how it was made.
            try write(damaged(made), to: file)
            #expect(try bytes(file) != made)
            let ending = try other.dseg(["redo", file])
            #expect(ending.code == 0)
            #expect(ending.output.isEmpty)
            let told = ending.errors.split(separator: "\n").filter { !$0.hasPrefix("dseg: note: ") }
            #expect(told == ["wrote \(file)"])
            #expect(try bytes(file) == made, "\(file)")
        }
        #expect(try place.names.count == 7)
    }

    /// Files that do not say which score maps were requested: their hash is of those on the latent grid, which the
    /// client enlarged. They were made by instructions and OpenBLAS kernels that any x86 has.
    @Test(arguments: ["mask.png", "grey.png", "overlay.png", "ship.heat.png", "ship.cut.png", "json"])
    func `a file of before maps were recorded is made again as it was`(name: String) throws {
        let daemon = try Daemon(
            answering: ["--precision", "f32"],
            environment: ["DSEG_INSTRUCTIONS": "portable", "OPENBLAS_CORETYPE": "Nehalem"])
        let old = try bytes("\(Repository.fixtures)/redo/pond.\(name)")
        #expect(try Record(old).maps == nil && Record(old).recipe == "shared")
        let file = "\(place.path)/pond.\(name)"
        try write(damaged(old), to: file)
        let ending = try daemon.dseg(["redo", file])
        let request = SegmentRequest(picture: .image(try bytes(picture)), labels: [Label(name: "boat")], maps: .none)
        let (was, now) = (try Record(old).blas, try daemon.client().header(request).blas)
        guard was == now else {
            #expect(ending.errors.contains("the BLAS was \(was), is \(now)"), "\(ending.errors)")
            return
        }
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try parts(bytes(file)) == parts(old))
    }

    /// A file in two parts: all but its provenance, and that, without the version.
    private func parts(_ file: [UInt8]) throws -> [[UInt8]] {
        func unversioned(_ text: [UInt8]) throws -> [UInt8] {
            let version = try Record(file).version
            return Array(String(decoding: text, as: UTF8.self).replacing("\"version\":\"\(version)\"", with: "").utf8)
        }
        guard file.first == 0x89 else { return try [unversioned(file)] }
        let start = try #require(file.firstRange(of: Array("iTXt".utf8))).lowerBound - 4
        let length = file[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        let text = Array(try #require(try Record.text(in: file)).utf8)
        return try [Array(file[..<start] + file[(start + 12 + length)...]), unversioned(text)]
    }

    /// A file of the same origin that shows nothing.
    private func damaged(_ file: [UInt8]) throws -> [UInt8] {
        guard file.first == 0x89 else { return Array("{  ".utf8) + file.dropFirst() }
        let text = PNGFile.Text(key: "dseg", value: try #require(try Record.text(in: file)))
        return try PNGFile(width: 1, height: 1, .grey([0]), texts: [text]).encoded()
    }

    @Test func `a file says words, prompts, recipe, seed, model and version`() throws {
        let status = try daemon.client().status()
        let files = try makeAll(["--seed", "7", "--threshold", "0.25", "--set", "rounds=03", "--set", "gamma=1"])
        let handle = try daemon.client().look(bytes(picture)).handle
        let header = try daemon.client().header(
            SegmentRequest(picture: .handle(handle), labels: [Label(name: "boat")]))
        for file in files {
            let record = try Record(bytes(file))
            #expect(record.words == ["ship=boat|sailboat, sheep"])
            #expect(record.labels.map(\.name) == ["ship", "sheep"])
            #expect(record.labels[0].phrases.map(\.words) == ["boat", "sailboat"])
            #expect(
                record.labels.flatMap(\.phrases).map(\.prompt) == [
                    "a photograph of boat", "a photograph of sailboat", "a photograph of sheep",
                ])
            #expect(record.recipe == "best" && record.settings == ["rounds=3"])
            #expect(record.maps == "sized", "for the heat maps of the same run")
            #expect(record.seed == 7)
            #expect(record.threshold == 0.25)
            #expect(record.model.hash == status.models.first?.hash)
            #expect(record.version == Version.current)
            #expect(record.precision == status.models.first?.precision)
            #expect(record.instruction_set == header.instructionSet)
            #expect(record.blas == header.blas)
            #expect(record.picture == Record.Picture(path: picture, sha256: handle, width: 192, height: 192))
        }
        let alone = try Record(daemon.dseg(["mask", picture, "boat", "-o", "-"]).output)
        #expect(alone.maps == "none" && alone.settings == nil)
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
        let heat = "\(place.path)/exact.png"
        let made = try exact.dseg(["mask", picture, "boat", "--heat", "-o", "-"]).output
        try write(made, to: heat)
        let other = try Daemon("--precision", "int16")
        let ending = try other.dseg(["redo", heat])
        #expect(ending.code == 65)
        #expect(ending.errors.contains("the precision was f32, is int16"), "\(ending.errors)")
        #expect(try bytes(heat) == made)
    }

    /// A daemon whose OpenBLAS multiplies with the kernels of this core.
    private func daemon(core: String, precision: String) throws -> Daemon {
        let daemon = try Daemon(
            answering: ["--precision", precision], environment: ["OPENBLAS_CORETYPE": core])
        let request = SegmentRequest(picture: .image(try bytes(picture)), labels: [Label(name: "boat")], maps: .none)
        let blas = try daemon.client().header(request).blas
        #expect(blas.hasPrefix("OpenBLAS ") && blas.hasSuffix(" \(core)"), "\(blas)")
        return daemon
    }

    /// Haswell's kernels round a product and its sum once (FMA), Nehalem's twice: the last bits of scores may differ.
    /// Where they do the file is refused, else written; either way both cores are named.
    @Test(
        .enabled(if: shell("grep -qw avx2 /proc/cpuinfo").status == 0, "the processor lacks Haswell's instructions"),
        arguments: ["f32", "int16"])
    func `the same core makes the same file, and another is named`(precision: String) throws {
        let mask = "\(place.path)/mask.png"
        let made = try daemon(core: "Nehalem", precision: precision).dseg(["mask", picture, "boat", "-o", "-"]).output
        try write(damaged(made), to: mask)
        let same = try daemon(core: "Nehalem", precision: precision).dseg(["redo", mask])
        #expect(same.code == 0 && same.errors == "wrote \(mask)\n", "\(same.errors)")
        #expect(try bytes(mask) == made)

        let other = try daemon(core: "Haswell", precision: precision).dseg(["redo", mask])
        let was = try Record(made).blas
        let now = was.replacing("Nehalem", with: "Haswell")
        #expect(other.errors.contains("the BLAS was \(was), is \(now)"), "\(other.errors)")
        if other.code == 0 {
            #expect(try Record(bytes(mask)).blas == now)
        } else {
            #expect(other.code == 65)
            #expect(try bytes(mask) == made)
        }
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
        let afterwards = try run([Repository.dseg, "mask", "--no-daemon", "-o", "-", "--", picture, "--no-daemon"])
        #expect(try Record(afterwards.output).words == ["--no-daemon"])
    }

    @Test(arguments: ["f32", "int16"], ["best", "shared", "diffsegmenter", "iseg:coco", "cliper-affinity:voc"])
    func `one process on one thread makes the file of a daemon on three`(precision: String, recipe: String) throws {
        let daemon = try Daemon("--precision", precision, "--threads", "3")
        let question = ["mask", picture, "ship=boat|sailboat, sheep", "--recipe", recipe, "-o", "-"]
        let served = try daemon.dseg(question)
        let alone = try run([Repository.dsegd] + question + ["--precision", precision, "--threads", "1"])
        #expect(try Record(served.output).precision == precision)
        #expect(alone.output == served.output)
    }
}

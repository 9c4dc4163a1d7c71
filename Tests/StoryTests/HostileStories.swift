import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// Whatever is done to the daemon, it answers the next honest client, and keeps nothing.
struct HostileStories {
    private static func descriptors(of daemon: Daemon) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.child.process)/fd").count
    }

    @Test func `random bytes on many connections leave no trace`() throws {
        let daemon = try Daemon()
        let before = try Self.descriptors(of: daemon)
        var generator = SystemRandomNumberGenerator()
        for round in 0..<300 {
            let wire = try Wire(daemon)
            // Half of them begin as a frame does, so that more than the first byte is looked at.
            let start: [UInt8] = round % 2 == 0 ? [] : [0, 0, 0, UInt8(round & 0x3f), 0, 0, 0, 1, 1, UInt8(round % 4)]
            let count = Int.random(in: 1...4096, using: &generator)
            try? wire.send(start + (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
        #expect(daemon.answers)
        let isClean = try eventually { try Self.descriptors(of: daemon) <= before }
        #expect(isClean)
        #expect(try daemon.client().answer(SegmentRequest(.image(Repository.scene(1)), ["boat"])).maps.count == 1)
    }

    @Test func `clients that leave in the middle of a stream leave no trace`() throws {
        let daemon = try Daemon("--queue", "64")
        let before = try Self.descriptors(of: daemon)
        let handle = try daemon.client().look(Repository.scene(1)).handle
        let request = SegmentRequest(.handle(handle), (0..<40).map { "thing \($0)" }).encoded()
        for round in 0..<40 {
            let wire = try Wire(daemon)
            try wire.open(.segment, stream: 1, request)
            if round % 2 == 0 { _ = try wire.next() }
        }
        let client = try daemon.client()
        let isIdle = try eventually { try client.status().queued == 0 }
        #expect(isIdle)
        #expect(try client.answer(SegmentRequest(.handle(handle), ["boat"])).maps.count == 1)
        let isClean = try eventually { try Self.descriptors(of: daemon) <= before + 1 }
        #expect(isClean)
    }

    @Test func `more clients than descriptors wait until others have left`() throws {
        let daemon = try Daemon(after: "ulimit -n 40")
        var crowd = try (0..<80).map { _ in try daemon.client() }
        #expect(try crowd[0].health())
        crowd.removeAll()
        #expect(eventually { daemon.answers })
        #expect(!daemon.child.hasEnded)
    }

    @Test func `silent connections make room for who asks`() throws {
        let daemon = try Daemon(after: "ulimit -n 64")
        let crowd = try (0..<150).map { _ in try Wire(daemon) }
        for (index, wire) in crowd.enumerated() where index % 2 == 0 { try? wire.send([0, 0]) }
        for _ in 0..<3 { #expect(try daemon.client().health()) }
    }

    /// From far too little to enough: where it is too little, the daemon says what is missing.
    @Test(arguments: ["f32", "int16"]) func `a limit of address space is no riddle`(precision: String) throws {
        var endings: Set<String> = []
        for mebibytes in [250, 350, 450, 550, 700, 850, 950, 1000, 1050, 1200, 2000] {
            let daemon = try Daemon(
                starting: ["--threads", "2", "--precision", precision], after: "ulimit -v \(mebibytes * 1024)")
            #expect(eventually { daemon.child.hasEnded || daemon.answers })
            if daemon.child.hasEnded {
                #expect(daemon.child.exitCode == 78, "\(mebibytes) MiB: \(daemon.log)")
                #expect(daemon.log.contains("ulimit -v"), "\(mebibytes) MiB: \(daemon.log)")
                endings.insert("refused")
            } else {
                let client = try daemon.client()
                let picture = SegmentRequest.Picture.image(try Repository.scene(1))
                let words = (0..<40).map { "thing \($0)" }
                for recipe in ["shared", "diffsegmenter"] {
                    #expect(try client.answer(SegmentRequest(picture, words, recipe: recipe)).maps.count == 40)
                }
                endings.insert("answered")
            }
        }
        #expect(endings == ["refused", "answered"])
    }

    @Test func `a log that nobody reads stops nothing`() throws {
        let directory = try TemporaryDirectory()
        let (path, log) = ("\(directory.path)/dseg.sock", "\(directory.path)/log")
        unsafe mkfifo(log, 0o600)
        let reader = unsafe open(log, O_RDWR | O_CLOEXEC)
        defer { close(reader) }
        let child = try Child(
            ["\(Repository.programs)/dsegd", "serve", "--socket", path], environment: [:], errors: log)
        #expect(eventually { Daemon.answers(at: path) })
        let client = try Client(path: path)
        for _ in 0..<3000 { _ = try client.status() }
        #expect(try client.health())
        kill(child.process, SIGTERM)
        #expect(child.exitCode == 0)
    }

    @Test func `a file larger than any frame is brought in pieces`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        var file = try Repository.bytes("\(Repository.root)/Tests/Fixtures/images/exif-6.jpg")
        let size = try client.look(file)
        // Bytes after a JPEG's end are no part of the picture, yet of its file.
        file += [UInt8](repeating: 0, count: 9 << 20)
        let padded = try client.look(file)
        #expect(padded.width == size.width && padded.height == size.height && padded.handle != size.handle)
        #expect(throws: RPCStatus.self) { try client.answer(SegmentRequest(.image(file), ["boat"])) }
        #expect(try client.answer(SegmentRequest(.handle(padded.handle), ["boat"])).maps.count == 1)
    }
}

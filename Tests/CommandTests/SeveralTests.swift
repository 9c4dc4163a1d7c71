import FoundationEssentials
import Glibc
import Images
import RPC
import Support
import Testing

/// Several pictures in a run, pipes as pictures, and runs that are broken off.
@Suite struct SeveralTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
        for name in ["a.jpg", "b.jpg"] { try copy(Repository.picture, to: "\(place.path)/\(name)") }
    }

    private func path(_ name: String) -> String { "\(place.path)/\(name)" }

    @Test(arguments: [true, false])
    func `each picture has its mask and its shares`(hasDaemon: Bool) throws {
        let arguments = ["mask", path("a.jpg"), path("b.jpg"), "boat, sheep"]
        let ending = try hasDaemon ? daemon.dseg(arguments) : run([Repository.dsegd] + arguments)
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try place.names == ["a.jpg", "a.mask.png", "b.jpg", "b.mask.png"])
        let alone = try daemon.dseg(["mask", path("a.jpg"), "boat, sheep", "-o", "-"])
        #expect(try bytes(path("a.mask.png")) == alone.output)
        let shares = alone.errors.split(separator: "\n")
        #expect(ending.text == ["a.jpg", "b.jpg"].flatMap { name in shares.map { "\(path(name)): \($0)\n" } }.joined())
        let json = try daemon.dseg(["mask", path("a.jpg"), path("b.jpg"), "boat", "--json", "--force"])
        let records = try json.text.split(separator: "\n").map { try Record(Array($0.utf8)) }
        #expect(records.map(\.picture.path) == [path("a.jpg"), path("b.jpg")])
    }

    /// It keeps its connection from picture to picture, and each daemon closes it.
    @Test func `a run over many pictures outlives restarts of the daemon`() throws {
        let supervisor = try ServiceSupervisor(ServiceUnit())
        try supervisor.waitUntilReady(run: 1)
        let names = (0..<60).map { "\(100 + $0)" }
        for name in names { try copy(Repository.picture, to: path("\(name).jpg")) }
        let run = try Program(
            [Repository.dseg, "mask"] + names.map { path("\($0).jpg") } + ["boat", "--socket", supervisor.socket])
        func masks() -> Int { ((try? place.names) ?? []).count { $0.hasSuffix(".mask.png") } }
        for (number, count) in [5, 20, 35].enumerated() {
            #expect(eventually { run.hasEnded || masks() >= count })
            try supervisor.restart()
            try supervisor.waitUntilReady(run: number + 2)
        }
        let ending = try run.ending()
        #expect(ending.code == 0 && masks() == names.count, "\(ending.errors)")
        let first = try IndexImage(decoding: bytes(path("100.mask.png")))
        #expect(first.indices.contains(1))
        for name in names { #expect(try IndexImage(decoding: bytes(path("\(name).mask.png"))) == first) }
    }

    @Test func `a picture that is damaged costs the others nothing, and the run its success`() throws {
        try write(Array(bytes(path("a.jpg")).prefix(2000)), to: path("aa.jpg"))
        let ending = try daemon.dseg(["mask", path("a.jpg"), path("aa.jpg"), path("b.jpg"), "boat"])
        #expect(ending.code == 65)
        #expect(ending.errors.contains("dseg: \(path("aa.jpg")): "))
        #expect(try place.names == ["a.jpg", "a.mask.png", "aa.jpg", "b.jpg", "b.mask.png"])
    }

    @Test func `nothing is asked where one picture is missing or one file would be lost`() throws {
        let missing = try daemon.dseg(["mask", path("a.jpg"), path("gone.jpg"), "boat", "-o", path("none")])
        #expect(missing.code == 66)
        #expect(missing.errors.contains(path("gone.jpg")))
        try write([1], to: path("b.mask.png"))
        #expect(try daemon.dseg(["mask", path("a.jpg"), path("b.jpg"), "boat"]).code == 73)
        #expect(try daemon.dseg(["mask", path("a.jpg"), "boat", path("b.jpg")]).code == 64)
        #expect(try place.names == ["a.jpg", "b.jpg", "b.mask.png"])
        #expect(try daemon.client().status().answered == 0)
    }

    @Test(arguments: ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "<(cat \"$1\")"])
    func `what is read once goes where standard input does`(source: String) throws {
        let piped = try daemon.dseg(["mask", "-", "boat"], input: bytes(path("a.jpg")))
        let script = "cd \"$3\" && cat \"$1\" | \"$0\" mask \(source) boat --socket \"$2\""
        let shell = ["/bin/bash", "-c"]
        let operands = [Repository.dseg, path("a.jpg"), daemon.socket, place.path]
        let ending = try run(shell + [script] + operands)
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(ending.output == piped.output)
        #expect(try run(shell + [script + " -o ."] + operands).code == 0)
        #expect(try place.names == ["a.jpg", "b.jpg", "stdin.mask.png"])
    }

    /// The first of eight files is there without its name when the signal comes; a run that is faster is run again.
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `a signal while files are written leaves all of them or none`(number: CInt) throws {
        let side = 2400
        let grey = [UInt8](repeating: 128, count: side * side)
        try write(PNGFile(width: side, height: side, .grey(grey), texts: []).encoded(), to: path("big.png"))
        var code: CInt = 0
        for _ in 0..<5 where code == 0 {
            let folder = try TemporaryDirectory()
            let asking = try Program([
                Repository.dseg, "mask", path("big.png"), "boat, sheep", "--overlay", "--heat", "--cut", "boat",
                "--cut", "sheep", "--inpaint", "boat", "--format", "rle", "-o", folder.path, "--socket", daemon.socket,
            ])
            #expect(try eventually { try asking.hasEnded || folder.names.contains { $0.hasPrefix(".dseg-") } })
            if !asking.hasEnded { asking.signal(number) }
            code = try asking.ending().code
            let names = try folder.names
            #expect([0, 8].contains(names.count) && !names.contains { $0.hasPrefix(".") }, "\(names)")
        }
        #expect(code == 128 + number)
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `a signal while the daemon works leaves nothing behind`(number: CInt) throws {
        daemon.signal(SIGSTOP)
        let asking = try Program([
            Repository.dseg, "mask", path("a.jpg"), "boat", "--socket", daemon.socket,
        ])
        #expect(eventually { asking.hasSocket })
        usleep(100_000)
        #expect(!asking.hasEnded, "it waits for its answer")
        asking.signal(number)
        #expect(try asking.ending().code == 128 + number)
        daemon.signal(SIGCONT)
        #expect(try place.names == ["a.jpg", "b.jpg"])
    }
}

import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// How `dseg` ends: its exit codes, and what it says then.
@Suite struct EndingTests {
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

    /// Expects an error on standard error alone, with nothing written.
    private func expectError(
        _ code: CInt, _ arguments: [String], saying words: String..., input: [UInt8] = [],
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let names = try place.names
        let ending = try daemon.dseg(arguments, input: input)
        #expect(ending.code == code, "\(ending.errors)", sourceLocation: location)
        #expect(ending.output.isEmpty, sourceLocation: location)
        for word in words {
            #expect(ending.errors.contains(word), "\(ending.errors)", sourceLocation: location)
        }
        #expect(try place.names == names, sourceLocation: location)
    }

    @Test func `what means nothing is a usage error`() throws {
        try expectError(64, ["mask"], saying: "<image>", "dseg mask --help")
        try expectError(64, ["mask", picture, "@koko"], saying: "@koko", "@coco", "\\@koko")
        try expectError(64, ["mask", picture, "boat,,sheep"], saying: "\"boat,,sheep\"", "dog, grass")
        try expectError(64, ["mask", picture, "boat", "boat"], saying: "boat=phrase|phrase")
        try expectError(64, ["mask", picture, "boat|ship"], saying: "name=boat|ship")
        try expectError(64, ["mask", picture, "boat", "--threshold", "1.5"], saying: "1.5", "from 0 to 1")
        try expectError(64, ["mask", picture, "boat", "--threshold", "nan"], saying: "nan", "from 0 to 1")
        try expectError(64, ["mask", picture, "boat", "--seed", "4294967296"], saying: "4294967296", "--seed")
        try expectError(64, ["mask", picture, "boat", "--cut", "sheep"], saying: "sheep", "boat")
        try expectError(64, ["mask", picture, "boat", "--colour"], saying: "--colour")
        try expectError(64, ["mask", picture, "boat", "--recipe", "soup"], saying: "soup", "best", "diffsegmenter")
        try expectError(64, ["mask", picture, "boat", "--set", "salt=1"], saying: "salt=1", "gamma", "rounds")
        try expectError(64, ["mask", picture, "boat", "--set", "rounds=99"], saying: "rounds", "99", "from 0 to 16")
        try expectError(
            64, ["mask", picture, "boat", "--set", "rounds=1", "--set", "rounds=2"], saying: "rounds is set twice")
        try expectError(64, ["recipes", "best"], saying: "best")
        try expectError(64, ["mask", picture, "boat", "--json", "-o", "-"], saying: "-o DIR")
        try expectError(64, ["mask", picture, "boat,sheep", "--heat", "-o", "-"], saying: "2 files", "-o DIR")
        let unknown = try run([Repository.dseg, "musk"])
        #expect(unknown.code == 64)
        #expect(unknown.errors.contains("musk"))
    }

    @Test func `what is no picture is bad data, whole or cut off`() throws {
        try write(Array("a picture of a boat".utf8), to: "\(place.path)/text.png")
        try expectError(65, ["mask", "\(place.path)/text.png", "boat"], saying: "plain text")
        try expectError(65, ["mask", "-", "boat"], saying: "empty")
        try write(Array(bytes(picture).prefix(2000)), to: "\(place.path)/half.jpg")
        try expectError(65, ["mask", "\(place.path)/half.jpg", "boat"])
        try expectError(65, ["redo", "\(place.path)/half.jpg"], saying: "how it was made")
    }

    @Test func `what is not there is missing input`() throws {
        try expectError(66, ["mask", "\(place.path)/gone.jpg", "boat"], saying: "\(place.path)/gone.jpg")
        try expectError(66, ["mask", place.path, "boat", "-o", place.path], saying: "folder")
        try expectError(66, ["redo", "\(place.path)/gone.png"], saying: "\(place.path)/gone.png")
    }

    @Test func `nothing is overwritten unless it is asked for`() throws {
        let mask = "\(place.path)/pond.mask.png"
        let overlay = "\(place.path)/pond.overlay.png"
        try write([1, 2, 3], to: overlay)
        try expectError(
            73, ["mask", picture, "boat", "--overlay"], saying: overlay, "--force", "-o DIR")
        #expect(try bytes(overlay) == [1, 2, 3])
        let forced = try daemon.dseg(["mask", picture, "boat", "--overlay", "--force"])
        #expect(forced.code == 0)
        #expect(exists(mask))
        #expect(try bytes(overlay).starts(with: [0x89]))
        try expectError(73, ["mask", picture, "boat"], saying: mask, "--force")
    }

    @Test func `a folder that is not there is not made`() throws {
        let folder = "\(place.path)/out"
        try expectError(73, ["mask", picture, "boat", "-o", folder], saying: folder, "mkdir")
        try expectError(73, ["mask", picture, "boat", "-o", picture], saying: picture)
    }

    @Test func `a full disk is told, and nothing half written stays`() throws {
        let full = try run(
            [
                "/bin/sh", "-c", "exec \"$@\" > /dev/full", "sh", Repository.dseg, "mask", "-", "boat", "--socket",
                daemon.socket,
            ], input: bytes(picture))
        #expect(full.code == 73)
        #expect(full.errors.contains("standard output"))
        let limited = try run([
            "/bin/sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\" 2> /dev/null", "sh", Repository.dseg, "mask",
            picture, "boat", "--socket", daemon.socket,
        ])
        #expect(limited.code == 73)
        #expect(try place.names == ["pond.jpg"])
    }

    @Test func `what the daemon does not know is a failure`() throws {
        let made = try daemon.dseg(["mask", picture, "boat", "-o", "-"])
        let other = try OtherModel(made.output)
        try write(other.json, to: "\(place.path)/other.json")
        try expectError(1, ["redo", "\(place.path)/other.json"], saying: "unknown model")
    }

    /// A record of an answer by a model that nobody has.
    private struct OtherModel {
        let json: [UInt8]

        init(_ picture: [UInt8]) throws {
            let text = try #require(try Record.text(in: picture))
            let hash = try Record(picture).model.hash
            json = Array(text.replacing(hash, with: String(repeating: "0", count: 64)).utf8)
        }
    }

    @Test func `without a daemon it says what to type`() throws {
        let socket = "\(place.path)/none.sock"
        for arguments in [["mask", picture, "boat"], ["status"]] {
            let ending = try run([Repository.dseg] + arguments + ["--socket", socket])
            #expect(ending.code == 69)
            #expect(ending.output.isEmpty)
            #expect(ending.errors.contains("type: dsegd serve --socket \(socket)"))
        }
        let searched = try run([Repository.dseg, "status"], environment: ["XDG_RUNTIME_DIR": place.path])
        if !exists("/run/dseg/dseg.sock") {
            #expect(searched.code == 69)
            #expect(searched.errors.hasSuffix("type: dsegd serve\n"), "\(searched.errors)")
        }
        #expect(try place.names == ["pond.jpg"])
    }

    @Test func `no place that is taken is proposed for a socket`() throws {
        let arguments = [Repository.dseg, "status", "--socket", "tcp://localhost:80"]
        let free = try run(arguments, environment: ["HOME": place.path])
        #expect(free.code == 69 && free.errors.contains("--socket \(place.path)/dseg.sock"), "\(free.errors)")
        try write([7], to: "\(place.path)/dseg.sock")
        let taken = try run(arguments, environment: ["HOME": place.path])
        #expect(taken.code == 69 && !taken.errors.contains("--socket \(place.path)/dseg.sock"), "\(taken.errors)")
    }

    @Test func `the option, then the environment, then the user's folder say where the daemon is`() throws {
        let none = "\(place.path)/none.sock"
        try FileManager.default.createDirectory(atPath: "\(place.path)/dseg", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(
            atPath: "\(place.path)/dseg/dseg.sock", withDestinationPath: daemon.socket)
        let named = ["DSEG_SOCKET": none, "XDG_RUNTIME_DIR": place.path]
        #expect(try run([Repository.dseg, "status", "--socket", daemon.socket], environment: named).code == 0)
        #expect(try run([Repository.dseg, "status"], environment: named).code == 69)
        let spoken = ["DSEG_SOCKET": "unix://\(daemon.socket)", "XDG_RUNTIME_DIR": "\(place.path)/none"]
        #expect(try run([Repository.dseg, "status"], environment: spoken).code == 0)
        #expect(try run([Repository.dseg, "status"], environment: ["XDG_RUNTIME_DIR": place.path]).code == 0)
    }

    @Test(arguments: [[0x78, 0xE9], Array("\u{301}x".utf8), [0xF4, 0x8F, 0xBE, 0x80]] as [[UInt8]])
    func `a socket's name is bytes, to the daemon as to its clients`(name: [UInt8]) throws {
        // A shell's printf writes the bytes that no argument of this test could hold.
        let octal = name.map { "\\" + String(0o1000 + Int($0), radix: 8).dropFirst() }.joined()
        let socket = "\"\(place.path)/$(printf '\(octal)')\""
        let serving = try Program(["/bin/bash", "-c", "exec '\(Repository.dsegd)' serve --socket \(socket)"])
        #expect(
            try eventually {
                try run(["/bin/bash", "-c", "'\(Repository.dseg)' status --socket \(socket)"]).code == 0
            }, "\(serving.errors)")
        #expect(try run(["/bin/bash", "-c", "test -S \(socket)"]).code == 0)
    }

    @Test func `status says who answers, with what, and how much`() throws {
        #expect(try daemon.dseg(["mask", picture, "boat", "-o", "-"]).code == 0)
        let ending = try daemon.dseg(["status"])
        #expect(ending.code == 0)
        #expect(ending.errors == "")
        let hash = try Record(daemon.dseg(["mask", picture, "boat", "-o", "-"]).output).model.hash
        let parts = [
            "dsegd     \(Version.current)", "model     demo", "\(hash.prefix(12))\n", "1 answered, 0 refused",
            "pictures  1,",
        ]
        for part in parts {
            #expect(ending.text.contains(part), "\(ending.text)")
        }
    }
}

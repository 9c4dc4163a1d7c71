import Foundation
import Glibc
import RPC
import Support
import Testing

/// `mask` of many pictures: trees, lists, what fails, and what ends a run before it is done.
@Suite struct BatchTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    /// Pictures below the folder `in`.
    private let names = ["a.jpg", "b.jpg", "more/a.jpg", "more/c.jpg", "more/deep/ d\n.jpg", "more/deep/e.jpg"]
    private let words = "boat, sheep"

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
        for folder in ["in/more/deep", "in/.hidden", "out", "other"] {
            try FileManager.default.createDirectory(atPath: path(folder), withIntermediateDirectories: true)
        }
        for (number, name) in names.enumerated() { try write(Repository.scene(number), to: path("in/\(name)")) }
        try write(Repository.scene(9), to: path("in/.hidden/f.jpg"))
    }

    private func path(_ name: String) -> String { "\(place.path)/\(name)" }

    /// The files below a folder but for journals, by their paths below it.
    private func files(_ folder: String) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in FileManager.default.enumerator(atPath: path(folder))?.compactMap({ $0 as? String }) ?? [] {
            var isFolder = false
            guard FileManager.default.fileExists(atPath: path("\(folder)/\(name)"), isDirectory: &isFolder), !isFolder,
                !name.hasSuffix(".jsonl")
            else { continue }
            files[name] = try bytes(path("\(folder)/\(name)"))
        }
        return files
    }

    private func arguments(_ more: [String] = [], to folder: String = "out") -> [String] {
        ["mask", "--jobs", "2", path("in"), words, "-o", path(folder)] + more
    }

    /// What a run that nothing disturbs writes.
    private func quiet() throws -> [String: [UInt8]] {
        let ending = try daemon.dseg(arguments(to: "other"))
        #expect(ending.code == 0, "\(ending.errors)")
        return try files("other")
    }

    private func mask(_ name: String) -> String { "\(name.dropLast(4)).mask.png" }

    /// How many questions the daemon has answered.
    private func answered() throws -> UInt64 { UInt64(try daemon.client().status().answered) }

    @Test func `a folder's tree is kept, each mask is the picture's, and what is done is not done again`() throws {
        let ending = try daemon.dseg(arguments())
        #expect(ending.code == 0 && ending.errors == "", "\(ending.errors)")
        let written = try files("out")
        #expect(written.keys.sorted() == names.map(mask).sorted())
        for name in names {
            let alone = try daemon.dseg(["mask", path("in/\(name)"), words, "-o", "-"])
            #expect(written[mask(name)] == alone.output, "\(name)")
        }
        let lines = ending.text.split(separator: "\n")
        #expect(lines.count == 2 * names.count && lines.count { $0.hasPrefix(path("in/more/c.jpg: boat")) } == 1)
        let before = try answered()
        let again = try daemon.dseg(arguments())
        #expect(again.code == 0 && again.output.isEmpty && again.errors.contains("all of 6 pictures are done already"))
        #expect(try answered() == before)
        // A picture that has changed is another one, and its mask is the run's own.
        try write(Repository.scene(30), to: path("in/a.jpg"))
        try FileManager.default.removeItem(atPath: path("out/more/c.mask.png"))
        let third = try daemon.dseg(arguments())
        #expect(third.code == 0, "\(third.errors)")
        let now = try files("out")
        #expect(now.filter { written[$0.key] != $0.value }.keys.sorted() == ["a.mask.png"] && now.count == 6)
    }

    @Test func `killed after any number of pictures, it ends with the same files`() throws {
        let quiet = try quiet()
        var cut = 0
        for count in 0..<names.count {
            let run = try Program([Repository.dseg] + arguments() + ["--socket", daemon.socket])
            #expect(eventually { run.hasEnded || ((try? files("out"))?.count ?? 0) >= count })
            run.signal(SIGKILL)
            _ = try run.ending()
            if try files("out").count < names.count { cut += 1 }
            let ending = try daemon.dseg(arguments())
            #expect(ending.code == 0, "\(count): \(ending.errors)")
            // What was killed may have left its unfinished files, under names that nobody looks for.
            #expect(try files("out").filter { !$0.key.contains(".dseg-") } == quiet)
            try FileManager.default.removeItem(atPath: path("out"))
            try FileManager.default.createDirectory(atPath: path("out"), withIntermediateDirectories: false)
        }
        #expect(cut > 1, "it was killed before it was done")
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal says how far it was, and what goes on`(number: CInt) throws {
        let quiet = try quiet()
        let run = try Program([Repository.dseg] + arguments() + ["--socket", daemon.socket])
        // Of two threads one has begun another picture, so that its first is done.
        #expect(eventually { run.hasEnded || ((try? files("out"))?.count ?? 0) >= 3 })
        daemon.signal(SIGSTOP)
        run.signal(number)
        let ending = try run.ending()
        daemon.signal(SIGCONT)
        #expect(ending.code == 128 + number, "\(ending.errors)")
        #expect(ending.errors.contains(" of 6 pictures are done and kept in"), "\(ending.errors)")
        let command = try #require(ending.errors.split(separator: "this goes on: dseg ").last)
        #expect(shell("'\(Repository.dseg)' \(command.split(separator: "\n")[0]) 2> /dev/null").status == 0)
        #expect(try files("out") == quiet)
    }

    @Test func `pictures that fail are named, the others are done, and they are tried again`() throws {
        let damaged = Array(try Repository.scene(3).prefix(2000))
        try write(damaged, to: path("in/more/bad.jpg"))
        try write([], to: path("in/empty.png"))
        try write([1], to: path("in/raw.HEIC"))
        for _ in 0..<2 {
            let ending = try daemon.dseg(arguments())
            #expect(ending.code == 2, "\(ending.errors)")
            for name in ["in/more/bad.jpg", "in/empty.png"] {
                #expect(ending.errors.contains("dseg: \(path(name)): "), "\(ending.errors)")
            }
            #expect(ending.errors.contains("2 of 8 pictures failed: ") && ending.errors.contains("1 .heic"))
            #expect(try files("out").count == names.count)
        }
        try write(Repository.scene(3), to: path("in/more/bad.jpg"))
        try FileManager.default.removeItem(atPath: path("in/empty.png"))
        let ending = try daemon.dseg(arguments())
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try files("out").count == names.count + 1)
    }

    @Test func `other people's files stay, and the run's own are written again`() throws {
        try FileManager.default.createDirectory(atPath: path("out/more"), withIntermediateDirectories: false)
        try write([7], to: path("out/more/a.mask.png"))
        let ending = try daemon.dseg(arguments())
        #expect(ending.code == 2 && ending.errors.contains("more/a.mask.png exists"), "\(ending.errors)")
        #expect(try bytes(path("out/more/a.mask.png")) == [7])
        let forced = try daemon.dseg(arguments(["--force"]))
        #expect(forced.code == 0, "\(forced.errors)")
        #expect(try files("out") == quiet())
        let other = try daemon.dseg(["mask", "--jobs", "1", path("in"), "cat", "-o", path("out")])
        #expect(other.code == 64 && other.errors.contains("the words: was boat, sheep, is cat"), "\(other.errors)")
    }

    @Test func `without a folder masks are beside the pictures, and are no pictures themselves`() throws {
        for _ in 0..<2 {
            let ending = try run(
                [
                    "/bin/sh", "-c", "cd '\(place.path)' && exec \"$@\"", "sh", Repository.dseg, "mask", "--jobs", "2",
                    "in",
                ]
                    + [words, "--overlay", "--socket", daemon.socket])
            #expect(ending.code == 0, "\(ending.errors)")
        }
        let all = try files("in").keys.filter { !$0.hasPrefix(".hidden") }
        #expect(all.count == 3 * names.count && !all.contains { $0.contains(".mask.mask") }, "\(all)")
    }

    @Test(arguments: [true, false])
    func `a list names the pictures`(endsWithNUL: Bool) throws {
        let listed = endsWithNUL ? names : names.filter { !$0.contains("\n") }
        let list = listed.map { "in/\($0)\(endsWithNUL ? "\0" : "\n")" }.joined()
        let command = ["mask", "--files-from", "-", words, "-o", "out"] + (endsWithNUL ? ["-0"] : [])
        let ending = try run(
            ["/bin/sh", "-c", "cd '\(place.path)' && exec \"$@\"", "sh", Repository.dseg] + command
                + ["--socket", daemon.socket], input: Array(list.utf8))
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try files("out").keys.sorted() == listed.map { mask("in/\($0)") }.sorted())
        let above = try daemon.dseg(["mask", "--files-from", "-"], input: Array("a/../b.jpg\n".utf8))
        #expect(above.code == 64 && above.errors.contains("name 1 of the list"), "\(above.errors)")
    }

    @Test func `a pattern's matches are looked at, below its last plain folder`() throws {
        let ending = try daemon.dseg(["mask", "--jobs", "3", path("in/m*/[ac].jpg"), words, "-o", path("out")])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try files("out").keys.sorted() == ["more/a.mask.png", "more/c.mask.png"])
        let nothing = try daemon.dseg(["mask", "--jobs", "3", path("in/q*"), words])
        #expect(nothing.code == 66 && nothing.errors.contains("nothing matches"), "\(nothing.errors)")
    }

    @Test func `two pictures with one place are refused before the first is looked at`() throws {
        try write(Repository.scene(8), to: path("in/more/c.png"))
        let ending = try daemon.dseg(arguments())
        #expect(ending.code == 64 && ending.errors.contains("would both be written to"), "\(ending.errors)")
        #expect(try files("out").isEmpty && place.names == ["in", "other", "out"])
    }

    @Test func `a daemon that ends and comes again is asked again, and one that never was is not waited for`() throws {
        let quiet = try quiet()
        let socket = path("dseg.sock")
        let nobody = try run([Repository.dseg] + arguments() + ["--socket", socket])
        #expect(nobody.code == 69 && !FileManager.default.fileExists(atPath: path("out/dseg-mask.jsonl")))
        let first = try Daemon(starting: [], socket: socket)
        #expect(eventually { Daemon.answers(at: socket) })
        let run = try Program([Repository.dseg] + arguments() + ["--socket", socket])
        #expect(eventually { run.hasEnded || ((try? files("out"))?.count ?? 0) >= 1 })
        first.signal(SIGKILL)
        #expect(eventually { first.child.hasEnded })
        let second = try Daemon(starting: [], socket: socket)
        let ending = try run.ending()
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try files("out") == quiet)
        _ = second
    }

    @Test func `a daemon with room for one question is not asked in vain too often`() throws {
        let quiet = try quiet()
        let small = try Daemon("--queue", "1")
        let ending = try small.dseg(["mask", "--jobs", "6", path("in"), words, "-o", path("out")])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try files("out") == quiet)
    }

    @Test func `what is looked for may be a vocabulary, which must stay as it was, or a caption's nouns`() throws {
        try write(Array("boat\nsheep\ndog\n".utf8), to: path("words.txt"))
        let command = ["mask", "--jobs", "2", path("in"), "@\(path("words.txt"))", "-o", path("out")]
        let first = try daemon.dseg(command)
        #expect(first.code == 0, "\(first.errors)")
        #expect(try files("out").count == names.count)
        try write(Array("boat\nsheep\ncat\n".utf8), to: path("words.txt"))
        try write(Repository.scene(31), to: path("in/new.jpg"))
        let changed = try daemon.dseg(command)
        #expect(changed.code == 64 && changed.errors.contains("the vocabulary's hash"), "\(changed.errors)")
        let captions = try daemon.dseg(["mask", "--jobs", "2", path("in"), "-o", path("other")])
        #expect(captions.code == 0, "\(captions.errors)")
        #expect(try files("other").count == names.count + 1)
    }
}

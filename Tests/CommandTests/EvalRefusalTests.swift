import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// What `eval` refuses before the first picture, and what a terminal sees.
@Suite struct EvalRefusalTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    private var journal: String { "\(place.path)/journal" }

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
    }

    /// Expects an error on standard error alone, that nothing was written, and that the daemon was not asked.
    private func expectError(
        _ code: CInt, _ options: [String], root: String = Repository.scenes, saying words: String...,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let names = try place.names
        let answered = try daemon.client().status().answered
        let journal = options.contains("--journal") ? [] : ["--journal", journal]
        let ending = try daemon.eval(options + journal, root: root)
        #expect(ending.code == code, "\(ending.errors)", sourceLocation: location)
        #expect(ending.output.isEmpty, sourceLocation: location)
        for word in words { #expect(ending.errors.contains(word), "\(ending.errors)", sourceLocation: location) }
        #expect(try place.names == names, sourceLocation: location)
        #expect(try daemon.client().status().answered == answered, sourceLocation: location)
    }

    @Test func `what means nothing is a usage error`() throws {
        try expectError(64, ["--jobs", "0"], saying: "--jobs 0", "1 to 16")
        try expectError(64, ["--jobs", "17"], saying: "--jobs 17")
        try expectError(64, ["--first", "0"], saying: "--first 0")
        try expectError(64, ["--threshold", "1.5"], saying: "1.5")
        try expectError(64, ["--json", "--markdown"], saying: "--markdown")
        try expectError(64, ["--labels", "given", "--filter", "best"], saying: "best", "candidates")
        try expectError(64, ["--labels", "given", "--filter-set", "threshold=1"], saying: "threshold=1")
        try expectError(64, ["--label-lists", "text_similarity"], saying: "text_similarity", "--labels")
        try expectError(64, ["--label-lists", "other"], saying: "other", "image_similarity")
        try expectError(64, ["--export-maps", "npz"], saying: "--export DIR")
        try expectError(64, ["--export-maps", "png", "--export", place.path], saying: "png", "npz")
        try expectError(64, ["--no-truth"], saying: "--export DIR")
        try expectError(64, ["--no-truth", "--export", place.path, "--labels", "given"], saying: "--labels given")
        try expectError(64, ["--no-truth", "--export", place.path, "--json"], saying: "--json")
        try expectError(66, ["--split", "test2099"], saying: "test2099", "--split NAME")
        try expectError(64, ["--filter", place.path], saying: place.path)
        try expectError(64, ["--model", "a/b"], saying: "a/b")
        let unknown = try daemon.dseg(["eval", "voc2099", "--root", Repository.scenes, "--journal", journal])
        #expect(unknown.code == 64 && unknown.errors.contains("voc2012"), "\(unknown.errors)")
    }

    @Test func `a set that lacks a picture or a truth is refused before anything is asked`() throws {
        let set = try FolderCopy(of: "scenes")
        try set.remove("JPEGImages/scene_501_0037.jpg")
        try set.remove("SegmentationClass/scene_501_0005.png")
        try expectError(66, [], root: set.path, saying: "scene_501_0037.jpg", "scene_501_0005.png")
        try expectError(66, [], root: "\(place.path)/none", saying: "\(place.path)/none")
        #expect(try daemon.eval(["--first", "2", "--journal", journal], root: set.path).code == 0)
    }

    @Test func `files that are in the way stay as they are`() throws {
        try expectError(66, ["--labels", "\(place.path)/labels.txt"], saying: "labels.txt")
        try expectError(73, ["--export", "\(place.path)/none"], saying: "mkdir -p \(place.path)/none")
        try write(Array("a diary\n".utf8), to: journal)
        try expectError(73, ["--export", journal, "--journal", "\(place.path)/other"], saying: journal)
        try expectError(73, [], saying: journal, "--journal OTHER")
        #expect(try bytes(journal) == Array("a diary\n".utf8))
        try expectError(73, ["--journal", "\(place.path)/none/journal"], saying: "\(place.path)/none/journal")
        let matrix = "\(place.path)/matrix.csv"
        try expectError(
            73, ["--confusion", "\(place.path)/none/matrix", "--journal", "\(place.path)/other"], saying: "mkdir",
            "\(place.path)/none")
        try write([1], to: matrix)
        try expectError(73, ["--confusion", matrix, "--journal", "\(place.path)/other"], saying: matrix)
        try FileManager.default.createDirectory(atPath: "\(place.path)/masks", withIntermediateDirectories: false)
        try write([2], to: "\(place.path)/masks/scene_501_0007.png")
        let export = ["--export", place.path, "--journal", "\(place.path)/other"]
        try expectError(73, export, saying: "masks/scene_501_0007.png")
        #expect(try bytes("\(place.path)/masks/scene_501_0007.png") == [2])
    }

    @Test func `without a daemon nothing is waited for, and nothing is left`() throws {
        let socket = "\(place.path)/none.sock"
        let begin = ContinuousClock.now
        let ending = try run(
            [Repository.dseg] + evalArguments(["--first", "2", "--journal", journal, "--socket", socket]))
        #expect(ending.code == 69 && ending.errors.contains("dsegd serve --socket \(socket)"), "\(ending.errors)")
        #expect(!ending.errors.contains("scene_"), "it is no picture's fault")
        #expect(begin.duration(to: .now) < .seconds(20))
        #expect(try place.names == [])
    }

    @Test(arguments: [
        ["--first", "3"], ["--labels", "given"], ["--recipe", "shared"], ["--set", "gamma=3"], ["--seed", "1"],
        ["--threshold", "0.4"], ["--filter", "none"], ["--filter-set", "threshold=0.4"], ["--grid", "square"],
        ["--detail", "2"], ["--captions"], ["--model", "demo"],
    ])
    func `the journal of other settings is refused, and says in which`(options: [String]) throws {
        #expect(try daemon.eval(["--first", "2", "--journal", journal]).code == 0)
        let kept = try bytes(journal)
        let first = options[0] == "--first" ? [] : ["--first", "2"]
        try expectError(64, first + options, saying: "was", "is", "--journal OTHER")
        #expect(try bytes(journal) == kept)
    }

    @Test(.enabled(if: exists("/usr/bin/script"), "script(1) is not installed"))
    func `a terminal shows how much is left, and the line goes away`() throws {
        let arguments = evalArguments(["--first", "16", "--recipe", "diffsegmenter", "--labels", "given"]).map {
            "'\($0)'"
        }.joined(separator: " ")
        let ending = try run(
            [
                "/usr/bin/script", "-qefc",
                "'\(Repository.dseg)' \(arguments) --journal '\(journal)' --socket '\(daemon.socket)'",
                "\(place.path)/seen",
            ], environment: ["TERM": "xterm"])
        #expect(ending.code == 0)
        let line = /\r\u{1B}\[Kpicture [0-9]+ of 16, ([0-9]+ seconds?|less than a second) left/
        #expect(ending.text.contains(line), "\(ending.text)")
        #expect(ending.text.contains("\u{1B}[Kfolder, val"), "\(ending.text)")
    }

    @Test func `a pipe sees nothing of progress`() throws {
        let ending = try daemon.eval(["--first", "3", "--journal", journal])
        #expect(ending.code == 0 && ending.errors == "", "\(ending.errors)")
    }
}

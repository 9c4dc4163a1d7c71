import FoundationEssentials
import Images
import RPC
import Support
import Testing

/// `mask` of what is in a picture: labels that the daemon chooses.
@Suite struct ChoosingTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory
    /// A picture in a folder of its own: a boat and a sheep.
    private let picture: String

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
        picture = "\(place.path)/pond.jpg"
        try copy(Repository.picture, to: picture)
    }

    /// That nothing passes.
    private static let nothing =
        ["--filter", "best"]
        + ["least=1", "lower=1", "threshold=1"].flatMap { ["--filter-set", $0] }

    private func succeed(_ arguments: [String]) throws -> Program.Ending {
        let ending = try daemon.dseg(["mask"] + arguments)
        #expect(ending.code == 0, "\(ending.errors)")
        return ending
    }

    /// The names of the shares that were printed.
    private func labels(_ ending: Program.Ending) -> [String] {
        ending.text.split(separator: "\n").map { $0.split(separator: " ").dropLast(2).joined(separator: " ") }
    }

    /// What a daemon says of a picture.
    private func choice(_ vocabulary: Vocabulary?) throws -> Choice {
        let request = DescribeRequest(
            picture: .image(try bytes(picture)), vocabulary: vocabulary, model: "", requestID: "",
            deadlineMilliseconds: 0, keepAlive: "", progress: false)
        var choice: Choice?
        try daemon.client().describe(request) { if case .choice(let last) = $0 { choice = last } }
        return try #require(choice)
    }

    @Test func `without a word the mask has what the caption names and the filter sees`() throws {
        let kept = try choice(nil).verdicts.filter(\.kept).map(\.name)
        let ending = try succeed([picture])
        #expect(labels(ending) == kept && !kept.isEmpty)
        let mask = try IndexPicture(at: "\(place.path)/pond.mask.png").counts(labels: kept.count)
        #expect(mask.dropFirst().contains { $0 > 0 })
        let json = try succeed([picture, "--json", "--force"])
        #expect(try Record(json.output).labels.map(\.name) == kept)
        let alone = try run([Repository.dsegd, "mask", picture, "--json", "--force"])
        #expect(alone.output == json.output)
    }

    @Test func `of a vocabulary those labels stay that are there, and have files of their own`() throws {
        let ending = try succeed([picture, "@demo", "--heat", "--cut", "boat", "--cut", "zebra"])
        #expect(Set(labels(ending)).isSuperset(of: ["boat", "sheep"]) && labels(ending).count < 8, "\(ending.text)")
        let names = labels(ending).map { "pond.\($0).heat.png" } + ["pond.boat.cut.png", "pond.jpg", "pond.mask.png"]
        #expect(try place.names == names.sorted())
        #expect(ending.errors.contains("\"zebra\" is not among what was found"), "\(ending.errors)")
        let again = try daemon.dseg(["mask", picture, "@demo", "--heat"])
        #expect(again.code == 73 && again.output.isEmpty, "\(again.errors)")
        let piped = try succeed([picture, "@demo", "--cut", "boat", "-o", "-"])
        #expect(try Image(decoding: piped.output).alpha?.contains(255) == true)
        let missing = try daemon.dseg(["mask", picture, "@demo", "--cut", "zebra", "-o", "-"])
        #expect(missing.code == 3 && missing.output.isEmpty && missing.errors.contains("zebra"))
    }

    @Test func `a file of words is read with a byte-order mark and CRLF, as without`() throws {
        let lines = ["# pond", "boat ~ ship", "", "sheep=sheep|lamb", "pizza", "[background]", "grass"]
        try write(Array(lines.joined(separator: "\n").utf8), to: "\(place.path)/plain.txt")
        try write([0xEF, 0xBB, 0xBF] + Array(lines.joined(separator: "\r\n").utf8), to: "\(place.path)/marked.txt")
        let plain = try succeed([picture, "@\(place.path)/plain.txt"])
        #expect(labels(plain) == ["boat", "sheep"])
        let marked = try succeed([picture, "@\(place.path)/marked.txt", "--force"])
        #expect(marked.text == plain.text)
        let typed = try succeed([picture, "boat, pizza, sheep", "--filter", "best", "--force"])
        #expect(labels(typed) == ["boat", "sheep"])
        let all = try succeed([picture, "@\(place.path)/plain.txt", "--filter", "none", "--force"])
        #expect(labels(all) == ["boat", "sheep", "pizza"])
    }

    @Test func `where nothing stays the mask is background, and the exit code is its own`() throws {
        let ending = try daemon.dseg(["mask", picture, "boat"] + Self.nothing)
        #expect(ending.code == 3 && ending.output.isEmpty)
        #expect(ending.errors.split(separator: "\n").count == 2 && ending.errors.contains("--explain"))
        #expect(try Set(IndexPicture(at: "\(place.path)/pond.mask.png").indices) == [0])
        let json = try daemon.dseg(["mask", picture, "boat", "--json", "--force"] + Self.nothing)
        #expect(json.code == 3)
        #expect(try Record(json.output).labels.isEmpty)
    }

    @Test func `of several pictures all are looked at, and a broken one is the worse`() throws {
        // A cat, a tree, a pig and a duck.
        try copy(Repository.scenePath(3), to: "\(place.path)/farm.jpg")
        let options = ["boat", "--filter", "best", "--filter-set", "least=1", "--force"]
        let pictures = ["\(place.path)/farm.jpg", picture]
        let ending = try daemon.dseg(["mask"] + pictures + options)
        #expect(ending.code == 3, "\(ending.errors)")
        #expect(ending.errors.contains("farm.jpg: nothing of what was asked"))
        #expect(ending.text.hasPrefix("\(picture): boat "), "\(ending.text)")
        #expect(try place.names == ["farm.jpg", "farm.mask.png", "pond.jpg", "pond.mask.png"])
        try write(Array("no picture".utf8), to: "\(place.path)/bad.png")
        let broken = try daemon.dseg(["mask", "\(place.path)/bad.png"] + pictures + options)
        #expect(broken.code == 65 && broken.text == ending.text, "\(broken.errors)")
    }

    @Test func `an explanation has a line for each candidate, and JSON its verdicts`() throws {
        let ending = try succeed([picture, "@demo", "--explain"])
        let lines = ending.errors.split(separator: "\n")
        #expect(lines[0].hasPrefix("caption: ") && lines[1].hasPrefix("nouns: "))
        let verdicts = lines.filter { $0.contains(": kept, ") || $0.contains(": dropped, ") }
        #expect(verdicts.count == 64 && lines.count == 67)
        let kept = verdicts.filter { $0.contains(": kept, patches ") }.map { String($0.prefix { $0 != ":" }) }
        #expect(Set(kept) == Set(labels(ending)) && verdicts.prefix(kept.count).allSatisfy { $0.contains(": kept") })
        struct Explained: Decodable {
            struct Choice: Decodable {
                struct Verdict: Decodable {
                    let name: String
                    let kept: Bool
                }
                let candidates: Int
                let verdicts: [Verdict]?
            }
            let choice: Choice
        }
        for explains in [true, false] {
            let json = try succeed([picture, "@demo", "--json", "--force"] + (explains ? ["--explain"] : []))
            #expect(json.errors == "wrote \(place.path)/pond.mask.png\n")
            let choice = try JSONDecoder().decode(Explained.self, from: Data(json.output)).choice
            #expect(choice.candidates == 64 && choice.verdicts?.count == (explains ? 64 : nil))
            #expect(choice.verdicts?.filter(\.kept).count == (explains ? kept.count : nil))
        }
    }

    @Test func `candidates that the model reads alike are told`() throws {
        try write(Array("boat\nBOAT\nsheep".utf8), to: "\(place.path)/words.txt")
        let ending = try succeed([picture, "@\(place.path)/words.txt"])
        #expect(labels(ending) == ["boat", "sheep"])
        #expect(ending.errors.hasPrefix("dseg: note: the model reads alike"), "\(ending.errors)")
        #expect(ending.errors.contains("BOAT as boat"))
    }

    // MARK: Redo

    @Test(arguments: [
        [], ["@demo"], ["@demo", "--filter", "published", "--overlay"], ["boat, sheep", "--captions"], ["boat:1.2"],
        ["boat, pizza=pizza:2|cake", "--filter", "best", "--filter-set", "threshold=.5"], ["boat"] + nothing,
        ["@demo", "--explain", "--heat"], ["--recipe", "published"],
        ["@words.txt", "--captions", "--recipe", "shared"],
    ])
    func `another daemon chooses again, and makes the same files`(arguments: [String]) throws {
        let words = "\(place.path)/words.txt"
        try write(Array("boat\nsheep\ncar".utf8), to: words)
        let arguments = arguments.map { $0 == "@words.txt" ? "@\(words)" : $0 }
        let made = try daemon.dseg(["mask", picture, "--json"] + arguments)
        #expect([0, 3].contains(made.code), "\(made.errors)")
        try write(made.output, to: "\(place.path)/pond.json")
        let other = try Daemon("--threads", "1")
        let files = try place.names.filter { !["pond.jpg", "words.txt"].contains($0) }.map { "\(place.path)/\($0)" }
        #expect(files.count >= 2)
        for file in files {
            let whole = try bytes(file)
            // What is left of it: how it was made.
            let text =
                whole.first == 0x89 ? try #require(try Record.text(in: whole)) : String(decoding: whole, as: UTF8.self)
            try write(Array(text.utf8) + [0x20], to: file)
            let ending = try other.dseg(["redo", file])
            #expect(ending.code == 0, "\(ending.errors)")
            #expect(ending.errors.split(separator: "\n").last == "wrote \(file)", "\(ending.errors)")
            #expect(!ending.errors.contains(" was "), "\(ending.errors)")
            #expect(try bytes(file) == whole, "\(file)")
        }
    }

    @Test func `a vocabulary that is another is told, and one that is gone missing`() throws {
        let words = "\(place.path)/words.txt"
        try write(Array("boat\nsheep".utf8), to: words)
        let file = "\(place.path)/pond.mask.png"
        _ = try succeed([picture, "@\(words)"])
        let made = try bytes(file)
        try write(Array("boat\nsheep\n[background]\nmoon".utf8), to: words)
        let other = try daemon.dseg(["redo", file])
        #expect(other.errors.contains("the vocabulary's hash was "), "\(other.errors)")
        try write(Array("boat".utf8), to: words)
        let fewer = try daemon.dseg(["redo", file])
        #expect(fewer.code == 65 && fewer.errors.contains("the vocabulary's hash was "), "\(fewer.errors)")
        try FileManager.default.removeItem(atPath: words)
        let missing = try daemon.dseg(["redo", file])
        #expect(missing.code == 66 && missing.errors.contains(words), "\(missing.errors)")
        #expect(try Record(bytes(file)).labels == Record(made).labels)
    }

    // MARK: Networks

    @Test func `a folder is the filter's network for dsegd, and for a daemon's client a usage error`() throws {
        let clip = "\(Repository.fixtures)/words/clip"
        let refused = try daemon.dseg(["mask", picture, "boat", "--filter", clip])
        #expect(refused.code == 64 && refused.errors.contains("dsegd serve --filter DIR"), "\(refused.errors)")
        #expect(try place.names == ["pond.jpg"])
        for options in [["--filter", clip], ["--filter-model", clip]] {
            let ending = try run([Repository.dsegd, "mask", picture, "boat", "--json", "--force"] + options)
            #expect(ending.code == 0, "\(ending.errors)")
            #expect(try Record(ending.output).labels.map(\.name) == ["boat"])
        }
        let both = try run([Repository.dsegd, "mask", picture, "boat", "--filter", clip, "--filter-model", clip])
        #expect(both.code == 64)
        let passed = try run([Repository.dseg, "mask", picture, "boat", "--no-daemon", "--force", "--filter", clip])
        #expect(passed.code == 0, "\(passed.errors)")
        let unknown = try daemon.dseg(["mask", picture, "boat", "--force", "--filter", "bests"])
        #expect(unknown.code == 64 && unknown.errors.contains("published"), "\(unknown.errors)")
    }

    @Test func `what needs a network that is not loaded is refused with what to type`() throws {
        let bare = try Daemon("--model", Repository.demoModel)
        for (arguments, advice) in [
            ([], "--captioner DIR"), (["@demo"], "--filter DIR"), (["boat", "--captions"], "--captioner DIR"),
            (["boat", "--filter", "published"], " DIR"),
        ] as [([String], String)] {
            let ending = try bare.dseg(["mask", picture] + arguments)
            #expect(ending.code == 78 && ending.errors.contains(advice), "\(ending.errors)")
        }
        let words = try bare.dseg(["words", picture])
        #expect(words.code == 78 && words.errors.contains("--captioner DIR"), "\(words.errors)")
        let plain = try bare.dseg(["mask", picture, "boat"])
        #expect(plain.code == 0)
        let all = try bare.dseg(["mask", picture, "@demo", "--filter", "none", "--force"])
        #expect(all.code == 0 && labels(all).count == 64)
    }
}

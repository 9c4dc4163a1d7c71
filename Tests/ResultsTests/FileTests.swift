import Limits
import ArgumentParser
import FoundationEssentials
import Glibc
import Images
import RPC
import Support
import Testing

@testable import Results

@Suite struct FileTests {
    private let place: TemporaryDirectory
    private var folder: String { place.path }

    init() throws { place = try TemporaryDirectory() }

    private static func plan(in folder: String, _ arguments: [String]) throws -> MaskPlan {
        try MaskPlan(
            try MaskOptions.parse(["rex.png", "dog=dog|puppy", "grass", "-o", folder] + arguments),
            standardOutputIsTerminal: false)
    }

    private static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func `all files are written, and no others`() throws {
        let example = try Example()
        let plan = try Self.plan(in: folder, ["--overlay", "--heat", "--cut", "grass"])
        try plan.checkFiles()
        _ = try example.delivery(of: plan)
        #expect(
            try Self.names(in: folder) == [
                "rex.dog.heat.png", "rex.grass.cut.png", "rex.grass.heat.png", "rex.mask.png",
                "rex.overlay.png",
            ])
        let bytes = try InputFile.bytes(at: "\(folder)/rex.mask.png")
        #expect(try Image(decoding: bytes).width == Example.width)
        #expect(try Provenance(reading: bytes).words == example.words)
        let attributes = try FileManager.default.attributesOfItem(
            atPath: "\(folder)/rex.mask.png")
        let mode = try #require(attributes[.posixPermissions] as? Int)
        #expect(mode & ~0o644 == 0)
    }

    @Test func `nothing that exists is overwritten without force`() throws {
        let path = "\(folder)/rex.overlay.png"
        try replaceFile(at: path, with: [1, 2, 3])
        let plan = try Self.plan(in: folder, ["--overlay"])
        #expect(throws: FileError.exists(path: path)) { try plan.checkFiles() }
        #expect(throws: FileError.exists(path: path)) {
            try Example().delivery(of: plan)
        }
        #expect(try InputFile.bytes(at: path) == [1, 2, 3])
        let forced = try Self.plan(in: folder, ["--overlay", "--force"])
        try forced.checkFiles()
        _ = try Example().delivery(of: forced)
        #expect(try InputFile.bytes(at: path).count > 3)
        #expect(try Self.names(in: folder) == ["rex.mask.png", "rex.overlay.png"])
    }

    @Test func `shares and JSON are data, what was written is a message`() throws {
        let path = "\(folder)/rex.mask.png"
        let shares = try Example().delivery(of: Self.plan(in: folder, []))
        #expect(String(decoding: shares.data, as: UTF8.self) == "dog 20.8 %\ngrass 45.8 %\n")
        #expect(shares.messages == ["wrote \(path)"])
        let json = try Example().delivery(of: Self.plan(in: folder, ["--json", "--force"]))
        #expect(try Provenance(reading: json.data).output == .json)
        #expect(json.messages == ["wrote \(path)"])
    }

    @Test func `a picture on standard output makes the shares messages`() throws {
        let example = try Example()
        let printout = try example.delivery(of: Self.plan(in: "-", ["--cut", "dog"]))
        #expect(try Provenance(reading: printout.data).output == .cut(RegionExpression(label: "dog")))
        #expect(printout.messages == ["dog 20.8 %", "grass 45.8 %"])
    }

    @Test func `a prompt that was cut short is told`() throws {
        let example = try Example()
        let plan = try Self.plan(in: "-", [])
        var header = example.header()
        header.labels[1].phrases[0].truncated = true
        let answer = try example.answer(
            to: plan.request(.handle(""), requestID: ""), header: header)
        let messages = try plan.deliver([answer], picture: InputPicture(example.picture)).messages
        #expect(messages.last?.contains("a photograph of a grass") == true)
        #expect(messages.count == 3)
    }

    @Test(arguments: [
        ("animated.png", 2), ("animated.webp", 2), ("animated-corner.webp", 3), ("exif-6.webp", nil), ("one.png", nil),
    ])
    func `an animated picture is said to be one, in words and in the JSON`(name: String, frames: Int?) throws {
        let example = try Example()
        let picture = try Repository.bytes("\(Repository.root)/Tests/Fixtures/images/\(name)")
        let plan = try Self.plan(in: "-", [])
        let answer = try example.answer(to: plan.request(.handle(""), requestID: ""))
        let printout = try plan.deliver([answer], picture: InputPicture(picture))
        let record = try Provenance(reading: printout.data).picture
        #expect(record.frames == frames)
        #expect(record.orientation == (name == "exif-6.webp" ? 6 : 1))
        let notes = printout.messages.filter { $0.contains("animated") }
        #expect(notes.map { $0.contains("\(frames ?? 0) frames") } == (frames == nil ? [] : [true]))
    }

    /// It is read once; what is there when the answer has come is another matter.
    @Test func `a picture that came through a pipe has no path, whatever became of the pipe`() throws {
        let pipe = "\(folder)/pipe"
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        let options = try MaskOptions.parse([pipe, "dog=dog|puppy", "grass", "-o", folder, "--json"])
        let plan = try MaskPlan(options, standardOutputIsTerminal: false)
        #expect(unsafe unlink(pipe) == 0)
        #expect(try Provenance(reading: Example().delivery(of: plan).data).picture.path == "-")
    }

    @Test func `a run that fails leaves nothing behind`() throws {
        // Without score maps the second file cannot be drawn.
        let example = try Example()
        let answer = try example.answer(
            to: Self.plan(in: folder, []).request(.handle(""), requestID: ""))
        let plan = try Self.plan(in: folder, ["--heat"])
        #expect(throws: DrawingError.noScores) {
            try plan.deliver([answer], picture: InputPicture(example.picture))
        }
        #expect(try Self.names(in: folder).isEmpty)
    }

    @Test func `a folder that is missing or a file is told before any work`() throws {
        try replaceFile(at: "\(folder)/file", with: [])
        let kinds = [
            ("none", "mkdir -p \(folder)/none"), ("a b", "mkdir -p '\(folder)/a b'"), ("file", "is a file"),
            ("cat.png", "named as a file"), ("file/none", "another one: -o DIR"),
        ]
        for (name, words) in kinds {
            let plan = try Self.plan(in: "\(folder)/\(name)", [])
            do throws(FileError) {
                try plan.checkFiles()
                Issue.record("accepted")
            } catch {
                #expect(ExitReason(error, picture: nil) == .cannotWrite)
                #expect(error.description.contains(words), "\(error)")
                #expect(error.description.contains("mkdir") == words.contains("mkdir"), "\(error)")
            }
        }
        try FileManager.default.createDirectory(
            atPath: "\(folder)/rex.mask.png", withIntermediateDirectories: false)
        #expect(throws: FileError.self) { try Self.plan(in: folder, ["--force"]).checkFiles() }
    }

    @Test func `a file where the folder of an output is meant is named as that`() throws {
        let (file, link) = ("\(folder)/file", "\(folder)/link")
        try replaceFile(at: file, with: [1])
        #expect(unsafe symlink("file/mask.png", link) == 0)
        do throws(FileError) {
            try replaceFile(at: link, with: [2])
            Issue.record("written")
        } catch {
            #expect(ExitReason(error, picture: nil) == .cannotWrite)
            #expect(error.description.contains("\(file), its folder, is a file"), "\(error)")
            #expect(!error.description.contains("-o names"), "\(error)")
        }
    }

    @Test func `a file is replaced whole, or stays as it was`() throws {
        let path = "\(folder)/" + String(repeating: "n", count: 255)
        try replaceFile(at: path, with: [1])
        try replaceFile(at: path, with: [UInt8](repeating: 7, count: 3_000_000))
        #expect(try InputFile.bytes(at: path).count == 3_000_000)
        #expect(throws: FileError.self) { try replaceFile(at: folder, with: [1]) }
        #expect(throws: FileError.self) { try replaceFile(at: path + "n", with: [1]) }
        #expect(try Self.names(in: folder).count == 1)
    }

    @Test func `what replaces a file has its mode, and goes where its links lead`() throws {
        let files = FileManager.default
        func mode(_ name: String) throws -> Int? {
            try files.attributesOfItem(atPath: "\(folder)/\(name)")[.posixPermissions] as? Int
        }
        for set in [0o600, 0o664, 0o444, 0o4755] {
            try replaceFile(at: "\(folder)/file", with: [1])
            try files.setAttributes([.posixPermissions: set], ofItemAtPath: "\(folder)/file")
            try replaceFile(at: "\(folder)/file", with: [2])
            #expect(try mode("file") == set)
        }
        try files.createDirectory(atPath: "\(folder)/far", withIntermediateDirectories: false)
        try files.createSymbolicLink(atPath: "\(folder)/far/next", withDestinationPath: "../file")
        try files.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "far/next")
        try replaceFile(at: "\(folder)/link", with: [3])
        #expect(try InputFile.bytes(at: "\(folder)/file") == [3])
        #expect(try files.destinationOfSymbolicLink(atPath: "\(folder)/link") == "far/next")
        try files.createSymbolicLink(atPath: "\(folder)/dangling", withDestinationPath: "\(folder)/far/made")
        try replaceFile(at: "\(folder)/dangling", with: [4])
        #expect(try InputFile.bytes(at: "\(folder)/far/made") == [4])
        try files.createSymbolicLink(atPath: "\(folder)/circle", withDestinationPath: "circle")
        try files.createSymbolicLink(atPath: "\(folder)/nowhere", withDestinationPath: "none/file")
        for path in ["circle", "nowhere"] {
            #expect(throws: FileError.self) { try replaceFile(at: "\(folder)/\(path)", with: [5]) }
        }
        #expect(try Self.names(in: folder) == ["circle", "dangling", "far", "file", "link", "nowhere"])
        #expect(try Self.names(in: "\(folder)/far") == ["made", "next"])
    }

    @Test(.enabled(if: geteuid() == 0, "only root gives files away"))
    func `an owner is kept, and another user's link in a folder for all is not followed`() throws {
        let (file, link) = ("\(folder)/file", "\(folder)/link")
        try replaceFile(at: file, with: [1])
        #expect(unsafe chown(file, 65533, 65534) == 0)
        try replaceFile(at: file, with: [2])
        #expect(FileStatus(file).map { [$0.owner, $0.group] } == [65533, 65534])
        #expect(unsafe symlink("file", link) == 0 && lchown(link, 65533, 65533) == 0)
        try replaceFile(at: link, with: [3])
        #expect(unsafe chmod(folder, 0o1777) == 0)
        #expect(throws: FileError.self) { try replaceFile(at: link, with: [4]) }
        #expect(try InputFile.bytes(at: file) == [3])
    }

    @Test func `where one file cannot have its name, those before it are taken back`() throws {
        let (old, new, last) = ("\(folder)/old", "\(folder)/new", "\(folder)/last")
        try replaceFile(at: old, with: [1])
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: old)
        var staged = StagedFiles(force: true)
        for path in [old, new, last] { try staged.stage([2], for: path) }
        // What came in between.
        try FileManager.default.createDirectory(atPath: last, withIntermediateDirectories: false)
        #expect(throws: FileError.cannotWrite(path: last, reason: "it is a folder")) { try staged.commit() }
        staged.discard()
        #expect(try Self.names(in: folder) == ["last", "old"])
        #expect(try InputFile.bytes(at: old) == [1])
        #expect(FileStatus(old).map { $0.mode & 0o777 } == 0o640)

        var unforced = StagedFiles(force: false)
        for name in ["a", "b"] { try unforced.stage([3], for: "\(folder)/\(name)") }
        try replaceFile(at: "\(folder)/b", with: [4])
        #expect(throws: FileError.exists(path: "\(folder)/b")) { try unforced.commit() }
        unforced.discard()
        #expect(try Self.names(in: folder) == ["b", "last", "old"])
        #expect(try InputFile.bytes(at: "\(folder)/b") == [4])
    }

    /// While the other files were written somebody took one away, and turned a link elsewhere.
    @Test func `what is taken back is what was there when the names were given`() throws {
        let (gone, link, last) = ("\(folder)/gone", "\(folder)/link", "\(folder)/last")
        for name in ["gone", "one", "two"] { try replaceFile(at: "\(folder)/\(name)", with: Array(name.utf8)) }
        #expect(unsafe symlink("one", link) == 0)
        var staged = StagedFiles(force: true)
        for path in [gone, link, last] { try staged.stage([2], for: path) }
        #expect(unsafe unlink(gone) == 0 && unlink(link) == 0 && symlink("two", link) == 0)
        #expect(unsafe mkdir(last, 0o700) == 0)
        #expect(throws: FileError.cannotWrite(path: last, reason: "it is a folder")) { try staged.commit() }
        staged.discard()
        #expect(try Self.names(in: folder) == ["last", "link", "one", "two"])
        for name in ["one", "two"] {
            #expect(try InputFile.bytes(at: "\(folder)/\(name)") == Array(name.utf8))
        }
    }

    @Test func `nothing but a file is replaced, and nothing but a file is read where a stranger names it`() throws {
        let pipe = "\(folder)/pipe"
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        #expect(throws: FileError.cannotWrite(path: pipe, reason: "it is a pipe")) {
            try replaceFile(at: pipe, with: [1])
        }
        for path in [pipe, "/dev/zero", folder] {
            #expect(throws: FileError.self) { try InputFile.regularBytes(at: path, limit: Limit.pictureBytes) }
        }
    }

    @Test func `a name that is not UTF-8 stays what it is`() throws {
        let name = PathText.text(of: Array("\(folder)/r".utf8) + [0xE9, 0x78] + Array(".jpg".utf8))
        try replaceFile(at: name, with: [1])
        #expect(try InputFile.bytes(at: name) == [1])
        let options = try MaskOptions.parse([name, "dog"])
        let mask = try MaskPlan(options, standardOutputIsTerminal: false).files[0].path
        #expect(PathText.name(of: mask) == Array("\(folder)/r".utf8) + [0xE9, 0x78] + Array(".mask.png".utf8))
    }

    @Test func `an input that is missing or a folder cannot be read`() throws {
        for path in [folder, "\(folder)/none", ""] {
            do throws(FileError) {
                _ = try InputFile.bytes(at: path)
                Issue.record("read")
            } catch {
                #expect(ExitReason(error, picture: nil) == .missingInput)
            }
        }
    }
}

import ArgumentParser
import FoundationEssentials
import Images
import RPC
import Testing

@testable import Results

@Suite struct FileTests {
    private static func plan(in folder: String, _ arguments: [String]) throws -> MaskPlan {
        try MaskPlan(
            try MaskOptions.parse(["rex.png", "dog=dog|puppy", "grass", "-o", folder] + arguments),
            standardOutputIsTerminal: false)
    }

    private static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func `all files are written, and no others`() throws {
        try withTemporaryFolder { folder in
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
    }

    @Test func `nothing that exists is overwritten without force`() throws {
        try withTemporaryFolder { folder in
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
    }

    @Test func `shares and JSON are data, what was written is a message`() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/rex.mask.png"
            let shares = try Example().delivery(of: Self.plan(in: folder, []))
            #expect(String(decoding: shares.data, as: UTF8.self) == "dog 20.8 %\ngrass 45.8 %\n")
            #expect(shares.messages == ["wrote \(path)"])
            let json = try Example().delivery(of: Self.plan(in: folder, ["--json", "--force"]))
            #expect(try Provenance(reading: json.data).output == .json)
            #expect(json.messages == ["wrote \(path)"])
        }
    }

    @Test func `a picture on standard output makes the shares messages`() throws {
        let example = try Example()
        let printout = try example.delivery(of: Self.plan(in: "-", ["--cut", "dog"]))
        #expect(try Provenance(reading: printout.data).output == .cut(label: "dog"))
        #expect(printout.messages == ["dog 20.8 %", "grass 45.8 %"])
    }

    @Test func `a prompt that was cut short is told`() throws {
        let example = try Example()
        let plan = try Self.plan(in: "-", [])
        var header = example.header()
        header.labels[1].phrases[0].truncated = true
        let answer = try example.answer(
            to: plan.request(.handle(""), requestID: ""), header: header)
        let messages = try plan.deliver(answer, picture: example.picture).messages
        #expect(messages.last?.contains("a photograph of a grass") == true)
        #expect(messages.count == 3)
    }

    @Test(arguments: [
        ("animated.png", 2), ("animated.webp", 2), ("animated-corner.webp", 3), ("exif-6.webp", nil), ("one.png", nil),
    ])
    func `an animated picture is said to be one, in words and in the JSON`(name: String, frames: Int?) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/images/\(name)")
        let (example, picture) = (try Example(), Array(try Data(contentsOf: file)))
        let plan = try Self.plan(in: "-", [])
        let answer = try example.answer(to: plan.request(.handle(""), requestID: ""))
        let printout = try plan.deliver(answer, picture: picture)
        let record = try Provenance(reading: printout.data).picture
        #expect(record.frames == frames)
        #expect(record.orientation == (name == "exif-6.webp" ? 6 : 1))
        let notes = printout.messages.filter { $0.contains("animated") }
        #expect(notes.map { $0.contains("\(frames ?? 0) frames") } == (frames == nil ? [] : [true]))
    }

    @Test func `a run that fails leaves nothing behind`() throws {
        try withTemporaryFolder { folder in
            // Without score maps the second file cannot be drawn.
            let example = try Example()
            let answer = try example.answer(
                to: Self.plan(in: folder, []).request(.handle(""), requestID: ""))
            let plan = try Self.plan(in: folder, ["--heat"])
            #expect(throws: DrawingError.noScores) {
                try plan.deliver(answer, picture: example.picture)
            }
            #expect(try Self.names(in: folder).isEmpty)
        }
    }

    @Test func `a folder that is missing or a file is told before any work`() throws {
        try withTemporaryFolder { folder in
            try replaceFile(at: "\(folder)/file", with: [])
            for missing in ["\(folder)/none", "\(folder)/file"] {
                let plan = try Self.plan(in: missing, [])
                do throws(FileError) {
                    try plan.checkFiles()
                    Issue.record("accepted")
                } catch {
                    #expect(ExitReason(error, picture: nil) == .cannotWrite)
                    #expect(error.description.contains("mkdir -p \(missing)"))
                }
            }
            try FileManager.default.createDirectory(
                atPath: "\(folder)/rex.mask.png", withIntermediateDirectories: false)
            #expect(throws: FileError.self) { try Self.plan(in: folder, ["--force"]).checkFiles() }
        }
    }

    @Test func `a file is replaced whole, or stays as it was`() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/" + String(repeating: "n", count: 255)
            try replaceFile(at: path, with: [1])
            try replaceFile(at: path, with: [UInt8](repeating: 7, count: 3_000_000))
            #expect(try InputFile.bytes(at: path).count == 3_000_000)
            #expect(throws: FileError.self) { try replaceFile(at: folder, with: [1]) }
            #expect(throws: FileError.self) { try replaceFile(at: path + "n", with: [1]) }
            #expect(try Self.names(in: folder).count == 1)
        }
    }

    @Test func `an input that is missing or a folder cannot be read`() throws {
        try withTemporaryFolder { folder in
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
}

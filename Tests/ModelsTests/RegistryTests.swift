import FoundationEssentials
import Glibc
import Networks
import Support
import Testing

@testable import Models

/// A registry's file: what is written comes back, and nothing else is taken for one.
@Suite struct RegistryTests {
    private let place: TemporaryDirectory
    private let registry: Registry

    init() throws {
        place = try TemporaryDirectory()
        registry = Registry(file: "\(place.path)/config/dseg/models.json", folderMode: 0o700)
    }

    private func write(_ text: String) throws {
        mkdir("\(place.path)/config", 0o700)
        mkdir("\(place.path)/config/dseg", 0o700)
        try Data(text.utf8).write(to: URL(filePath: registry.file))
    }

    private func written() throws -> String { String(decoding: try Repository.bytes(registry.file), as: UTF8.self) }

    @Test func `what is added comes back, and the first is the default`() throws {
        #expect(try registry.contents() == RegistryContents())
        let (one, other) = (try SampleModel.named("sd15"), try SampleModel.named("b"))
        #expect(try !registry.change { contents throws(RegistryError) in try contents.add(one) })
        #expect(try !registry.change { contents throws(RegistryError) in try contents.add(other) })
        let contents = try registry.contents()
        #expect(contents.models == [one, other])
        #expect(contents.defaultModel == one)
        #expect(FileManager.default.fileExists(atPath: registry.file + ".new") == false)
    }

    @Test func `its folders are the user's alone or everybody's, its file everybody may read`() throws {
        let mask = umask(0o077)
        defer { umask(mask) }
        try registry.change { contents throws(RegistryError) in _ = try contents.add(SampleModel.named("a")) }
        var state = stat()
        unsafe stat("\(place.path)/config/dseg", &state)
        #expect(state.st_mode & 0o777 == 0o700)
        let system = Registry(file: "\(place.path)/etc/dseg/models.json", folderMode: 0o755)
        try system.change { contents throws(RegistryError) in _ = try contents.add(SampleModel.named("a")) }
        unsafe stat("\(place.path)/etc/dseg", &state)
        #expect(state.st_mode & 0o777 == 0o755)
        unsafe stat(registry.file, &state)
        #expect(state.st_mode & 0o777 == 0o644)
    }

    @Test func `writers at once lose nothing`() async throws {
        let registry = registry
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<25 {
                        do {
                            let model = try SampleModel.named("w\(writer)-\(number)")
                            try registry.change { contents throws(RegistryError) in _ = try contents.add(model) }
                        } catch {
                            Issue.record(error)
                        }
                    }
                }
            }
        }
        let names = try registry.contents().models.map { "\($0.name)" }
        #expect(Set(names).count == 100 && names.count == 100)
    }

    @Test func `who holds the lock for long is waited for, and then named`() throws {
        try registry.change { contents throws(RegistryError) in _ = try contents.add(SampleModel.named("a")) }
        let folder = open("\(place.path)/config/dseg", O_RDONLY | O_DIRECTORY)
        defer { close(folder) }
        #expect(flock(folder, LOCK_EX) == 0)
        #expect(throws: RegistryError.locked(file: registry.file, seconds: 1)) {
            _ = try LockedFolder(of: registry.file, mode: 0o700, patience: .seconds(1))
        }
    }

    @Test(arguments: [
        ("", "no JSON"), ("{", "no JSON"), ("[]", "it is no object"), ("null", "registry"), ("{}", "it has no version"),
        (#"{"version": "1"}"#, "version: it is no whole number"), (#"{"version": 1}"#, "it has no models"),
        (#"{"version": 1, "models": {}}"#, "models: it is no list"),
        (#"{"version": 1, "models": [7]}"#, "models, number 1: it is no object"),
        (#"{"version": 1, "models": [], "modles": 1}"#, "modles: there is no such key"),
        (#"{"version": 1, "models": [], "default": "a"}"#, "default: no model is called a"),
        (#"{"version": 1, "models": [], "default": "a/b"}"#, "is no name for a model"),
        (#"{"version": 1, "models": [{"name": "a\nb"}]}"#, "is no name for a model"),
        (#"{"version": 1, "models": [{"name": "a", "path": "x"}]}"#, "x is no absolute path"),
        ("\u{1}\u{2}", "no JSON"), ("\u{0}{}", "zero bytes"),
        ("e\(String(repeating: "\u{301}", count: 40))", "combining marks"),
    ])
    func `garbage is refused by its place, and stays as it is`(text: String, reason: String) throws {
        try write(text)
        for attempt in [
            { _ = try registry.contents() },
            { try registry.change { contents throws(RegistryError) in _ = try contents.add(SampleModel.named("a")) } },
        ] {
            let error = #expect(throws: RegistryError.self) { try attempt() }
            let message = error.map { "\($0)" } ?? ""
            #expect(message.contains(registry.file) && message.contains(reason), "\(message)")
        }
        #expect(try written() == text)
    }

    @Test func `another version is refused, whatever else it holds`() throws {
        try write(#"{"version": 2, "networks": {}}"#)
        #expect(throws: RegistryError.otherVersion(file: registry.file, found: 2, expected: 1)) {
            try registry.contents()
        }
    }

    @Test func `a file's size is one that weights may have, so that all sizes can be added`() throws {
        try registry.change { contents throws(RegistryError) in _ = try contents.add(SampleModel.named("a")) }
        let lines = try written().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for (bytes, isLegal) in [(1 << 40, true), (1 << 40 + 1, false), (Int.max, false), (-1, false)] {
            try write(lines.map { $0.contains("\"bytes\"") ? "\"bytes\": \(bytes)," : $0 }.joined(separator: "\n"))
            let contents = try? registry.contents()
            #expect((contents != nil) == isLegal, "\(bytes)")
            #expect(contents?.models.allSatisfy { $0.size >= bytes } != false)
        }
    }

    /// Each value of a real registry in turn made another kind of value.
    @Test func `a value of the wrong kind is refused`() throws {
        try registry.change { contents throws(RegistryError) in _ = try contents.add(SampleModel.named("a")) }
        let lines = try written().split(separator: "\n").map(String.init)
        var changed = 0
        for (number, line) in lines.enumerated() {
            guard let colon = line.firstRange(of: " : "), !line.hasSuffix("{"), !line.hasSuffix("[") else { continue }
            var lines = lines
            lines[number] = line[..<colon.upperBound] + "false" + (line.hasSuffix(",") ? "," : "")
            try write(lines.joined(separator: "\n"))
            #expect(throws: RegistryError.self, "\(line)") { try registry.contents() }
            changed += 1
        }
        #expect(changed > 12)
    }

    /// What a flipped bit leaves legal is taken for what it says; nothing else is, and nothing crashes.
    @Test func `a cut or flipped registry is refused or legal`() throws {
        try registry.change { contents throws(RegistryError) in _ = try contents.add(SampleModel.named("a")) }
        let whole = try Repository.bytes(registry.file)
        var generator = SeededGenerator(seed: 16)
        var refused = 0
        for _ in 0..<100 {
            let place = Int.random(in: 0..<whole.count - 2, using: &generator)
            try Data(whole[..<place]).write(to: URL(filePath: registry.file))
            #expect(throws: RegistryError.self) { try registry.contents() }
            var flipped = whole
            flipped[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            try Data(flipped).write(to: URL(filePath: registry.file))
            guard let read = try? registry.contents() else {
                refused += 1
                continue
            }
            #expect(read.models.allSatisfy { $0.files.count == 1 })
        }
        #expect(refused > 20)
    }

    @Test func `what is no file is refused at once`() throws {
        mkdir("\(place.path)/config", 0o700)
        mkdir("\(place.path)/config/dseg", 0o700)
        let error = RegistryError.self
        mkfifo(registry.file, 0o600)
        #expect(throws: error) { try registry.contents() }
        unlink(registry.file)
        mkdir(registry.file, 0o700)
        #expect(throws: error) { try registry.contents() }
        rmdir(registry.file)
        symlink("/dev/zero", registry.file)
        #expect(throws: error) { try registry.contents() }
        unlink(registry.file)
        symlink("models.json", registry.file)
        #expect(throws: error) { try registry.contents() }
    }

    @Test func `a file over the limit is not read`() throws {
        try write("")
        truncate(registry.file, Registry.limit + 1)
        #expect(throws: RegistryError.tooLarge(file: registry.file, bytes: Registry.limit + 1, limit: Registry.limit)) {
            try registry.contents()
        }
    }

    @Test func `a link is written through`() throws {
        try write(#"{"version": 1, "models": []}"#)
        let real = "\(place.path)/dotfile"
        try FileManager.default.moveItem(atPath: registry.file, toPath: real)
        symlink(real, registry.file)
        try registry.change { contents throws(RegistryError) in _ = try contents.add(SampleModel.named("a")) }
        #expect(FilePath.real(registry.file) == FilePath.real(real))
        #expect(try registry.contents().models.count == 1)
    }

    @Test func `an error in the change changes nothing`() throws {
        try registry.change { contents throws(RegistryError) in _ = try contents.add(SampleModel.named("a")) }
        let before = try written()
        #expect(throws: RegistryError.self) {
            try registry.change { contents throws(RegistryError) in
                try contents.remove(ModelName("a"))
                try contents.remove(ModelName("a"))
            }
        }
        #expect(try written() == before)
    }

    @Test(arguments: [
        (["XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/x/dseg/models.json"),
        (["XDG_CONFIG_HOME": "x", "HOME": "/h"], "/h/.config/dseg/models.json"),
        (["XDG_CONFIG_HOME": "", "HOME": "/h"], "/h/.config/dseg/models.json"), (["HOME": "h"], nil), ([:], nil),
    ])
    func `the user's registry lies where XDG says`(environment: [String: String], file: String?) {
        #expect(Registry.user { environment[$0] }?.file == file)
    }
}

/// Models of the tests.
enum SampleModel {
    static func named(
        _ name: String, path: String? = nil, hash: String = String(repeating: "a", count: 64),
        files: [RegisteredFile]? = nil
    ) throws(RegistryError) -> RegisteredModel {
        let path = path ?? "/models/\(name)"
        let state = FileState(
            realPath: "\(path)/x", device: .max, inode: .max, size: 7, modified: 1_764_241_234_123_456_789)
        return RegisteredModel(
            name: try ModelName(name), source: ModelSource(path: path, autoencoder: "/v\n\u{202E}", configuration: nil),
            captioner: "/c d", filter: nil, licence: "openrail-m", hash: hash, captionerHash: hash, filterHash: nil,
            files: files ?? [RegisteredFile(name: "x", path: "\(path)/x", state: state, sha256: hash)],
            added: Date(timeIntervalSince1970: 1_764_241_234))
    }
}

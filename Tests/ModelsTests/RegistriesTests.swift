import FoundationEssentials
import Glibc
import Networks
import Support
import Testing

@testable import Models

/// Which model a text names, and whether its files are what they were.
@Suite struct RegistriesTests {
    private let place: TemporaryDirectory
    private let registries: Registries
    private let user: Registry

    init() throws {
        place = try TemporaryDirectory()
        user = Registry(file: "\(place.path)/user/models.json", folderMode: 0o700)
        registries = Registries(
            user: user, system: Registry(file: "\(place.path)/system/models.json", folderMode: 0o755))
    }

    private func add(_ names: String..., to registry: Registry) throws {
        for name in names {
            try registry.change { contents throws(RegistryError) in
                _ = try contents.add(SampleModel.named(name, path: "\(registry.file)/\(name)"))
            }
        }
    }

    private func model(_ text: String) throws -> RegisteredModel? {
        if case .registered(let model) = try registries.resolve(text, discovered: { _ in nil }) { model } else { nil }
    }

    @Test func `the user's model comes before the system's`() throws {
        try add("a", "b", to: registries.system)
        #expect(try registries.defaultModel()?.name == ModelName("a"))
        try add("b", to: user)
        #expect(try model("a")?.source.path == "\(registries.system.file)/a")
        #expect(try model("b")?.source.path == "\(user.file)/b")
        #expect(try registries.defaultModel()?.source.path == "\(user.file)/b")
        try user.change { contents throws(RegistryError) in try contents.remove(ModelName("b")) }
        #expect(try registries.defaultModel()?.name == ModelName("a"))
    }

    @Test func `a path needs no registry`() throws {
        mkdir("\(place.path)/user", 0o700)
        try Data("garbage".utf8).write(to: URL(filePath: user.file))
        guard case .path("/x") = try registries.resolve("/x", discovered: { _ in nil }) else {
            Issue.record("/x is a path")
            return
        }
        #expect(throws: RegistryError.self) { try registries.resolve("x", discovered: { _ in nil }) }
    }

    @Test func `what is not added is looked for by its name`() throws {
        try add("sd15", to: user)
        func message(_ text: String, found: String?) -> String {
            do {
                _ = try registries.resolve(text, discovered: { _ in found })
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            message("sd21", found: "/my models/x") == """
                sd21 is not added; found a copy in /my models/x: dseg model add '/my models/x'
                """)
        #expect(message("sd14", found: nil).contains("sd15 is: take that"))
        #expect(!message("whatever", found: nil).contains("sd15"))
        // Compared by bytes: a letter with a mark is another than the composed one, and neither is legal.
        #expect(message("sd\u{E9}", found: nil).contains("neither a file"))
    }

    @Test func `a model of the same name is replaced only where it is the same`() throws {
        var contents = RegistryContents()
        let other = String(repeating: "b", count: 64)
        #expect(try !contents.add(SampleModel.named("a", path: "/1")))
        #expect(try contents.add(SampleModel.named("a", path: "/2")), "the same hash elsewhere")
        #expect(try contents.add(SampleModel.named("a", path: "/2", hash: other)), "another hash at the same place")
        #expect(throws: RegistryError.taken(try ModelName("a"), path: "/2")) {
            try contents.add(SampleModel.named("a", path: "/1"))
        }
        #expect(contents.models.count == 1 && contents.models[0].hash == other)
    }

    @Test(arguments: [
        ("stable-diffusion-v1-5", "sd15"), ("v1-5-pruned-emaonly", "sd15"), ("sd-v1-4", "sd14"),
        ("stable-diffusion-2-1-base", "sd21-base"), ("v2-1_512-ema-pruned", "sd21-base"),
        ("stable-diffusion-2-1", "sd21"), ("v2-1_768-ema-pruned", "sd21"), ("Dream Shaper!! 8", "dream-shaper-8"),
        ("my-v1-5-mix", "my-v1-5-mix"), ("...", "model"), ("", "model"), ("--x", "x"), ("é", "model"),
        ("aé/b", "a-b"),
        (String(repeating: "X", count: 99), String(repeating: "x", count: 64)),
    ])
    func `a title suggests a name`(title: String, name: String) throws {
        let first = try ModelName(suggestedBy: title, taken: [])
        #expect("\(first)" == name)
        let second = try ModelName(suggestedBy: title, taken: [first])
        #expect(second != first && "\(second)".hasSuffix("-2"))
        #expect(try ModelName(suggestedBy: title, taken: [first, second]).description.hasSuffix("-3"))
        #expect(
            try ModelName(name).isKnown(as: title) || ["model", "x", "a-b"].contains(name) || title.count > 64
                || name == "dream-shaper-8")
    }

    @Test func `each change of a file is a fault that says what to type`() throws {
        let file = "\(place.path)/weights"
        let link = "\(place.path)/link"
        let url = URL(filePath: file)
        func restore() throws -> RegisteredModel {
            unlink(link)
            unlink(file)
            try Data("0123456789".utf8).write(to: url)
            symlink(file, link)
            let state = try #require(FileState(at: link))
            return try SampleModel.named(
                "a", files: [RegisteredFile(name: "x", path: link, state: state, sha256: SampleModel.named("a").hash)])
        }
        func fault(after change: () throws -> Void) throws -> String {
            let model = try restore()
            #expect(model.faults.isEmpty)
            try change()
            let faults = model.faults
            #expect(faults.count == 1)
            return faults.first.map { "\($0)" } ?? ""
        }
        let add = "type dseg model add /models/a --name a --vae '/v\n\u{202E}' --captioner '/c d' to take it as it is"
        let size = try fault { try Data("01234".utf8).write(to: url) }
        #expect(size == "a: \(link) changed since it was added (10 bytes then, 5 now): \(add), or dseg model verify a")
        #expect(
            try fault { unlink(file) }.contains("vanished since it was added (No such file or directory): put it back"))
        let elsewhere = try fault {
            rename(file, file + "2")
            unlink(link)
            symlink(file + "2", link)
        }
        #expect(elsewhere.contains("leads elsewhere since it was added") && elsewhere.contains(add))
        #expect(
            try fault {
                let times = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000, tv_nsec: 0)]
                unsafe utimensat(AT_FDCWD, file, times, 0)
            }.contains("1970-01-01T00:16:40Z now"))
        let replaced = try fault {
            let state = try #require(FileState(at: file))
            try #require(shell("cp -p \(file) \(file)3 && mv \(file)3 \(file)").status == 0)
            try #require(FileState(at: file)?.modified == state.modified)
        }
        #expect(replaced.contains("was replaced"))
        #expect(
            try fault {
                unlink(file)
                mkfifo(file, 0o600)
            }.contains("vanished"))
        #expect(
            try fault {
                unlink(file)
                symlink(file, file)
            }.contains("vanished"))
    }
}

/// What the system's service can read.
@Suite struct ServiceAccessTests {
    @Test func `a temporary folder is hidden from the service, by a link too`() throws {
        let place = try TemporaryDirectory()
        try #require(place.path.utf8.starts(with: "/tmp/".utf8))
        try Data().write(to: URL(filePath: "\(place.path)/x"))
        let message = HiddenFile("\(place.path)/x").map { "\($0)" } ?? ""
        #expect(message.contains("leads into /tmp, which the service does not see: move the model to /var/lib or /srv"))
        #expect(HiddenFile("\(place.path)/none") != nil)
        #expect(HiddenFile("/etc/passwd") == nil)
        #expect(HiddenFile("/dev/stdin/../../etc/passwd/x") != nil)
    }

    @Test func `a mode that keeps the service's user out is named`() throws {
        let root = "/var/lib/dseg-\(UInt64.random(in: 0...UInt64.max))"
        guard mkdir(root, 0o755) == 0 else { return }
        defer { try? FileManager.default.removeItem(atPath: root) }
        let file = "\(root)/x"
        try Data().write(to: URL(filePath: file))
        chmod(file, 0o644)
        #expect(HiddenFile(file) == nil)
        chmod(file, 0o640)
        #expect(HiddenFile(file).map { "\($0)" }?.contains("type chmod o+r \(file)") == true)
        chmod(file, 0o644)
        mkdir("\(root)/closed", 0o750)
        rename(file, "\(root)/closed/x")
        symlink("closed/x", file)
        #expect(HiddenFile(file).map { "\($0)" }?.contains("type chmod o+x \(root)/closed") == true)
    }

    @Test func `a model is known by what earlier versions made of its files, whatever stands beside it`() throws {
        let resources = "\(Repository.root)/Sources/dsegd/Resources"
        let source = ModelSource("\(Repository.root)/Tests/Fixtures/tiny/checkpoint")
        for (captioner, filter) in [(nil, nil), ("\(resources)/demo-captioner", "\(resources)/demo-filter")] {
            let headers = try ModelHeaders(
                source, captioner: captioner, filter: filter, clipMerges: "\(resources)/clip/merges.txt")
            let model = try RegisteredModel(
                name: ModelName("tiny"), source: source, captioner: captioner, filter: filter, licence: nil,
                inventory: headers.hashed(cache: nil) { true })
            let own = try ModelHash(
                directory: source.path, files: model.files.filter { !$0.isBeside }.map(\.name))
            #expect(own.description == model.hash && own.aliases.count == 1)
            #expect(model.hashAliases == own.aliases)
        }
    }
}

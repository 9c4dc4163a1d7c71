import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// `dseg model`: an owner's models by name, with the real programs.
@Suite struct ModelCommandTests {
    private let place: TemporaryDirectory
    private let model: FolderCopy
    private let environment: [String: String]
    private static let resources = "\(Repository.root)/Sources/dsegd/Resources"

    init() throws {
        place = try TemporaryDirectory()
        model = try FolderCopy(of: "../../Sources/dsegd/Resources/demo")
        environment = ["XDG_CONFIG_HOME": "\(place.path)/config", "HOME": place.path]
    }

    private var registry: String { "\(place.path)/config/dseg/models.json" }

    private func dseg(_ arguments: String...) throws -> Program.Ending {
        try run([Repository.dseg] + arguments, environment: environment)
    }

    private func json(_ ending: Program.Ending) throws -> Any? {
        #expect(ending.text.split(separator: "\n").count == 1)
        return try JSONDecoder().decode(AnyJSON.self, from: Data(ending.output)).value
    }

    @Test func `a model is added, listed, shown, asked by its name, and removed`() throws {
        let added = try dseg("model", "add", model.path, "--name", "mine")
        #expect(added.code == 0, "\(added.errors)")
        #expect(added.text.contains("Added as mine (default). Used in place, nothing copied."))
        #expect(added.text.contains("dseg mask PICTURE WORDS --model mine"))
        #expect(added.errors.contains("unet: ") && added.errors.contains(" tensors"))

        let list = try json(dseg("model", "list", "--json")) as? [[String: Any]]
        #expect(list?.count == 1)
        #expect(list?.first?["name"] as? String == "mine")
        #expect(list?.first?["default"] as? Bool == true)
        #expect(list?.first?["path"] as? String == model.path)
        #expect((list?.first?["faults"] as? [Any])?.isEmpty == true)
        #expect(try dseg("model", "list").text.contains("* mine"))
        #expect(try dseg("model", "default").text == "mine\n")

        let shown = try json(dseg("model", "show", "mine", "--json")) as? [String: Any]
        let networks = shown?["networks"] as? [[String: Any]]
        #expect(networks?.compactMap { $0["name"] as? String } == ["text_encoder", "vae", "unet"])
        // As the demo model's configurations say.
        let configuration = shown?["configuration"] as? [String: Any]
        let unet = try JSONDecoder().decode(AnyJSON.self, from: Data(model.bytes("unet/config.json"))).value
        #expect(configuration?["channels"] as? [Double] == (unet as? [String: Any])?["block_out_channels"] as? [Double])
        #expect(configuration?["textWidth"] as? Double == (unet as? [String: Any])?["cross_attention_dim"] as? Double)
        let files = shown?["files"] as? [[String: Any]]
        for file in files ?? [] {
            let path = try #require(file["path"] as? String)
            let sum = try run(["/usr/bin/sha256sum", path]).text.prefix(64)
            #expect(file["sha256"] as? String == String(sum), "\(path)")
        }
        #expect((files?.count ?? 0) >= 8)

        let picture = ["mask", Repository.picture, "boat, sheep", "-o", "-"]
        let byName = try run([Repository.dsegd] + picture + ["--model", "mine"], environment: environment)
        #expect(byName.code == 0, "\(byName.errors)")
        let byPath = try run([Repository.dsegd] + picture + ["--model", model.path])
        let byDefault = try run([Repository.dseg] + picture + ["--no-daemon"], environment: environment)
        // Files say what the model is called.
        #expect(byName.output == byDefault.output && byName.output != byPath.output)
        #expect(try IndexPicture(byName.output) == IndexPicture(byPath.output))

        let removed = try dseg("model", "remove", "mine")
        #expect(removed.code == 0 && removed.text.contains("its files stay"))
        #expect(exists("\(model.path)/unet/config.json"))
        #expect(try dseg("model", "default").errors.contains("the demo model is used"))
        #expect(try json(dseg("model", "list", "--json")) as? [Any] != nil)
        #expect(try dseg("model", "show", "mine").code == 66)
    }

    @Test func `networks beside the model come with it, and a daemon takes the default`() throws {
        let beside = [
            "--captioner", "\(Self.resources)/demo-captioner", "--filter", "\(Self.resources)/demo-filter",
        ]
        let added = try run(
            [Repository.dseg, "model", "add", model.path, "--json"] + beside, environment: environment)
        #expect(added.code == 0, "\(added.errors)")
        #expect(added.errors == "")
        let record = try json(added) as? [String: Any]
        #expect(record?["name"] as? String == "copy")
        let daemon = try Daemon(answering: [], environment: environment)
        let client = try daemon.client()
        #expect(try client.status().models.isEmpty && client.status().defaultModel == "copy")
        try client.warm(WarmRequest(model: "", keepAlive: "", requestID: "", deadlineMilliseconds: 0)) { _ in }
        let status = try client.status()
        #expect(status.models.count == 3)
        #expect(status.models.first?.hash == record?["hash"] as? String)
        let alone = try Daemon(answering: ["--model", model.path])
        #expect(try alone.client().status().models.count == 1)
    }

    @Test func `verify sees a flipped bit, and a touched file is recorded anew`() throws {
        #expect(try dseg("model", "add", model.path, "--name", "a").code == 0)
        let verified = try dseg("model", "verify")
        #expect(verified.code == 0 && verified.text.contains("self-test's maps are finite"), "\(verified.errors)")

        let name = "unet/diffusion_pytorch_model.safetensors"
        let path = "\(model.path)/\(name)"
        let bytes = try model.bytes(name)
        #expect(shell("touch -d '2001-02-03 04:05:06 UTC' \(path)").status == 0)
        let picture = ["mask", Repository.picture, "boat", "-o", "-", "--no-daemon"]
        let refused = try run([Repository.dseg] + picture, environment: environment)
        #expect(refused.code == 65)
        #expect(
            refused.errors.contains("a: \(path) changed since it was added")
                && refused.errors.contains("2001-02-03T04:05:06Z now")
                && refused.errors.contains("dseg model add \(model.path) --name a"), "\(refused.errors)")
        #expect(try dseg("model", "show", "a").code == 65)
        #expect(try dseg("model", "verify", "a").code == 0)
        #expect(try run([Repository.dseg] + picture, environment: environment).code == 0)

        // The same size and time, and one bit of a weight.
        var flipped = bytes
        flipped[bytes.count - 3] ^= 1
        try model.write(name, flipped)
        #expect(shell("touch -d '2001-02-03 04:05:06 UTC' \(path)").status == 0)
        let damaged = try dseg("model", "verify", "a", "--json")
        #expect(damaged.code == 65)
        #expect(damaged.errors.contains(path) && damaged.errors.contains("SHA-256"), "\(damaged.errors)")
        let verdict = (try json(damaged) as? [[String: Any]])?.first
        #expect(verdict?["verified"] as? Bool == false)
        let loaded = try run([Repository.dseg] + picture, environment: environment)
        #expect(loaded.code == 65 && loaded.errors.contains("was added"), "\(loaded.errors)")

        // Taken as it is.
        #expect(try dseg("model", "add", model.path, "--name", "a").text.contains("Recorded anew as a"))
        #expect(try dseg("model", "verify", "a").code == 0)

        try model.remove(name)
        let vanished = try dseg("model", "list")
        #expect(vanished.code == 0)
        #expect(
            vanished.errors.contains("\(path) vanished since it was added")
                && vanished.errors.contains("dseg model remove a"), "\(vanished.errors)")
        #expect(try dseg("model", "verify").code == 65)
    }

    @Test(arguments: [
        "a/b", "a\nb", ".", "..", "-a", ".a", "a b", "é", "\u{1B}[2J", String(repeating: "a", count: 65),
    ])
    func `a name that is none is refused, and nothing is written`(name: String) throws {
        let ending = try dseg("model", "add", model.path, "--name=\(name)")
        #expect(ending.code == 64)
        #expect(ending.errors.contains("is no name for a model"), "\(ending.errors)")
        #expect(ending.errors.split(separator: "\n").count == 1)
        #expect(!ending.errors.contains("\u{1B}"))
        #expect(!exists(registry))
    }

    @Test func `a path with a line end stays on one line, in JSON whole`() throws {
        let path = "\(place.path)/a\nb\u{1B}[2J"
        try copy(model.path, to: path)
        let added = try dseg("model", "add", path)
        #expect(added.code == 0, "\(added.errors)")
        let list = try dseg("model", "list")
        #expect(list.text.split(separator: "\n").count == 2 && !list.text.contains("\u{1B}"))
        let records = try json(dseg("model", "list", "--json")) as? [[String: Any]]
        #expect(records?.first?["path"] as? String == path)
        #expect(try dseg("model", "verify").code == 0)
    }

    @Test func `a registry of garbage is named, and stays`() throws {
        #expect(shell("mkdir -p \(place.path)/config/dseg && echo '{\"version\": 1, ' > \(registry)").status == 0)
        for arguments in [
            ["model", "list"], ["model", "add", model.path], ["model", "default", "x"], ["model", "remove", "x"],
            ["model", "verify"], ["mask", Repository.picture, "boat", "-o", "-", "--no-daemon"],
        ] {
            let ending = try run([Repository.dseg] + arguments, environment: environment)
            #expect(ending.code == 65, "\(arguments)")
            #expect(ending.errors.contains("\(registry) is no registry of models"), "\(ending.errors)")
        }
        #expect(String(decoding: try bytes(registry), as: UTF8.self) == "{\"version\": 1, \n")
        let byPath = ["mask", Repository.picture, "boat", "-o", "-", "--model", model.path]
        #expect(try run([Repository.dsegd] + byPath, environment: environment).code == 0)
    }

    @Test func `programs that write at once lose nothing`() throws {
        #expect(try dseg("model", "add", model.path, "--name", "m0").code == 0)
        let writers = try (1...8).map { number in
            try Program(
                [Repository.dsegd, "model", "add", model.path, "--name", "m\(number)"], environment: environment)
        }
        for writer in writers { #expect(try writer.ending().code == 0) }
        let records = try json(dseg("model", "list", "--json")) as? [[String: Any]]
        #expect(Set(records?.compactMap { $0["name"] as? String } ?? []) == Set((0...8).map { "m\($0)" }))
    }

    @Test func `a name that was not added is looked for`() throws {
        let hub = "\(place.path)/.cache/huggingface/hub/models--somebody--stable-diffusion-v1-5"
        let commit = String(repeating: "4", count: 40)
        #expect(shell("mkdir -p \(hub)/refs \(hub)/snapshots && printf \(commit) > \(hub)/refs/main").status == 0)
        try copy(model.path, to: "\(hub)/snapshots/\(commit)")
        let question = ["mask", Repository.picture, "boat", "-o", "-", "--model", "sd15"]
        let ending = try run([Repository.dsegd] + question, environment: environment)
        #expect(ending.code == 65)
        #expect(
            ending.errors.contains("sd15 is not added; found a copy in \(hub)")
                && ending.errors.contains("dseg model add \(hub)"), "\(ending.errors)")
        let found = try json(dseg("model", "discover", "--json")) as? [[String: Any]]
        #expect(found?.first?["name"] as? String == "stable-diffusion-v1-5")
        let added = try dseg("model", "add", hub)
        #expect(added.code == 0 && added.text.contains("Added as sd15 (default)"), "\(added.errors)")
        #expect(try dseg("model", "verify", "sd15").code == 0)

        // So are networks beside it, of which the snapshot is recorded.
        let words = "\(place.path)/hub/models--org--words"
        try FileManager.default.createDirectory(
            atPath: "\(words)/snapshots", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(words)/snapshots/abc",
            withDestinationPath: "\(Repository.root)/Sources/dsegd/Resources/demo-captioner")
        #expect(try dseg("model", "add", hub, "--captioner", words).code == 0)
        let shown = try json(dseg("model", "show", "sd15", "--json")) as? [String: Any]
        #expect(shown?["captioner"] as? String == "\(words)/snapshots/abc")
        #expect(try dseg("model", "verify", "sd15").code == 0)
    }

    @Test func `what is no model is refused at once, and not recorded`() throws {
        mkfifo("\(place.path)/pipe.safetensors", 0o600)
        symlink("loop", "\(place.path)/loop")
        mkdir("\(place.path)/folder.safetensors", 0o700)
        try write([UInt8](repeating: 0xFF, count: 64), to: "\(place.path)/noise.safetensors")
        let places = ["pipe.safetensors", "loop", "folder.safetensors", "noise.safetensors", "nothing.safetensors"]
        for path in places.map({ "\(place.path)/\($0)" }) + ["/dev/zero", "/proc/self/mem", "/"] {
            let ending = try dseg("model", "add", path)
            #expect(ending.code == 65, "\(path)")
            #expect(ending.errors.split(separator: "\n").count == 1 && ending.errors.contains(path), "\(ending.errors)")
        }
        #expect(!exists(registry))
    }

    @Test func `the system's registry refuses what the service cannot see`() throws {
        try #require(model.path.utf8.starts(with: "/tmp/".utf8))
        let ending = try dseg("model", "add", model.path, "--system")
        #expect(ending.code == 73)
        #expect(ending.errors.contains("which the service does not see: move the model to /var/lib or /srv"))
    }

    @Test func `dseg becomes dsegd beside it, and says so where there is none`() throws {
        try copyProgram(Repository.dseg, to: "\(place.path)/dseg")
        let ending = try run(
            ["\(place.path)/dseg", "model", "list"],
            environment: ["PATH": "/nowhere:/bin:/usr/bin", "HOME": place.path])
        #expect(ending.code == 69)
        #expect(ending.errors.contains("install dsegd beside dseg"))
        #expect(try dseg("model", "nonsense").code == 64)
    }
}

/// Any value of JSON.
private struct AnyJSON: Decodable {
    let value: Any?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let flag = try? container.decode(Bool.self) {
            value = flag
        } else if let text = try? container.decode(String.self) {
            value = text
        } else if let number = try? container.decode(Double.self) {
            value = number
        } else if let list = try? container.decode([AnyJSON].self) {
            value = list.map { $0.value as Any }
        } else if let object = try? container.decode([String: AnyJSON].self) {
            value = object.compactMapValues(\.value)
        } else {
            value = nil
        }
    }
}

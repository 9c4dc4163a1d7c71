import Foundation
import RPC
import Support
import Testing

/// Models whose files are damaged, change, or are no files: told by their names, while a daemon goes on with what it
/// has.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct ModelFileTests {
    /// `EX_DATAERR` of sysexits(3).
    private static let badData: CInt = 65
    private let owner: ModelOwner

    init() throws { owner = try ModelOwner() }

    private func question(_ seed: Int, model: String) throws -> SegmentRequest {
        SegmentRequest(
            picture: .image(try Repository.scene(1)), labels: [Label(name: "dog"), Label(name: "grass")],
            seed: UInt32(seed), model: model)
    }

    /// The answer's hash; the call's failure is thrown.
    private func hash(_ client: Client, _ seed: Int, model: String) throws -> String {
        var hash = ""
        try client.segment(question(seed, model: model)) { reply in
            if case .trailer(let trailer) = reply { hash = trailer.answerHash }
        }
        return hash
    }

    private func weights(of name: String) throws -> [String] {
        let found = shell("find '\(owner.path(name))' -name '*.safetensors' | sort").output
        return found.split(separator: "\n").map(String.init)
    }

    /// Changes a file in its place, so that whoever has it open sees it.
    private func overwrite(_ path: String, at offset: Int, _ bytes: [UInt8], size: Int) {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        #expect(unsafe pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count)
        #expect(ftruncate(descriptor, off_t(size)) == 0)
    }

    @Test func `a model damaged at a hundred places is refused by its file, and who has it answers on`() throws {
        try owner.add(.tiny, as: "tiny")
        let count = 100
        let quiet = try Daemon(answering: ["--model", owner.path("tiny")])
        let expected = try (0..<count).map { try hash(quiet.client(), $0, model: "") }
        let daemon = try owner.daemon()
        let client = try daemon.client()
        #expect(try hash(client, count, model: "tiny") != expected[0])
        let files = try weights(of: "tiny")
        let wholes = try files.map { try Repository.bytes($0) }
        var random = SeededGenerator(seed: 91)
        var (cut, header, data) = (0, 0, 0)
        for number in 0..<count {
            let (file, whole) = (files[number % files.count], wholes[number % files.count])
            let length = 8 + whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            // As many places in the header as behind it.
            let offset = Int.random(in: number % 4 < 2 ? 0..<length : length..<whole.count, using: &random)
            let isCut = number % 2 == 0
            if isCut {
                overwrite(file, at: 0, [], size: offset)
            } else {
                overwrite(file, at: offset, [whole[offset] ^ 1 << UInt8(number / 2 % 8)], size: whole.count)
            }
            let added = owner.dsegd(["model", "add", owner.path("tiny"), "--name", "other"])
            let verified = owner.dsegd(["model", "verify", "tiny"])
            // A name that was damaged in a header is one that the network lacks.
            let isNamed = verified.output.contains(file) || !isCut && verified.output.contains("missing \"")
            #expect(verified.status == Self.badData && isNamed, "\(offset): \(verified)")
            if isCut {
                cut += 1
                #expect(added.status == Self.badData && added.output.contains(file), "\(offset): \(added)")
                #expect(added.output.contains { $0.isNumber }, "\(offset): \(added)")
            } else if offset < length {
                header += 1
            } else {
                // Numbers like any other: what they were is known by the model's hash alone.
                data += 1
                #expect(added.status == 0, "\(offset): \(added)")
            }
            if added.status == 0 { #expect(owner.dsegd(["model", "remove", "other"]).status == 0) }
            #expect(try hash(client, number, model: "tiny") == expected[number], "it has the model in memory")
            overwrite(file, at: 0, whole, size: whole.count)
        }
        #expect(try client.health() && !daemon.child.hasEnded)
        #expect(owner.dsegd(["model", "verify", "tiny"]).status == 0, "all is as it was")
        print(
            """
            row 17: \(cut) cuts, \(header) bytes of headers and \(data) of weights changed: each refused by its file, \
            or by the tensor that it lacks; the daemon that had the model answered \(count) questions as before; \
            \(Machine.description)
            """)
    }

    @Test func `a file that changes at any time of a load ends no daemon`() throws {
        try owner.add(.demo, as: "mine")
        let daemon = try owner.daemon()
        let client = try daemon.client()
        var expected = ""
        let load = try seconds { expected = try hash(client, 1, model: "mine") }
        let file = owner.unet("mine")
        var (loaded, refused) = (0, 0)
        for number in 0..<60 {
            _ = try client.unload(UnloadRequest(model: "mine"))
            #expect(try eventually { try client.status().models.allSatisfy { $0.name != "mine" } })
            let harm = Harm.allCases[number % Harm.allCases.count]
            let isDone = Flag()
            let wait = UInt32(load * Double(number) / 60 * 1e6)
            Thread.detachNewThread {
                usleep(wait)
                try? harm.happen(to: file)
                isDone.raise()
            }
            do {
                #expect(try hash(daemon.client(), 1, model: "mine") == expected)
                loaded += 1
            } catch let status as RPCStatus {
                #expect(status.code == .failedPrecondition && status.message.contains(file), "\(status)")
                refused += 1
            }
            isDone.wait()
            #expect(try client.health() && !daemon.child.hasEnded, "\(harm) after \(wait) us: \(daemon.log)")
            try harm.undo(to: file)
        }
        #expect(try hash(client, 1, model: "mine") == expected)
        print(
            """
            row 17: of 60 loads whose file was replaced, removed, cut or overwritten at some time \(loaded) came to \
            the right answer and \(refused) to a sentence with the file's name, none to a signal; \(Machine.description)
            """)
        #expect(loaded >= 5 && refused >= 5, "the times do not meet the load")
    }

    // MARK: Paths

    /// What a client may call a model that lies somewhere.
    private func names(_ pipe: String) -> [String] {
        let model = owner.path("tiny")
        return [
            model, "\(model)/unet", "../tiny", "../../../../../..\(model)", "/etc/passwd", "../../etc/passwd", "/", ".",
            "..", "./demo", "demo/", "demo/.", "tiny/../demo", "~/tiny", "~root", "file://\(model)", "%2e%2e%2ftiny",
            "..\\tiny", pipe, "/dev/zero", "/proc/self/mem", "\u{2025}/tiny", "tiny\u{0}", "tiny\n", " tiny",
            "$HOME/tiny",
            "`id`", "models--org--tiny",
        ]
    }

    @Test func `a name that a client gives is no path: nothing is opened for it`() throws {
        try owner.add(.tiny, as: "tiny")
        let place = try TemporaryDirectory()
        let (pipe, trace) = ("\(place.path)/pipe", FileTrace(to: "\(place.path)/trace"))
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        let daemon = try Daemon(
            answering: [], environment: owner.environment,
            after: "exec \(trace.runner.joined(separator: " ")) \"$@\"")
        let before = try trace.length
        for name in names(pipe) {
            let handle = try daemon.client().look(Repository.scene(1)).handle
            func codes() throws -> [RPCStatus.Code?] {
                let wire = try Wire(daemon)
                let calls: [(RPC.Method, [UInt8])] = [
                    (.segment, try question(1, model: name).encoded()),
                    (
                        .warm,
                        WarmRequest(model: name, keepAlive: "", requestID: "", deadlineMilliseconds: 0).encoded()
                    ),
                    (.unload, UnloadRequest(model: name).encoded()),
                    (.segment, SegmentRequest(picture: .handle(name), labels: [Label(name: "dog")]).encoded()),
                ]
                return try calls.enumerated().map { number, call in
                    let stream = UInt32(2 * number + 1)
                    try wire.open(call.0, stream: stream, call.1)
                    return try wire.code(of: stream)
                }
            }
            let found = try codes()
            #expect(
                found.allSatisfy { $0 == .notFound || $0 == .invalidArgument }, "\(name.debugDescription): \(found)")
            #expect(handle.count == 64)
        }
        // The registries, the files of the models in them, and what ships with the program; nothing else.
        let registries = [owner.path("config/dseg/models.json"), "/etc/dseg/models.json"]
        let others = try trace.accesses(from: before).filter { access in
            let isOwn =
                ["/proc/self/exe", "/dev/null"].contains(access.path)
                || access.path.contains("/DiffSegmenter_dsegd.resources")
                || access.path.hasPrefix(owner.path("tiny"))
            return !isOwn && !registries.contains { $0.hasPrefix(access.path) }
        }
        print(
            """
            row 18: \(names(pipe).count) paths as names of models and pictures: refused, \(others.count) files looked \
            at for them; \(Machine.description)
            """)
        #expect(others.isEmpty, "\(others.prefix(5))")
    }

    /// A folder that somebody made to lead elsewhere.
    private struct Trap {
        let name: String
        /// Shell commands in a copy of a model.
        let commands: String
        /// What the refusal says; `nil`: it is used.
        let sentence: String?
    }

    private static func index(_ shard: String) -> String {
        "rm unet/*; cp ../safe/unet/config.json unet; "
            + "printf '{\"weight_map\":{\"conv_in.weight\":\"%s\"}}' '\(shard)' "
            + "> unet/diffusion_pytorch_model.safetensors.index.json"
    }

    private static let traps =
        [
            "../../safe/unet/diffusion_pytorch_model.safetensors", "/etc/x.safetensors", "..", ".hidden.safetensors",
            "sub/x.safetensors", "/etc/passwd", "x\\u0000.safetensors",
        ].map {
            Trap(name: "a shard called \($0)", commands: index($0), sentence: "is not the name of a safetensors file")
        }
        + ["unet", "vae", "text_encoder"].map {
            Trap(
                name: "a folder \($0) elsewhere", commands: "rm -r \($0); ln -s ../safe/\($0) \($0)", sentence: "out of"
            )
        }
        + [
            "unet/config.json", "vae/config.json", "text_encoder/config.json", "model_index.json",
            "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors", "tokenizer/vocab.json",
            "scheduler/scheduler_config.json",
        ].flatMap { file in
            [
                Trap(
                    name: "a link \(file)", commands: "mv \(file) ../kept; ln -s \"$PWD/../kept\" \(file)",
                    sentence: "out of its model's folder"),
                Trap(name: "\(file) as passwd", commands: "rm \(file); ln -s /etc/passwd \(file)", sentence: "out of"),
            ]
        }
        + [
            "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors",
            "tokenizer/vocab.json", "scheduler/scheduler_config.json", "vae/config.json",
        ].flatMap { file in
            [
                Trap(name: "a pipe \(file)", commands: "rm \(file); mkfifo \(file)", sentence: "no regular file"),
                Trap(name: "a folder \(file)", commands: "rm \(file); mkdir \(file)", sentence: "no regular file"),
                Trap(
                    name: "a socket \(file)",
                    commands:
                        "rm \(file); python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "
                        + file, sentence: file),
            ]
        }
        + [
            Trap(
                name: "a device", commands: "rm unet/config.json; mknod unet/config.json c 1 5",
                sentence: "no regular file"),
            Trap(
                name: "a link in the folder",
                commands: "mv unet/config.json here.json; ln -s ../here.json unet/config.json",
                sentence: nil),
            Trap(
                name: "a blob of a cache",
                commands: "mkdir -p ../models--o--n/blobs; mv unet/config.json ../models--o--n/blobs/ab; "
                    + "ln -s ../../models--o--n/blobs/ab unet/config.json", sentence: nil),
        ]

    @Test func `a model's folder leads nowhere else, and what is no file is not waited for`() throws {
        try owner.copy(.tiny, as: "safe")
        var slowest = 0.0
        for trap in Self.traps {
            #expect(
                shell("cd '\(owner.path("safe"))/..' && rm -rf trap kept models--o--n && cp -r safe trap").status == 0)
            let made = shell("cd '\(owner.path("trap"))' && \(trap.commands)")
            #expect(made.status == 0, "\(trap.name): \(made.output)")
            var ending: (status: CInt, output: String) = (0, "")
            let time = seconds { ending = owner.dsegd(["model", "add", owner.path("trap"), "--name", "trap"]) }
            slowest = max(slowest, time)
            if let sentence = trap.sentence {
                #expect(
                    ending.status == Self.badData && ending.output.contains(sentence)
                        && ending.output.contains(owner.path("trap")), "\(trap.name): \(ending)")
                #expect(
                    ending.output.split(separator: "\n").count == 1 && !ending.output.contains("root:"), "\(ending)")
            } else {
                #expect(ending.status == 0, "\(trap.name): \(ending)")
            }
            #expect(time < 2, "\(trap.name)")
        }
        // A daemon that is told to serve a pipe or a device says so and ends.
        for path in ["/dev/zero", "/dev/stdin", "/proc/self/mem", owner.path("trap/../pipe")] {
            _ = unsafe mkfifo(owner.path("pipe"), 0o600)
            let time = try seconds {
                let daemon = try Daemon(starting: ["--model", path])
                #expect(daemon.child.exitCode == 78 && daemon.log.contains(path), "\(daemon.log)")
            }
            slowest = max(slowest, time)
            #expect(time < 2, "\(path)")
        }
        print(
            """
            row 18: \(Self.traps.count) folders that lead elsewhere, or whose files are none: refused within \
            \(milliseconds(slowest)), links into the folder and to blobs are followed; \(Machine.description)
            """)
    }
}

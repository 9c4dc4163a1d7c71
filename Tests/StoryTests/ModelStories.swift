import Foundation
import RPC
import Support
import Testing

/// One daemon answers for several models, which it loads when they are asked for.
struct ModelStories {
    private static let unknown = String(repeating: "0", count: 64)

    /// A name of the model, or its hash, for each name; "" for the default, which is "tiny".
    private static func spellings(_ hashes: [String: String]) -> [(asked: String, name: String)] {
        [("", "tiny")] + hashes.keys.sorted().flatMap { [($0, $0), (hashes[$0] ?? "", $0)] }
    }

    @Test func `each name, each hash and no name get that model's bits, loaded or not`() throws {
        let owner = try ModelOwner()
        var hashes = try ["tiny": owner.add(.tiny, as: "tiny"), "odd": owner.add(.odd, as: "odd")]
        let scenes = [1, 2, 3]
        let expected = try [
            "tiny": ModelOwner.answers(of: owner.path("tiny"), about: scenes),
            "odd": ModelOwner.answers(of: owner.path("odd"), about: scenes),
            "demo": ModelOwner.answers(of: nil, about: scenes),
        ]
        #expect(Set(expected.values).count == 3)
        let daemon = try owner.daemon()
        let client = try daemon.client()
        #expect(try client.status().models.isEmpty && client.status().defaultModel == "tiny")
        #expect(try client.health())
        #expect(!daemon.log.contains("loaded the model"))
        hashes["demo"] = try client.answer(.about(1, model: "demo")).header.modelHash
        for (index, scene) in scenes.enumerated() {
            for (asked, name) in Self.spellings(hashes) {
                // Of the last scene, no model is loaded when it is asked for.
                if index == 2 { #expect(try client.letGo("")) }
                let answer = try client.answer(.about(scene, model: asked))
                #expect(answer.header.model == name && answer.header.modelHash == hashes[name], "\(asked)")
                #expect(answer.trailer?.answerHash == expected[name]?[index], "\(asked), scene \(scene)")
                if index == 2 { #expect(try client.models() == [name]) }
            }
            if index == 0 { #expect(try Set(client.models()) == ["tiny", "odd", "demo"]) }
        }
    }

    @Test func `captioner and filter come with their model`() throws {
        let owner = try ModelOwner()
        let beside = ModelOwner.Original.odd.path
        try owner.add(.odd, as: "odd", ["--captioner", "\(beside)/blip", "--filter", "\(beside)/clip"])
        try owner.add(.tiny, as: "tiny")
        let daemon = try owner.daemon()
        let client = try daemon.client()
        func description(_ model: String) throws -> Description? {
            var description: Description?
            try client.describe(.about(1, model: model)) {
                if case .description(let first) = $0 { description = first }
            }
            return description
        }
        let odd = try description("odd")
        let networks = try client.status().models
        #expect(networks.map(\.role) == ["segmenter", "captioner", "filter"])
        #expect(networks.map(\.model) == ["", "odd", "odd"])
        #expect(odd?.captioner?.hash == networks[1].hash && odd?.filter?.hash == networks[2].hash)
        let demo = try description("demo")
        #expect(demo?.captioner?.name == "demo-captioner" && demo?.filter?.name == "demo-filter")
        let refused = try failure { _ = try client.describe(.about(1, model: "tiny")) { _ in } }
        #expect(refused?.code == .failedPrecondition)
        #expect(try description("odd")?.captioner == odd?.captioner)
        #expect(try client.letGo("odd"))
        #expect(try client.status().models.filter { $0.model == "odd" }.isEmpty)
    }

    @Test func `whoever asks for it is told how far the model is`() throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        let daemon = try owner.daemon()
        let client = try daemon.client()
        func check(_ loadings: [Loading], _ call: String) {
            #expect(Set(loadings.map(\.model)) == ["tiny"], "\(call)")
            #expect(loadings.contains { $0.stage == .opening }, "\(call)")
            let stages = loadings.map(\.stage.rawValue)
            #expect(stages == stages.sorted(), "\(call): \(stages)")
            let reading = loadings.filter { $0.stage == .reading && $0.totalBytes > 0 }
            #expect(reading.map(\.percent) == reading.map(\.percent).sorted(), "\(call)")
            #expect(reading.count > 50 && reading.first?.percent == 0 && loadings.last?.percent == 100, "\(call)")
            #expect(Set(reading.map(\.totalBytes)).count == 1 && loadings.last?.bytes == loadings.last?.totalBytes)
        }
        for round in 1...5 {
            check(try client.warm("tiny").loadings, "Warm \(round)")
            #expect(try client.warm("tiny").loadings.isEmpty, "it is loaded")
            #expect(try client.letGo("tiny"))

            var request = try SegmentRequest.about(round, model: "tiny")
            request.progress = true
            var loadings: [Loading] = []
            var others = 0
            try client.segment(request) { reply in
                guard case .loading(let loading) = reply else { return others += 1 }
                loadings.append(loading)
                #expect(others == 0)
            }
            check(loadings, "Segment \(round)")
            #expect(others == 4, "header, two maps, trailer")
            #expect(try client.letGo("tiny"))

            loadings = []
            let refused = try failure {
                try client.describe(.about(round, model: "tiny", progress: true)) { reply in
                    if case .loading(let loading) = reply { loadings.append(loading) }
                }
            }
            #expect(refused?.code == .failedPrecondition, "it has no captioner")
            check(loadings, "Describe \(round)")
            #expect(try client.letGo("tiny"))
            // It throws at a Loading.
            _ = try client.answer(.about(round, model: "tiny"))
            #expect(try client.letGo("tiny"))
            let untold = try failure {
                try client.describe(.about(round, model: "tiny")) { Issue.record("\($0)") }
            }
            #expect(untold?.code == .failedPrecondition)
            #expect(try client.letGo("tiny"))
        }
    }

    @Test func `a hundred clients of a cold model get one load and one answer`() throws {
        let owner = try ModelOwner()
        try owner.add(.demo, as: "mine")
        let expected = try ModelOwner.answers(of: owner.path("mine"), about: [1, 2])
        let daemon = try owner.daemon(["--queue", "4096"])
        let socket = daemon.socket
        let answers = AtOnce(100) { number in
            try Client(path: socket).hash(of: .about(1 + number % 2, model: "mine"))
        }.results
        #expect(answers.count == 100)
        for (number, answer) in answers.enumerated() { #expect(try answer.get() == expected[number % 2]) }
        #expect(daemon.logged("loaded the model mine") == 1)
        let state = try daemon.client().state(of: "mine")
        #expect(state?.requests == 100 && state?.calls == 0)
    }

    @Test func `where the queue is full, some are refused and the others answered`() throws {
        let owner = try ModelOwner()
        try owner.add(.demo, as: "mine")
        let expected = try ModelOwner.answers(of: owner.path("mine"), about: [1])
        let daemon = try owner.daemon()
        let socket = daemon.socket
        let results = AtOnce(100) { _ in try Client(path: socket).hash(of: .about(1, model: "mine")) }.results
        var answered = 0
        for result in results {
            switch result {
            case .success(let hash):
                #expect(hash == expected[0])
                answered += 1
            case .failure(let error): #expect((error as? RPCStatus)?.code == .resourceExhausted, "\(error)")
            }
        }
        #expect(results.count == 100 && answered >= 16)
        #expect(daemon.logged("loaded the model mine") == 1)
        #expect(try Int(daemon.client().status().refused) == 100 - answered)
    }

    @Test func `an unknown name is told with the nearest known one, and a hash of no model is unknown too`() throws {
        let owner = try ModelOwner()
        try owner.add(.odd, as: "odd")
        let daemon = try owner.daemon()
        let client = try daemon.client()
        for (name, part) in [
            ("oddd", "odd is"), ("dem", "demo is"), ("od d", "dseg model list"), ("nothing-like-it", "dseg model list"),
            ("ODD", "unknown model"), ("o\u{301}dd", "unknown model"), (owner.path("odd"), "unknown model"),
            (Self.unknown, "unknown model"), ("../odd", "unknown model"), ("odd\n", "unknown model"),
        ] {
            let refusals = try [
                client.refusal(.about(1, model: name)),
                failure { try client.describe(.about(1, model: name)) { _ in } },
                failure { try client.warm(name) },
                failure { try client.unload(name) },
                failure { _ = try client.look(Repository.scene(1), model: name) },
            ]
            for (call, refusal) in zip(["Segment", "Describe", "Warm", "Unload", "Look"], refusals) {
                #expect(refusal?.code == .notFound, "\(call) \(name)")
                #expect(refusal?.message.contains(part) == true, "\(call) \(name): \(refusal?.message ?? "")")
            }
        }
        #expect(try client.status().models.isEmpty, "nothing was loaded for that")
        #expect(try client.answer(.about(1, model: "odd")).maps.count == 2)
    }

    @Test(arguments: [
        ("unet/config.json", "ln -s ../../config.json unet/config.json", "out of its model's folder"),
        ("unet", "ln -s ../unet unet", "out of its model's folder"),
        ("tokenizer/vocab.json", "ln -s /etc/passwd tokenizer/vocab.json", "out of its model's folder"),
        ("unet/config.json", "mkfifo unet/config.json", "no regular file"),
        ("unet/config.json", "ln -s ../kept unet/config.json", ""),
        ("unet/config.json", "ln -s ../../models--o--n/blobs/ab unet/config.json", ""),
    ])
    func `a model's folder leads nowhere else, but to the blobs of a cache`(
        file: String, command: String, sentence: String
    ) throws {
        let owner = try ModelOwner()
        try owner.copy(.tiny, as: "model")
        let folder = owner.path("model")
        let others = ["kept", "../\(file.split(separator: "/").last ?? "")", "../models--o--n/blobs/ab"]
        let copies = others.map { "cp -r \(file) \($0)" }.joined(separator: " && ")
        let made = shell(
            "cd '\(folder)' && mkdir -p ../models--o--n/blobs && \(copies) && rm -r \(file) && \(command)")
        #expect(made.status == 0, "\(made.output)")
        let added = owner.dsegd(["model", "add", folder])
        if sentence.isEmpty {
            #expect(added.status == 0, "\(added)")
        } else {
            #expect(added.status == 65 && added.output.contains(sentence), "\(added)")
            #expect(added.output.contains("\(folder)/\(file)") && !added.output.contains("root:"), "\(added)")
        }
    }

    /// The engine may have the turn still, in which a call was answered.
    @Test func `a model whose last call has ended is let go of at once`() throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        let daemon = try owner.daemon()
        let client = try daemon.client()
        for round in 0..<100 {
            if round % 2 == 0 {
                try client.warm("tiny")
            } else {
                _ = try client.answer(.about(1, model: "tiny"))
            }
            let reply = try client.unload("tiny")
            #expect(reply.unloaded == ["tiny"] && reply.inUse.isEmpty, "round \(round): \(reply)")
        }
    }

    @Test func `what its owner changes holds from the next request on`() throws {
        let owner = try ModelOwner()
        let first = try owner.add(.tiny, as: "tiny")
        let odd = try owner.add(.odd, as: "odd")
        let daemon = try owner.daemon()
        let client = try daemon.client()
        #expect(try client.answer(.about(1, model: "")).header.modelHash == first)
        #expect(try client.warm("odd", keepAlive: "1h").model.hash == odd)

        #expect(owner.dsegd(["model", "default", "odd"]).status == 0)
        #expect(try client.answer(.about(1, model: "")).header.modelHash == odd)
        #expect(try client.status().defaultModel == "odd")

        // Its lowest bit of a weight.
        let file = owner.unet("tiny")
        var bytes = try Repository.bytes(file)
        bytes[bytes.count - 4] ^= 1
        try Data(bytes).write(to: URL(filePath: file))
        #expect(try client.answer(.about(2, model: "tiny")).header.modelHash == first, "it is in memory")
        let second = try owner.record("tiny")
        #expect(second != first)
        let answer = try client.answer(.about(3, model: "tiny"))
        #expect(answer.header.modelHash == second)
        #expect(try answer.trailer?.answerHash == ModelOwner.answers(of: owner.path("tiny"), about: [3])[0])
        #expect(try client.answer(.about(3, model: second)).header.modelHash == second)
        #expect(try client.answer(.about(3, model: first)).header.modelHash == first, "it is in memory still")
        #expect(try client.letGo("tiny"))
        #expect(try client.answer(.about(4, model: "tiny")).header.modelHash == second)

        #expect(owner.dsegd(["model", "remove", "odd"]).status == 0)
        #expect(try client.refusal(.about(1, model: "odd"))?.code == .notFound)
        #expect(try client.state(of: "odd")?.loading == nil, "what is loaded goes by its own time")
        #expect(try client.state(of: "odd")?.untilMilliseconds ?? 0 > 3_000_000)
        #expect(try client.answer(.about(1, model: "")).header.model == "demo", "the default was removed")
        #expect(try client.letGo("odd"))
        #expect(try failure { try client.unload("odd") }?.code == .notFound)
        #expect(try client.refusal(.about(5, model: first))?.code == .notFound, "it is in no registry")
        #expect(try client.refusal(.about(5, model: odd))?.code == .notFound)

        // By the same hash under another name.
        #expect(owner.dsegd(["model", "remove", "tiny"]).status == 0)
        #expect(owner.dsegd(["model", "add", owner.path("tiny"), "--name", "new"]).status == 0)
        #expect(try client.letGo(""))
        let renamed = try client.answer(.about(5, model: second)).header
        #expect(renamed.model == "new" && renamed.modelHash == second)
    }

    @Test func `a picture is brought once for all models, and nothing is loaded for that`() throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        try owner.add(.odd, as: "odd")
        let expected = try ["tiny": owner.path("tiny"), "odd": owner.path("odd"), "demo": nil].mapValues {
            try ModelOwner.answers(of: $0, about: [6])[0]
        }
        let daemon = try owner.daemon()
        let client = try daemon.client()
        let scene = try Repository.scene(6)
        // Behind its first marker, 128 comments of 64 KiB: a file of 8 MiB.
        let comment: [UInt8] = [0xff, 0xfe, 0xff, 0xff] + [UInt8](repeating: 0x20, count: 0xffff - 2)
        let large = scene[..<2] + (0..<128).flatMap { _ in comment } + scene[2...]
        #expect(large.count > 8 << 20)
        for file in [scene, Array(large)] {
            let looked = try client.look(file)
            #expect(try client.status().models.isEmpty, "nothing is loaded for a picture")
            for model in ["tiny", "odd", "demo", "odd"] {
                var request = try SegmentRequest.about(6, model: model)
                request.picture = .handle(looked.handle)
                #expect(try client.hash(of: request) == expected[model], "\(model)")
            }
            #expect(try client.letGo(""))
        }
        #expect(try client.status().pictures == 2)
        #expect(try client.look(scene, model: "odd").handle == client.look(scene).handle)
        #expect(try client.status().models.isEmpty)
    }

    @Test func `two daemons of one registry answer alike while it changes`() throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        try owner.add(.odd, as: "odd")
        let expected = try [
            "tiny": ModelOwner.answers(of: owner.path("tiny"), about: [2])[0],
            "odd": ModelOwner.answers(of: owner.path("odd"), about: [2])[0],
        ]
        let daemons = try [owner.daemon(["--queue", "64"]), owner.daemon(["--queue", "64"])]
        let sockets = daemons.map(\.socket)
        let results = AtOnce(5) { number -> Int in
            guard number < 4 else {
                for round in 0..<8 {
                    let third = round % 2 == 0 ? ["add", owner.path("odd"), "--name", "third"] : ["remove", "third"]
                    for words in [third, ["default", round % 2 == 0 ? "odd" : "tiny"]] {
                        let ending = owner.dsegd(["model"] + words)
                        #expect(ending.status == 0, "\(ending.output)")
                    }
                }
                return 0
            }
            let client = try Client(path: sockets[number % 2])
            for round in 0..<20 {
                let name = ["tiny", "odd", ""][(round + number) % 3]
                var request = try SegmentRequest.about(2, model: name)
                request.keepAlive = round % 5 == 4 ? "0" : ""
                let answer = try client.answer(request)
                #expect(name.isEmpty || answer.header.model == name)
                #expect(answer.trailer?.answerHash == expected[answer.header.model])
            }
            return 20
        }.results
        #expect(try results.map { try $0.get() } == [20, 20, 20, 20, 0])
        for daemon in daemons {
            #expect(try daemon.client().health())
            #expect(!daemon.log.contains("cannot be loaded"), "\(daemon.log)")
        }
    }
}

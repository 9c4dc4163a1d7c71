import FoundationEssentials
import RPC
import Support
import Testing

/// What models take of memory.
struct ModelMemoryStories {
    private let owner: ModelOwner

    init() throws { owner = try ModelOwner() }

    /// The bytes that models take together.
    private func bytes(of models: [String]) throws -> UInt64 {
        let daemon = try owner.daemon()
        let client = try daemon.client()
        for model in models { try client.warm(model) }
        return try client.status().memoryBytes
    }

    @Test func `where memory is short, the least recently used model goes`() throws {
        for name in ["a", "b", "c"] { try owner.add(.tiny, as: name) }
        let limit = try bytes(of: ["a", "b"]) + UInt64(Crowd.cacheBytes)
        #expect(try bytes(of: ["a"]) < bytes(of: ["a", "b"]))
        let daemon = try owner.daemon(["--memory", "\(limit)", "--keep-alive", "forever"])
        let client = try daemon.client()
        for (model, left) in [
            ("a", ["a"]), ("b", ["a", "b"]), ("a", ["a", "b"]), ("c", ["a", "c"]), ("b", ["b", "c"]),
            ("c", ["b", "c"]), ("a", ["a", "c"]),
        ] {
            #expect(try client.answer(.about(1, model: model)).header.model == model)
            let status = try client.status()
            #expect(try client.models().sorted() == left)
            #expect(status.memoryLimit == limit && status.memoryBytes + UInt64(Crowd.cacheBytes) <= limit)
        }
        #expect(daemon.logged("let go of the model") == 3)
    }

    @Test func `a model in use stays, and the other waits for it or until its deadline`() throws {
        try owner.add(.tiny, as: "tiny")
        let crowd = try Crowd(owner)
        let socket = crowd.daemon.socket
        let waiting = AtOnce(1) { _ in try Client(path: socket).answer(.about(1, model: "tiny")).maps.count }
        #expect(try crowd.waits(for: "tiny", calls: 1))
        var late = try SegmentRequest.about(2, model: "tiny")
        late.deadlineMilliseconds = 300
        #expect(try crowd.client.refusal(late)?.code == .deadlineExceeded)
        // It comes too late for the model in use, which must come to an end.
        let next = AtOnce(1) { _ in try Client(path: socket).answer(.about(3, model: "demo")).maps.count }
        #expect(try eventually { try crowd.client.state(of: "demo")?.calls == 3 })
        #expect(try crowd.client.state(of: "demo")?.loading == nil)
        #expect(try crowd.leave(), "it went on all the time")
        #expect(try waiting.results.first?.get() == 2 && next.results.first?.get() == 2)
        #expect(crowd.daemon.logged("let go of the model demo") >= 1)
        #expect(crowd.daemon.logged("loaded the model tiny") == 1)
    }

    @Test func `clients of two models that do not fit together are all answered`() throws {
        for name in ["a", "b"] { try owner.add(.tiny, as: name) }
        let limit = try bytes(of: ["a"]) + UInt64(Crowd.cacheBytes)
        let daemon = try owner.daemon(["--memory", "\(limit)"])
        let socket = daemon.socket
        let results = AtOnce(6) { number in
            let client = try Client(path: socket, silenceLimit: .seconds(60))
            return try (0..<16).map { round in
                var request = try SegmentRequest.about(1, model: (number + round) % 2 == 0 ? "a" : "b")
                // Another answer in each round, the same of both.
                (request.seed, request.keepAlive) = (UInt32(round), ["", "0", "1h"][round % 3])
                return try client.hash(of: request)
            }
        }.results
        let answers = try results.map { try $0.get() }
        #expect(answers.count == 6 && Set(answers).count == 1)
        #expect(Set(answers[0]).count == 16)
        #expect(daemon.logged("let go of the model") > 2)
    }

    @Test func `a model for which all memory is too little is refused at once, and no other goes for it`() throws {
        try owner.add(.tiny, as: "tiny")
        try owner.add(.odd, as: "odd")
        let sizes = try ["tiny": bytes(of: ["tiny"]), "odd": bytes(of: ["odd"])].sorted { $0.value < $1.value }
        let (small, large) = (sizes[0], sizes[1])
        let limit = small.value + UInt64(Crowd.cacheBytes)
        let daemon = try owner.daemon(["--memory", "\(limit)"])
        let client = try daemon.client()
        #expect(try client.answer(.about(1, model: small.key)).maps.count == 2)
        let refusals = try [
            client.refusal(.about(1, model: large.key)), failure { try client.warm(large.key) },
            failure { try client.describe(.about(1, model: large.key)) { _ in } },
        ]
        for refusal in refusals {
            #expect(refusal?.code == .resourceExhausted)
            #expect(refusal?.message.contains("start dsegd serve with --memory ") == true, "\(refusal as Any)")
        }
        #expect(Set(refusals.map { $0?.message }).count == 1)
        #expect(try client.models() == [small.key])
        #expect(try client.answer(.about(2, model: small.key)).maps.count == 2)

        // What the sentence says is enough.
        let words = refusals[0]?.message.split(separator: " ").map(String.init) ?? []
        let size = try #require(words.firstIndex(of: "--memory").map { words[$0 + 1] })
        let other = try owner.daemon(["--memory", size])
        #expect(try other.client().answer(.about(1, model: large.key)).maps.count == 2, "\(size)")
    }

    /// Kilobytes of RAM that a program takes.
    private func resident(_ daemon: Daemon) throws -> Int {
        let status = try String(contentsOf: URL(filePath: "/proc/\(daemon.child.process)/status"), encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return try #require(line?.split(separator: " ").compactMap { Int($0) }.first)
    }

    @Test func `fifty loads and unloads leave nothing behind`() throws {
        try owner.add(.demo, as: "mine")
        let beside = ["demo-captioner", "demo-filter"].map { "\(ModelOwner.Original.demo.path)/../\($0)" }
        try owner.record("mine", ["--captioner", beside[0], "--filter", beside[1]])
        let daemon = try owner.daemon()
        let client = try daemon.client()
        var sizes: [Int] = []
        for round in 0..<51 {
            try client.warm("mine")
            var request = try SegmentRequest.about(1, model: "mine")
            // Another answer each time, none of which is remembered.
            request.seed = UInt32(round)
            #expect(try client.answer(request).maps.count == 2)
            try client.describe(.about(1, model: "mine")) { _ in }
            #expect(try eventually { try client.state(of: "mine")?.calls == 0 })
            #expect(try client.unload("mine").unloaded == ["mine"])
            #expect(try client.status().memoryBytes == 0)
            sizes.append(try resident(daemon))
        }
        #expect(daemon.logged("loaded the model mine") == 51)
        #expect(Double(sizes[50]) <= 1.05 * Double(sizes[0]), "\(sizes)")
    }
}

import Glibc
import RPC
import Support
import Testing

/// Models whose files, registry or clients change while they are loaded or served.
struct ModelTroubleStories {
    private let owner: ModelOwner

    init() throws { owner = try ModelOwner() }

    @Test(arguments: Harm.allCases)
    func `a model in memory answers as before, whatever happens to its files`(harm: Harm) throws {
        try owner.add(.tiny, as: "tiny")
        let expected = try ModelOwner.answers(of: owner.path("tiny"), about: [1, 2, 3])
        let daemon = try owner.daemon()
        let client = try daemon.client()
        #expect(try client.hash(of: .about(1, model: "tiny")) == expected[0])
        let files = [owner.unet("tiny"), "\(owner.path("tiny"))/text_encoder/model.safetensors"]
        for file in files { try harm.happen(to: file) }
        #expect(try client.hash(of: .about(2, model: "tiny")) == expected[1])
        #expect(try client.letGo("tiny"))

        for _ in 1...2 {
            let refusal = try client.refusal(.about(3, model: "tiny"))
            let message = refusal?.message ?? ""
            #expect(refusal?.code == .failedPrecondition)
            #expect(files.contains { message.contains($0) } && message.contains("dseg model"), "\(message)")
            #expect(!message.contains("\n"))
        }
        #expect(try client.status().models.isEmpty && client.health())
        #expect(daemon.logged("the model tiny cannot be loaded") == 2)
        for file in files { try harm.undo(to: file) }
        #expect(try client.hash(of: .about(3, model: "tiny")) == expected[2])
    }

    @Test(arguments: Harm.allCases)
    func `a load whose file changes gives all who wait one answer or one sentence`(harm: Harm) throws {
        try owner.add(.tiny, as: "tiny")
        let expected = try ModelOwner.answers(of: owner.path("tiny"), about: [1])[0]
        let crowd = try Crowd(owner, ["--queue", "64"])
        let socket = crowd.daemon.socket
        let clients = AtOnce(20) { _ in try Client(path: socket).hash(of: .about(1, model: "tiny")) }
        #expect(try crowd.waits(for: "tiny", calls: 20))
        let file = owner.unet("tiny")
        try harm.happen(to: file)
        #expect(try crowd.leave(), "they went on all the time")
        let results = clients.results
        #expect(results.count == 20)
        if harm.leavesTheOldFile {
            for result in results { #expect(try result.get() == expected) }
            #expect(crowd.daemon.logged("loaded the model tiny") == 1)
        } else {
            let refusals = results.map { result in try? failure { _ = try result.get() } }
            #expect(Set(refusals.map { $0?.message }).count == 1)
            #expect(refusals.allSatisfy { $0?.code == .failedPrecondition && $0?.message.contains(file) == true })
            #expect(crowd.daemon.logged("the model tiny cannot be loaded") == 1)
        }
        #expect(try crowd.client.letGo("tiny"))
        #expect(try crowd.client.refusal(.about(1, model: "tiny"))?.code == .failedPrecondition)
        let attempts = harm.leavesTheOldFile ? 1 : 2
        #expect(crowd.daemon.logged("the model tiny cannot be loaded") == attempts)
        try harm.undo(to: file)
        #expect(try crowd.client.hash(of: .about(1, model: "tiny")) == expected)
    }

    /// What its owner does with a model that a call waits for, behind another model.
    enum Change: CaseIterable {
        case removed, addedAnew, fileRemoved, fileTruncated
    }

    @Test(arguments: Change.allCases)
    func `a model may change while a call waits for it behind another`(change: Change) throws {
        try owner.add(.tiny, as: "tiny")
        try owner.add(.odd, as: "odd")
        let tiny = try ModelOwner.answers(of: owner.path("tiny"), about: [1])[0]
        let odd = try ModelOwner.answers(of: owner.path("odd"), about: [1])[0]
        let crowd = try Crowd(owner)
        let socket = crowd.daemon.socket
        let first = AtOnce(1) { _ in try Client(path: socket).hash(of: .about(1, model: "tiny")) }
        #expect(try crowd.waits(for: "tiny", calls: 1))
        let second = AtOnce(1) { _ in try Client(path: socket).hash(of: .about(1, model: "odd")) }
        #expect(try eventually { try crowd.client.status().queued == 3 })
        let file = "\(owner.path("odd"))/text_encoder/model.safetensors"
        let part: String
        switch change {
        case .removed:
            #expect(owner.dsegd(["model", "remove", "odd"]).status == 0)
            part = "removed"
        case .addedAnew:
            // Its last weight's lowest bit.
            #expect(
                shell("printf '\\001' | dd of='\(file)' bs=1 conv=notrunc seek=$(($(stat -c %s '\(file)') - 4))").status
                    == 0)
            try owner.record("odd")
            part = "added anew"
        case .fileRemoved:
            try Harm.removed.happen(to: file)
            part = file
        case .fileTruncated:
            try Harm.truncated.happen(to: file)
            part = file
        }
        #expect(try crowd.leave())
        #expect(try first.results.first?.get() == tiny)
        let refusal = try failure { _ = try second.results.first?.get() }
        #expect(refusal?.code == .failedPrecondition && refusal?.message.contains(part) == true, "\(refusal as Any)")
        #expect(try crowd.client.health())
        switch change {
        case .removed: #expect(try crowd.client.refusal(.about(1, model: "odd"))?.code == .notFound)
        case .addedAnew:
            #expect(
                try crowd.client.hash(of: .about(1, model: "odd"))
                    == ModelOwner.answers(of: owner.path("odd"), about: [1])[0])
        case .fileRemoved, .fileTruncated:
            try (change == .fileRemoved ? Harm.removed : .truncated).undo(to: file)
            #expect(try crowd.client.hash(of: .about(1, model: "odd")) == odd)
        }
    }

    @Test func `what never waits is answered while a model waits, and says so`() throws {
        try owner.add(.tiny, as: "tiny")
        let crowd = try Crowd(owner)
        let socket = crowd.daemon.socket
        let waiting = AtOnce(2) { number in
            number == 0
                ? try Client(path: socket).answer(.about(1, model: "tiny")).header.model
                : try Client(path: socket).warm("tiny").model.name
        }
        #expect(try crowd.waits(for: "tiny", calls: 2))
        let status = try crowd.client.status()
        let state = status.models.first { $0.name == "tiny" }
        #expect(status.models.filter { $0.role == "segmenter" }.map(\.name) == ["demo", "tiny"])
        #expect(state?.hash == "" && state?.bytes == 0 && state?.requests == 0)
        #expect(status.memoryBytes <= status.memoryLimit)
        #expect(status.models.first?.loading == nil && status.models.first?.calls == 2)
        #expect(try crowd.client.health())
        // It goes when the calls that wait for it have ended.
        let reply = try crowd.client.unload("tiny")
        #expect(reply.inUse == ["tiny"] && reply.unloaded.isEmpty)
        #expect(try crowd.client.unload("demo").inUse == ["demo"])
        #expect(try crowd.leave())
        #expect(try waiting.results.map { try $0.get() } == ["tiny", "tiny"])
        #expect(try eventually { try crowd.client.models().isEmpty })
    }

    @Test func `status and health are answered while weights are read`() throws {
        try owner.add(.demo, as: "mine")
        let daemon = try owner.daemon()
        let (client, other) = try (daemon.client(), daemon.client())
        var read: [Int] = []
        let isSeen = try eventually(within: .seconds(120)) {
            try client.warm("mine") { told in
                #expect(try other.health())
                // Before its turn to be loaded has come, it is on no list.
                guard told.stage != .waiting else { return }
                let states = try other.status().models.filter { $0.role == "segmenter" }
                #expect(states.map(\.name) == ["mine"])
                guard let loading = states.first?.loading else { return }
                #expect(states.first?.hash == "" && loading.model == "mine")
                if loading.stage == .reading, loading.bytes > 0 { read.append(loading.percent) }
            }
            #expect(try client.letGo("mine"))
            return !read.isEmpty
        }
        #expect(isSeen && read.allSatisfy { (0...100).contains($0) })
    }

    @Test func `clients that leave, cancel or are late while their model waits are not waited for`() throws {
        try owner.add(.tiny, as: "tiny")
        let crowd = try Crowd(owner)
        let (daemon, client) = (crowd.daemon, crowd.client)
        func isGone() throws -> Bool { try eventually { try client.state(of: "tiny") == nil } }

        var wire: Wire? = try Wire(daemon)
        try wire?.open(.segment, stream: 1, SegmentRequest.about(1, model: "tiny").encoded())
        #expect(try crowd.waits(for: "tiny", calls: 1))
        wire = nil
        #expect(try isGone())

        let socket = daemon.socket
        let warming = AtOnce(2) { number in
            try failure {
                let request = WarmRequest(
                    model: "tiny", keepAlive: "", requestID: "warm \(number)", deadlineMilliseconds: 0)
                try Client(path: socket).warm(request) { _ in }
            }
        }
        #expect(try crowd.waits(for: "tiny", calls: 2))
        #expect(try client.cancel("warm 0") == 1)
        #expect(try crowd.waits(for: "tiny", calls: 1))
        #expect(try client.cancel("warm 1") == 1)
        #expect(try isGone())
        #expect(try warming.results.map { try $0.get()?.code } == [.cancelled, .cancelled])

        #expect(try failure { try client.warm("tiny", deadline: 200) }?.code == .deadlineExceeded)
        var late = try SegmentRequest.about(1, model: "tiny")
        late.deadlineMilliseconds = 200
        #expect(try client.refusal(late)?.code == .deadlineExceeded)
        let impatient = try daemon.client()
        impatient.timeout = .milliseconds(200)
        #expect(try impatient.refusal(.about(1, model: "tiny"))?.code == .deadlineExceeded)
        #expect(try isGone())
        #expect(!daemon.log.contains("loaded the model tiny") && !daemon.log.contains("cannot be loaded"))

        // Who stays is answered.
        let staying = AtOnce(1) { _ in try Client(path: socket).answer(.about(1, model: "tiny")).maps.count }
        #expect(try crowd.waits(for: "tiny", calls: 1))
        #expect(try failure { try client.warm("tiny", deadline: 100) }?.code == .deadlineExceeded)
        #expect(try crowd.leave(), "the model in use answered all the time")
        #expect(try staying.results.first?.get() == 2)
    }

    @Test func `clients that leave while weights are read leave nothing behind`() throws {
        try owner.add(.demo, as: "mine")
        let expected = try ModelOwner.answers(of: owner.path("mine"), about: [1])[0]
        let daemon = try owner.daemon()
        let client = try daemon.client()
        for messages in 1...20 {
            let request = WarmRequest(model: "mine", keepAlive: "", requestID: "", deadlineMilliseconds: 0)
            var wire: Wire? = try Wire(daemon)
            try wire?.open(.warm, stream: 1, request.encoded())
            for _ in 0..<messages { #expect(try wire?.next()?.kind == .data) }
            wire = nil
            #expect(try eventually { try client.state(of: "mine").map { $0.loading == nil && $0.calls == 0 } ?? true })
            if messages % 2 == 0 {
                #expect(try client.hash(of: .about(1, model: "mine", keepAlive: "0")) == expected)
                #expect(try eventually { try client.models().isEmpty })
            }
            #expect(try client.letGo("mine"))
        }
        #expect(!daemon.log.contains("cannot be loaded"))
        #expect(try client.status().memoryBytes == 0)
    }

    @Test(arguments: Harm.allCases)
    func `a file that changes at any time of the reading harms no daemon`(harm: Harm) throws {
        try owner.add(.demo, as: "mine")
        let expected = try ModelOwner.answers(of: owner.path("mine"), about: [1])[0]
        let daemon = try owner.daemon()
        let client = try daemon.client()
        let file = owner.unet("mine")
        for percent in [0, 1, 10, 30, 60, 90, 100] {
            var hasHappened = false
            let refusal = try failure {
                try client.warm("mine") { loading in
                    guard !hasHappened, loading.stage == .reading, loading.percent >= percent else { return }
                    daemon.signal(SIGSTOP)
                    defer { daemon.signal(SIGCONT) }
                    try harm.happen(to: file)
                    hasHappened = true
                }
            }
            #expect(hasHappened)
            if let refusal {
                #expect(refusal.code == .failedPrecondition && refusal.message.contains(file), "\(refusal)")
                #expect(!harm.leavesTheOldFile, "at \(percent) %")
            } else {
                #expect(try client.hash(of: .about(1, model: "mine")) == expected)
            }
            try harm.undo(to: file)
            #expect(try client.hash(of: .about(1, model: "mine", keepAlive: "0")) == expected)
            #expect(try eventually { try client.models().isEmpty })
        }
        #expect(!daemon.child.hasEnded)
    }

    @Test func `a client that reads nothing keeps its model, and the other clients of that are answered`() throws {
        try owner.add(.tiny, as: "tiny")
        let crowd = try Crowd(owner)
        let (client, socket) = (crowd.client, crowd.daemon.socket)
        let picture = SegmentRequest.Picture.image(try Repository.scene(3))
        // A pass for each of its maps, which are drawn larger than the daemon keeps for its reader.
        var large = SegmentRequest(picture, (1...255).map { "thing \($0)" }, recipe: "diffsegmenter")
        (large.maps, large.mapWidth, large.mapHeight, large.model) = (.sized, 1024, 1024, "demo")
        var wire: Wire? = try Wire(crowd.daemon)
        try wire?.open(.segment, stream: 1, large.encoded())
        #expect(try eventually { try client.status().queued == 2 })
        #expect(try crowd.leave())
        // It waits for its reader, and no call waits for its turn.
        #expect(try eventually { try client.status().queued == 0 && client.state(of: "demo")?.calls == 1 })
        let waiting = AtOnce(1) { _ in try Client(path: socket).answer(.about(1, model: "tiny")).maps.count }
        #expect(try crowd.waits(for: "tiny", calls: 1))
        #expect(try client.answer(.about(4, model: "demo")).maps.count == 2)
        #expect(try crowd.waits(for: "tiny", calls: 1))
        wire = nil
        #expect(try waiting.results.first?.get() == 2)
    }

    @Test func `a daemon that is stopped while it loads ends in good order`() throws {
        try owner.add(.demo, as: "mine")
        for percent in [0, 50, 100] {
            let daemon = try owner.daemon()
            var isStopped = false
            let refusal = try failure {
                try daemon.client().warm("mine") { loading in
                    // A second signal would end it at once.
                    guard !isStopped, loading.stage == .reading, loading.percent >= percent else { return }
                    isStopped = true
                    daemon.signal(SIGTERM)
                }
            }
            if let refusal {
                #expect([.failedPrecondition, .unavailable, .cancelled].contains(refusal.code), "\(refusal)")
                #expect(!refusal.message.isEmpty)
            }
            #expect(daemon.child.exitCode == 0, "\(daemon.log)")
            #expect(daemon.log.contains("has stopped"))
        }
    }

    @Test func `a registry that cannot be read is named to who asks for more than it said before`() throws {
        try owner.add(.tiny, as: "tiny")
        let daemon = try owner.daemon()
        let client = try daemon.client()
        let expected = try client.hash(of: .about(1, model: "tiny"))
        let registry = owner.path("config/dseg/models.json")
        try Harm.replaced.happen(to: registry)
        let refusal = try client.refusal(.about(2, model: "odd"))
        #expect(refusal?.message.contains(registry) == true, "\(refusal as Any)")
        for model in ["tiny", ""] { #expect(try client.hash(of: .about(1, model: model)) == expected) }
        #expect(try client.health() && client.models() == ["tiny"])
        try Harm.replaced.undo(to: registry)
        #expect(try client.hash(of: .about(1, model: "tiny")) == expected)
        try Harm.removed.happen(to: registry)
        #expect(try client.refusal(.about(1, model: "tiny"))?.code == .notFound)
        #expect(try client.answer(.about(1, model: "")).header.model == "demo")
        try Harm.removed.undo(to: registry)
        #expect(try client.hash(of: .about(1, model: "")) == expected)
    }
}

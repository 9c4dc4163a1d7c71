import RPC
import Support
import Testing

/// How long models stay when nothing uses them.
struct KeepAliveStories {
    private static let hour: UInt64 = 3_600_000

    @Test func `a request says how long its model stays`() throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        let daemon = try owner.daemon()
        let client = try daemon.client()
        func kept() throws -> ModelStatus { try #require(try client.state(of: "tiny")) }

        _ = try client.answer(.about(1, model: "tiny"))
        let own = try kept()
        #expect(try client.status().keepAlive == "5m")
        #expect((1...300_000).contains(own.untilMilliseconds) && !own.keptForEver)
        _ = try client.answer(.about(1, model: "tiny", keepAlive: "1h"))
        #expect((Self.hour - 600_000...Self.hour).contains(try kept().untilMilliseconds))
        _ = try client.answer(.about(1, model: "tiny"))
        #expect(try kept().untilMilliseconds > 300_000, "a call that asks for nothing shortens nothing")
        for forever in ["forever", "-1", "-5m"] {
            _ = try client.answer(.about(1, model: "tiny", keepAlive: "1h"))
            #expect(try !kept().keptForEver, "what is explicit replaces what was")
            _ = try client.answer(.about(1, model: "tiny", keepAlive: forever))
            #expect(try kept().keptForEver, "\(forever)")
        }
        let deadline = try client.warm("tiny", keepAlive: "90s").model
        #expect((1...90_000).contains(deadline.untilMilliseconds) && !deadline.keptForEver)
        try #require(!daemon.log.contains("let go of the model"))

        // Both where the answer is computed and where it is remembered; and where the model is not loaded.
        for scene in [1, 2, 3] {
            _ = try client.answer(.about(scene, model: "tiny", keepAlive: "0"))
            #expect(try eventually { try client.status().models.isEmpty })
        }
        #expect(try client.status().memoryBytes == 0)
        _ = try failure { try client.describe(.about(1, model: "tiny", keepAlive: "0")) { _ in } }
        #expect(try eventually { try client.status().models.isEmpty })
        #expect(try client.warm("tiny", keepAlive: "0").model.name == "tiny")
        #expect(try eventually { try client.status().models.isEmpty })
        #expect(daemon.logged("let go of the model tiny") == daemon.logged("loaded the model tiny"))
    }

    @Test(arguments: [false, true])
    func `a model goes when its time is over, and who looks at the daemon does not keep it`(isOwn: Bool) throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        let daemon = try owner.daemon(isOwn ? ["--keep-alive", "2s"] : [])
        let client = try daemon.client()
        _ = try client.answer(.about(1, model: "tiny", keepAlive: isOwn ? "" : "2s"))
        let end = ContinuousClock.now
        let state = try client.state(of: "tiny")
        #expect((1...2000).contains(state?.untilMilliseconds ?? 0))
        // Polls are 10 ms apart.
        let polls = try #require(try client.health() ? client : nil)
        var until: [UInt64] = []
        let isGone = try eventually(within: .seconds(120)) {
            _ = try polls.health()
            _ = try failure { try polls.unload("demo") }
            guard let state = try polls.state(of: "tiny") else { return true }
            until.append(state.untilMilliseconds)
            return false
        }
        #expect(isGone && ContinuousClock.now - end > .seconds(1.5))
        #expect(until.count > 10 && until == until.sorted(by: >=))
        #expect(daemon.log.contains("let go of the model tiny"))
        #expect(try client.answer(.about(2, model: "tiny")).maps.count == 2)
    }

    @Test func `a daemon keeps models as it was told, and a request over that`() throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        let none = try owner.daemon(["--keep-alive", "0"])
        let client = try none.client()
        #expect(try client.status().keepAlive == "0")
        _ = try client.answer(.about(1, model: "tiny"))
        #expect(try eventually { try client.status().models.isEmpty })
        _ = try client.answer(.about(1, model: "tiny", keepAlive: "1h"))
        _ = try client.answer(.about(2, model: "tiny"))
        #expect(try client.state(of: "tiny")?.untilMilliseconds ?? 0 > Self.hour - 600_000)

        let forever = try owner.daemon(["--keep-alive", "forever"]).client
        #expect(try forever().status().keepAlive == "forever")
        #expect(try forever().warm("tiny").model.keptForEver)
        _ = try forever().answer(.about(1, model: "tiny", keepAlive: "1h"))
        #expect(try forever().state(of: "tiny")?.keptForEver == false)
    }

    @Test func `a keep_alive that is none is refused with what may be written, and the connection goes on`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        let long = String(repeating: "1", count: 10_000)
        for text in ["5 m", "soon", "1e3", "nan", "inf", "5x", " ", "5m ", "-", "+5", "\u{661}", "0x10", "1e9s", long] {
            let refusals = try [
                client.refusal(.about(1, model: "", keepAlive: text)),
                failure { try client.describe(.about(1, model: "", keepAlive: text)) { _ in } },
                failure { try client.warm("", keepAlive: text) },
            ]
            for (call, refusal) in zip(["Segment", "Describe", "Warm"], refusals) {
                #expect(refusal?.code == .invalidArgument, "\(call) \(text.prefix(20))")
                let message = refusal?.message ?? ""
                #expect(message.utf8.count < 500, "\(call) \(text.prefix(20))")
                #expect(
                    text == long ? message.contains("keep_alive") : message.contains("\"1h30m\""),
                    "\(call) \(text.prefix(20)): \(message)")
            }
        }
        for text in ["1000000001", "20000d", "9999999999999999999999999999999999"] {
            let refusal = try client.refusal(.about(1, model: "", keepAlive: text))
            #expect(refusal?.code == .invalidArgument && refusal?.message.contains("forever") == true)
        }
        #expect(try client.status().answered == 0, "nothing was asked of a model for that")
        #expect(try client.answer(.about(1, model: "", keepAlive: "1.5")).maps.count == 2)
    }

    @Test(arguments: [
        ["--keep-alive", "5 m"], ["--keep-alive", "soon"], ["--keep-alive", ""], ["--memory", "much"],
        ["--memory", ""], ["--memory", "0"], ["--memory=-1G"], ["--memory", "1e300"], ["--memory", "6GG"],
        ["--memory", "nan"], ["--memory", "."],
    ])
    func `an option that is none ends the daemon before it starts`(options: [String]) throws {
        let daemon = try Daemon(starting: options)
        #expect(daemon.child.exitCode == 64)
        #expect(daemon.log.contains(options[0].prefix { $0 != "=" }), "\(daemon.log)")
    }
}

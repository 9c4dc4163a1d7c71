import Glibc
import RPC
import Support
import Testing

/// A daemon that ends, by itself or by others, costs no caller more than the call under way, and a restart that its
/// administrator wants costs nobody anything.
struct RestartStories {
    /// Questions of milliseconds, and what a daemon answers to them.
    static func questions(_ supervisor: ServiceSupervisor) throws -> [KnownQuestion] {
        let client = try supervisor.client()
        return try (1...3).map { scene in
            var request = try SegmentRequest.about(scene, model: "")
            request.mask = true
            return try KnownQuestion(request, answeredBy: client)
        }
    }

    @Test func `a killed daemon costs its callers the call under way, and refuses none`() throws {
        let (callers, kills) = (32, 3)
        let supervisor = try ServiceSupervisor(ServiceUnit(["--queue", "64"]))
        let questions = try Self.questions(supervisor)
        let crowd = Callers(
            callers, .connectingEachTime, at: supervisor.socket, asking: questions, calls: 3000,
            silence: .seconds(600))
        for kill in 1...kills {
            #expect(eventually { crowd.done >= 600 * kill })
            supervisor.signal(SIGKILL)
            try supervisor.waitUntilReady(run: kill + 1)
        }
        let tally = crowd.tally
        let harmed = tally[.unavailable, default: 0] + tally[.cut, default: 0]
        #expect(Set(tally.keys).isSubset(of: [.right, .unavailable, .cut]), "\(tally)")
        #expect((1...callers * kills).contains(harmed), "\(tally)")
        #expect(tally[.right] == 3000 - harmed)
        #expect(supervisor.run == kills + 1)
        print("\(kills) kills under \(callers) callers: \(tally)")
    }

    @Test func `calls under way are answered whole when the daemon is stopped, and the next one serves who waits`()
        throws
    {
        let supervisor = try ServiceSupervisor(ServiceUnit())
        let (client, other) = try (supervisor.client(), supervisor.client())
        _ = try other.health()
        let picture = SegmentRequest.Picture.image(try Repository.scene(4))
        let request = SegmentRequest(picture, (1...20).map { "thing \($0)" }, recipe: "diffsegmenter")
        let expected = try client.answer(SegmentRequest(picture, ["boat"])).bits
        var maps = 0
        var isWhole = false
        var waiting: Client?
        try client.segment(request) { reply in
            switch reply {
            case .header:
                supervisor.signal(SIGTERM)
                #expect(try eventually { try other.health() == false }, "it says that it takes no work")
                #expect(try other.refusal(SegmentRequest(picture, ["boat"]))?.code == .unavailable)
                waiting = try supervisor.client()
            case .scoreMap: maps += 1
            case .mask, .loading, .probed: break
            case .trailer: isWhole = true
            }
        }
        #expect(maps == 20 && isWhole)
        #expect(try waiting?.answer(SegmentRequest(picture, ["boat"])).bits == expected)
        let events = supervisor.events
        let signal = try #require(events.firstIndex { $0.words == ["signal \(SIGTERM)"] })
        let end = try #require(events.firstIndex { $0.words.first?.hasPrefix("ended") == true })
        #expect(events[signal..<end].first { $0.notice != nil }?.notice?.lines.first == "STOPPING=1")
        #expect(events[end].words == ["ended 0"])
        #expect(events[end].run == 1 && supervisor.run == 2)
    }

    @Test func `restarts and reloads under load lose no call and spoil no answer`() throws {
        let supervisor = try ServiceSupervisor(ServiceUnit())
        let questions = try Self.questions(supervisor)
        let load = try RestartLoad(supervisor, questions, calls: 2000, restarts: 4)
        #expect(load.connecting == [.right: 1000])
        #expect(Set(load.keeping.keys).isSubset(of: [.right, .unavailable]) && load.keeping[.right] == 1000)
        #expect(supervisor.run == 5)
        let endings = supervisor.events.filter { $0.words.first?.hasPrefix("ended") == true }
        #expect(endings.count == 4 && endings.allSatisfy { $0.words == ["ended 0"] })
        print("\(load)")
    }
}

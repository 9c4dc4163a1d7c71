import RPC
import Support
import Testing

/// A daemon whose engine stands still says so to whoever asks, with or without a service manager.
struct StuckStories {
    /// - Returns: what Status tells meanwhile
    private func isTold(_ daemon: Daemon, _ hang: Hang) throws -> Activity {
        let client = try daemon.client()
        try #require(hang.hasBegun() != nil)
        #expect(try client.health(), "for as long as a step may take on a slow machine")
        let isTold = try eventually { try !client.health() }
        #expect(isTold)
        let activity = try client.status().activity
        #expect(activity.stuckMilliseconds >= 20_000)
        let metrics = try client.metrics()
        #expect(metrics.contains("\ndseg_serving 0\n") && metrics.contains("\ndseg_engine_stuck 1\n"))
        try hang.end()
        let isBack = try eventually { try client.health() }
        #expect(isBack)
        #expect(try client.status().activity.stuckMilliseconds == 0)
        return activity
    }

    @Test func `in the middle of a layer, with the call, and that it moves again`() throws {
        let hang = try Hang(in: .product)
        let daemon = try Daemon(answering: ["--precision", "f32"], environment: hang.environment)
        try hang.begin()
        let path = daemon.socket
        let call = AtOnce(1) { _ in
            var question = try SegmentRequest.about(1, model: "")
            question.requestID = "the stuck one"
            return try Client(path: path).answer(question).maps.count
        }
        let running = try #require(isTold(daemon, hang).running)
        #expect((running.method, running.requestID) == ("Segment", "the stuck one"))
        #expect(!running.stage.isEmpty && running.stepMilliseconds >= 20_000)
        #expect(try call.results.map { try $0.get() } == [2])
    }

    @Test func `while it loads a model`() throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        let hang = try Hang(in: .reading)
        let daemon = try Daemon(answering: [], environment: owner.environment.merging(hang.environment) { $1 })
        try hang.begin()
        let path = daemon.socket
        let call = AtOnce(1) { _ in try Client(path: path).warm("tiny").model.name }
        #expect(try isTold(daemon, hang).running == nil)
        #expect(try call.results.map { try $0.get() } == ["tiny"])
    }
}

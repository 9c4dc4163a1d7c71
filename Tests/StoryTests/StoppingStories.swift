import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// SIGTERM lets calls under way end, and leaves nothing behind.
struct StoppingStories {
    @Test(arguments: [SIGTERM, SIGINT])
    func `an idle daemon stops at once and takes its socket away`(signal: CInt) throws {
        let daemon = try Daemon()
        daemon.signal(signal)
        #expect(daemon.child.exitCode == 0)
        #expect(!FileManager.default.fileExists(atPath: daemon.socket))
        #expect(throws: RPCStatus.self) { try daemon.client() }
    }

    @Test func `a call under way is answered whole before the daemon ends`() throws {
        let daemon = try Daemon()
        let (client, other) = try (daemon.client(), daemon.client())
        let picture = SegmentRequest.Picture.image(try Repository.scene(4))
        let words = (1...20).map { "thing \($0)" }
        let request = SegmentRequest(picture, words, recipe: "diffsegmenter")
        var maps = 0
        var isWhole = false
        try client.segment(request) { reply in
            switch reply {
            case .header:
                daemon.signal(SIGTERM)
                let isTold = try eventually { try other.health() == false }
                #expect(isTold, "it says that it takes no work")
                #expect(eventually { !daemon.answers }, "nobody new comes in")
                #expect(try other.refusal(SegmentRequest(picture, ["boat"]))?.code == .unavailable)
                #expect(throws: RPCStatus.self) { try other.look([1, 2, 3]) }
            case .scoreMap: maps += 1
            case .mask, .loading, .probed: break
            case .trailer: isWhole = true
            }
        }
        #expect(maps == 20 && isWhole)
        #expect(daemon.child.exitCode == 0)
    }

    /// They may have asked before they could know; a manager that holds the socket has all others wait for the next
    /// daemon.
    @Test func `who had just connected is answered once, and then sent away`() throws {
        let daemon = try Daemon()
        let (busy, other, newcomer) = try (daemon.client(), daemon.client(), daemon.client())
        // Connections are accepted in their order: when a later one is answered, the newcomer is in.
        #expect(try daemon.client().health())
        #expect(try other.health())
        let picture = SegmentRequest.Picture.image(try Repository.scene(4))
        var isWhole = false
        try busy.segment(SegmentRequest(picture, (1...20).map { "thing \($0)" }, recipe: "diffsegmenter")) { reply in
            guard case .header = reply else { return }
            daemon.signal(SIGTERM)
            let isTold = try eventually { try other.health() == false }
            #expect(isTold)
            #expect(try other.refusal(SegmentRequest(picture, ["boat"]))?.code == .unavailable, "it had its call")
            try newcomer.segment(SegmentRequest(picture, ["boat"])) { if case .trailer = $0 { isWhole = true } }
            #expect(try newcomer.refusal(SegmentRequest(picture, ["boat"]))?.code == .unavailable)
        }
        #expect(isWhole)
        #expect(daemon.child.exitCode == 0)
    }

    @Test func `a client that connected and says nothing does not keep the daemon`() throws {
        let daemon = try Daemon()
        let silent = try daemon.client()
        #expect(try daemon.client().health())
        daemon.signal(SIGTERM)
        #expect(daemon.child.exitCode == 0)
        withExtendedLifetime(silent) {}
    }

    /// A file of the model's that takes longer to hash than anybody waits.
    @Test func `a daemon that still reads its model stops when it is told to`() throws {
        let owner = try ModelOwner()
        try owner.copy(.demo, as: "demo-long")
        try owner.lengthen("demo-long", by: 1 << 38)
        let daemon = try Daemon(starting: ["--model", owner.path("demo-long")])
        #expect(eventually { FileManager.default.fileExists(atPath: daemon.socket) })
        daemon.signal(SIGTERM)
        #expect(daemon.child.exitCode == 0)
        #expect(daemon.log.contains("SIGTERM"))
        #expect(!FileManager.default.fileExists(atPath: daemon.socket))
    }

    @Test func `a model that is none is a configuration error that names what is missing`() throws {
        let directory = try TemporaryDirectory()
        let daemon = try Daemon(starting: ["--model", directory.path])
        #expect(daemon.child.exitCode == 78)
        #expect(daemon.log.contains(directory.path))
        #expect(!FileManager.default.fileExists(atPath: daemon.socket))
    }
}

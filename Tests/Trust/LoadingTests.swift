import Foundation
import RPC
import Support
import Testing

/// What models leave behind that come and go.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct LoadingTests {
    @Test func `a model loaded and let go of five hundred times leaves nothing behind`() throws {
        let watched = try Watched()
        let client = try watched.daemon.client()
        func turn() throws {
            let request = WarmRequest(model: "demo", keepAlive: "", requestID: "", deadlineMilliseconds: 0)
            try client.warm(request) { _ in }
            try #require(client.unload(UnloadRequest(model: "demo")).unloaded == ["demo"])
            try #require(client.status().models.isEmpty)
        }
        // The first ones fill what is filled once: the pages of code, the allocator's own lists.
        for _ in 0..<10 { try turn() }
        let base = try watched.daemon.atRest()
        let time = try seconds { for _ in 0..<500 { try turn() } }
        let end = try watched.daemon.atRest()
        let ratio = Double(end.resident) / Double(base.resident)
        print(
            """
            500 times loaded: \(base.resident >> 10) KiB before, \(end.resident >> 10) KiB after \
            (\(String(format: "%.3f", ratio))), \(String(format: "%.0f", time)) s; \(Machine.description)
            """)
        #expect((0.95...1.05).contains(ratio))
        #expect(end.descriptors == base.descriptors && end.threads == base.threads)
    }
}

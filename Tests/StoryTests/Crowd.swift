import RPC
import Support

/// A daemon with memory for the demo model and no other beside it, and clients that keep the demo model in use.
///
/// A model that is asked for meanwhile is opened and then waits for its room, for as long as these clients ask.
final class Crowd {
    /// What models leave to caches.
    static let cacheBytes = 64 << 20

    let daemon: Daemon
    let client: Client
    private let wires: [Wire]
    private static let names = ["long", "longer"]

    init(_ owner: ModelOwner, _ options: [String] = []) throws {
        let scout = try Daemon(answering: [], environment: owner.environment)
        _ = try scout.client().warm("demo")
        let bytes = Int(try scout.client().status().memoryBytes)
        let daemon = try owner.daemon(["--memory", "\(bytes + Self.cacheBytes)"] + options)
        let client = try daemon.client()
        wires = try Self.names.map { _ in try Wire(daemon) }
        (self.daemon, self.client) = (daemon, client)
        for (number, (wire, name)) in zip(wires, Self.names).enumerated() {
            var request = SegmentRequest.long(.image(try Repository.scene(10 + number)), id: name)
            request.model = "demo"
            try wire.open(.segment, stream: 1, request.encoded())
            let isThere =
                try number == 0 ? wire.next()?.kind == .data : eventually { try Int(client.status().queued) == number }
            guard isThere else { throw RPCStatus(.internal, daemon.log) }
        }
    }

    /// Waits until a model waits for its room, and so many calls for the model.
    func waits(for model: String, calls: Int) throws -> Bool {
        try eventually {
            guard let state = try client.state(of: model) else { return false }
            return state.loading?.stage == .waiting && state.calls == calls
        }
    }

    /// Ends the calls that keep the demo model.
    ///
    /// - Returns: whether they went on until now
    func leave() throws -> Bool {
        var all = true
        // The running one last: else the other begins.
        for name in Self.names.reversed() where try client.cancel(name) != 1 { all = false }
        return all
    }
}

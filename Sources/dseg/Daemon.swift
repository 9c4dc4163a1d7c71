import ArgumentParser
import RPC
import Results

/// The options of the daemon connection.
struct Daemon: ParsableArguments {
    @OptionGroup var place: SocketPlace

    @Option(
        help: ArgumentHelp(
            """
            Seconds to wait for each of the daemon's messages (default: 1800 where pictures or models are waited for, \
            else 10; 0: no limit).
            """, valueName: "seconds"))
    var timeout: Double?

    func validate() throws {
        if let timeout, !(0...1e9).contains(timeout) {
            throw ValidationError("--timeout \(timeout): type a number of seconds, 0 for no limit")
        }
    }

    /// What the daemon says of itself, which it does at once.
    func status() throws(RPCStatus) -> StatusReply { try client(silenceLimit: .seconds(10)).status() }

    /// What the daemon has counted, which it says at once.
    func metrics() throws(RPCStatus) -> String { try client(silenceLimit: .seconds(10)).metrics() }

    /// A connection for what the daemon says at once, again and again.
    func watching() throws(RPCStatus) -> Client { try client(silenceLimit: .seconds(10)) }

    /// Lets go of a model, "": of all; the daemon answers at once.
    func unload(_ model: String) throws(RPCStatus) -> UnloadReply {
        try client(silenceLimit: .seconds(10)).unload(UnloadRequest(model: model))
    }

    /// Loads a model, which takes as long as reading gigabytes does; other users' models may be loaded first.
    func warm(_ request: WarmRequest, onReply: (WarmReply) throws -> Void) throws {
        try client(silenceLimit: Self.silenceLimit).warm(request, onReply: onReply)
    }

    /// - Parameter silenceLimit: the timeout where `--timeout` is not given
    private func client(silenceLimit: Duration) throws(RPCStatus) -> Client {
        try Client(
            answeringAt: SocketPath.candidates(explicit: place.socket),
            silenceLimit: timeout == 0 ? nil : timeout.map { .seconds($0) } ?? silenceLimit)
    }

    /// Files up to this size are sent inside the request, which with its labels, of up to 1 MiB, and what is around
    /// them must fit in a frame of 4 MiB.
    private static let inlineLimit = 2 << 20

    /// 255 U-Net passes (`diffsegmenter`) take minutes, and other users' requests may come first.
    private static let silenceLimit = Duration.seconds(1800)

    /// Sends requests one after another on one connection; a large picture is uploaded by `Look` first.
    ///
    /// - Parameter budget: how long each may wait for its turn; `nil`: no question is asked again
    func asking(_ budget: RetryBudget?) -> Asking {
        let connection = Connection(self, budget)
        return { request, onReply in
            try connection.use { client, noteAnswer in
                func segment(_ request: SegmentRequest) throws {
                    try client.segment(request) { reply in
                        if case .loading = reply {} else { noteAnswer() }
                        try onReply(reply)
                    }
                }
                guard case .image(let file) = request.picture, file.count > Self.inlineLimit else {
                    return try segment(request)
                }
                try Self.bring(file, client, request.recipe, request.settings, request.model) {
                    var request = request
                    request.picture = .handle($0)
                    try segment(request)
                }
            }
        }
    }

    /// As ``asking(_:)``, of descriptions.
    func describing(_ budget: RetryBudget) -> Describing {
        let connection = Connection(self, budget)
        return { request, onReply in
            try connection.use { client, noteAnswer in
                func describe(_ request: DescribeRequest) throws {
                    try client.describe(request) { reply in
                        if case .loading = reply {} else { noteAnswer() }
                        try onReply(reply)
                    }
                }
                guard case .image(let file) = request.picture, file.count > Self.inlineLimit else {
                    return try describe(request)
                }
                try Self.bring(file, client, "", [], request.model) {
                    var request = request
                    request.picture = .handle($0)
                    try describe(request)
                }
            }
        }
    }

    /// Looks first and asks by handle. Between the two calls other users' pictures may have taken the picture's place
    /// in the daemon's memory: then it is brought once more.
    private static func bring(
        _ file: [UInt8], _ client: Client, _ recipe: String, _ settings: [String], _ model: String,
        _ ask: (_ handle: String) throws -> Void
    ) throws {
        func look() throws -> String {
            try client.look(file, recipe: recipe, settings: settings, model: model).handle
        }
        // A model that is not known is not found here already, and not looked for twice.
        let handle = try look()
        do {
            try ask(handle)
        } catch let status as RPCStatus where status.code == .notFound {
            try ask(look())
        }
    }

    /// A connection for one request after another.
    private final class Connection {
        private let daemon: Daemon
        private let budget: RetryBudget?
        private var open: Client?

        init(_ daemon: Daemon, _ budget: RetryBudget?) { (self.daemon, self.budget) = (daemon, budget) }

        /// Runs `body` with a connection; again where nothing was answered and the daemon has ended since the last
        /// request, as for a restart, or says when to ask again.
        ///
        /// - Parameter body: gets what it calls when an answer begins
        func use(_ body: (_ client: Client, _ noteAnswer: @escaping () -> Void) throws -> Void) throws {
            var patience = budget.map { Patience($0) }
            while true {
                var isAnswered = false
                let kept = open
                // After a failure the connection may be in the middle of a stream: do not reuse it.
                open = nil
                do {
                    let client = try kept ?? daemon.client(silenceLimit: Daemon.silenceLimit)
                    try body(client) { isAnswered = true }
                    open = client
                    return
                } catch let status as RPCStatus where !isAnswered {
                    let pause = patience?.pause(after: status)
                    // The daemon that comes next takes it.
                    if kept != nil, status.code == .unavailable { continue }
                    guard let pause else { throw patience?.ended(status) ?? status }
                    patience?.wait(pause, after: status)
                }
            }
        }
    }
}

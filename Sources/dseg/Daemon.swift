import ArgumentParser
import RPC
import Results

/// The options of the daemon connection.
struct Daemon: ParsableArguments {
    @Option(
        help: """
            The daemon's socket (default: $DSEG_SOCKET, $XDG_RUNTIME_DIR/dseg/dseg.sock, /run/dseg/dseg.sock).
            """, completion: .file())
    var socket: String?

    @Option(
        help: ArgumentHelp(
            """
            Seconds to wait for each of the daemon's messages (default: 10 for status and recipes, 1800 for mask and \
            redo; 0: no limit).
            """, valueName: "seconds"))
    var timeout: Double?

    func validate() throws {
        if let timeout, !(0...1e9).contains(timeout) {
            throw ValidationError("--timeout \(timeout): type a number of seconds, 0 for no limit")
        }
    }

    /// What the daemon says of itself, which it does at once.
    func status() throws(RPCStatus) -> StatusReply { try client(silenceLimit: .seconds(10)).status() }

    /// - Parameter silenceLimit: the timeout where `--timeout` is not given
    private func client(silenceLimit: Duration) throws(RPCStatus) -> Client {
        try Client(
            answeringAt: SocketPath.candidates(explicit: socket),
            silenceLimit: timeout == 0 ? nil : timeout.map { .seconds($0) } ?? silenceLimit)
    }

    /// Files up to this size are sent inside the request, which with its labels must fit in a frame of 4 MiB.
    private static let inlineLimit = 3 << 20

    /// 255 U-Net passes (`diffsegmenter`) take minutes, and other users' requests may come first.
    private static let silenceLimit = Duration.seconds(1800)

    /// Sends requests one after another on one connection; a large picture is uploaded by `Look` first.
    func asking() -> Asking {
        var connection: Client?
        return { request, onReply in
            let client = try connection ?? self.client(silenceLimit: Self.silenceLimit)
            // After a failure the connection is in the middle of a stream: do not reuse it.
            connection = nil
            if case .image(let file) = request.picture, file.count > Self.inlineLimit {
                try self.segment(request, uploading: file, client, onReply)
            } else {
                try client.segment(request, onReply: onReply)
            }
            connection = client
        }
    }

    /// Looks first and asks by handle. Between the two calls other users' pictures may have taken the picture's place
    /// in the daemon's memory: then it is brought once more, unless it may be a model that was not found.
    private func segment(
        _ request: SegmentRequest, uploading file: [UInt8], _ client: Client,
        _ onReply: (SegmentReply) throws -> Void
    ) throws {
        func ask() throws {
            var request = request
            let looked = try client.look(file, recipe: request.recipe, settings: request.settings)
            request.picture = .handle(looked.handle)
            try client.segment(request, onReply: onReply)
        }
        do {
            try ask()
        } catch let status as RPCStatus where status.code == .notFound && request.model.isEmpty {
            try ask()
        }
    }
}

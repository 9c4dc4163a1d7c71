import ArgumentParser
import RPC

/// Which daemon answers.
struct Daemon: ParsableArguments {
    @Option(
        help: """
            The daemon's socket (default: $DSEG_SOCKET, $XDG_RUNTIME_DIR/dseg/dseg.sock, /run/dseg/dseg.sock).
            """, completion: .file())
    var socket: String?

    func client() throws(RPCStatus) -> Client {
        try Client(answeringAt: SocketPath.candidates(explicit: socket))
    }

    /// Files up to this size travel inside the question, which must fit in a frame of 4 MiB with its words.
    private static let inlineLimit = 3 << 20

    /// Asks the daemon; a large picture is brought first.
    func ask(_ request: SegmentRequest, onReply: (SegmentReply) throws -> Void) throws {
        let client = try client()
        var request = request
        if case .image(let file) = request.picture, file.count > Self.inlineLimit {
            request.picture = .handle(try client.look(file).handle)
        }
        try client.segment(request, onReply: onReply)
    }
}

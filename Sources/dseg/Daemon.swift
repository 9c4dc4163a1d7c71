import ArgumentParser
import RPC
import Results

/// Which daemon answers.
struct Daemon: ParsableArguments {
    @Option(
        help: """
            The daemon's socket (default: $DSEG_SOCKET, $XDG_RUNTIME_DIR/dseg/dseg.sock, /run/dseg/dseg.sock).
            """, completion: .file())
    var socket: String?

    @Option(
        help: ArgumentHelp(
            """
            Seconds to wait for each of the daemon's messages (default: 10 for status, 1800 for mask and redo; 0: no \
            end).
            """, valueName: "seconds"))
    var timeout: Double?

    func validate() throws {
        if let timeout, !(0...1e9).contains(timeout) {
            throw ValidationError("--timeout \(timeout): type a number of seconds, 0 for no end")
        }
    }

    /// - Parameter patience: where none was asked for
    func client(patience: Duration) throws(RPCStatus) -> Client {
        try Client(
            answeringAt: SocketPath.candidates(explicit: socket),
            patience: timeout == 0 ? nil : timeout.map { .seconds($0) } ?? patience)
    }

    /// Files up to this size travel inside the question, which must fit in a frame of 4 MiB with its words.
    private static let inlineLimit = 3 << 20

    /// A published pass for each of 255 labels takes minutes, and others' questions may come first.
    private static let patience = Duration.seconds(1800)

    /// Asks the daemon, one question after another on one connection; a large picture is brought first.
    func asking() -> Asking {
        var connection: Client?
        return { request, onReply in
            let client = try connection ?? self.client(patience: Self.patience)
            // What fails in the middle of an answer leaves a connection that nobody can read on.
            connection = nil
            var request = request
            if case .image(let file) = request.picture, file.count > Self.inlineLimit {
                request.picture = .handle(try client.look(file).handle)
            }
            try client.segment(request, onReply: onReply)
            connection = client
        }
    }
}

import Glibc
import RPC
import Server

/// Where clients connect: a socket that the service manager handed over, or one of the daemon's own.
struct Endpoint: ~Copyable {
    let descriptor: CInt
    /// For the log.
    let path: String
    private let own: ListeningSocket?

    /// - Parameter path: as it was asked for; `nil`: where clients look first
    init(_ path: String?) throws(ListeningError) {
        if let inherited = try InheritedSocket.take() {
            descriptor = inherited
            self.path = "the socket handed over"
            own = nil
            return
        }
        let chosen = SocketPath.candidates(explicit: path)[0]
        // The folder of dseg's own in a folder for sockets: /run, or the user's.
        let folder = PathText.folder(of: chosen)
        if path == nil, PathText.split(folder).name == "dseg" {
            _ = unsafe PathText.withName(of: folder) { unsafe mkdir($0, 0o700) }
        }
        let own = try ListeningSocket(path: chosen)
        descriptor = own.descriptor
        self.path = chosen
        self.own = consume own
    }

    /// Takes the path away; a service manager's socket stays.
    borrowing func close() {
        own?.unlink()
    }
}

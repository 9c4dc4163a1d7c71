import Glibc
import RPC
import Server

/// The listening socket: handed over by the service manager, or created by the daemon.
struct Endpoint: ~Copyable {
    let descriptor: CInt
    /// For the log.
    let path: String
    private let own: ListeningSocket?

    /// - Parameters:
    ///   - path: of `--socket`; `nil`: the first default path
    ///   - handed: by the service manager; `nil`: nothing was
    ///   - access: to a socket that is not handed over
    init(_ path: String?, handed: CInt?, _ access: SocketAccess) throws(ListeningError) {
        if let handed {
            descriptor = handed
            self.path = "the socket handed over"
            own = nil
            return
        }
        let chosen = SocketPath.candidates(explicit: path)[0]
        // A default path is in a folder `dseg` of /run or $XDG_RUNTIME_DIR, which the daemon creates.
        let folder = PathText.folder(of: chosen)
        if path == nil, PathText.split(folder).name == "dseg" {
            unsafe PathText.withName(of: folder) { name in
                // mkdir(2) takes the umask away.
                if unsafe mkdir(name, 0o700) == 0 { unsafe chmod(name, access.folderMode) }
            }
        }
        let own = try ListeningSocket(path: chosen, access)
        descriptor = own.descriptor
        self.path = chosen
        self.own = consume own
    }

    /// Unlinks the daemon's own socket; a service manager's stays.
    borrowing func close() {
        own?.unlink()
    }
}

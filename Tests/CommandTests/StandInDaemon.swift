import Glibc
import RPC

/// Answers every call in one way, whatever is asked; a thread of its own serves one connection after another.
final class StandInDaemon {
    let socket: String
    private let directory: TemporaryDirectory
    private let listener: CInt

    /// - Parameter answer: the frames that answer a call, from what the server half of the wire makes of them
    init(_ answer: @escaping @Sendable (ServerConnection.Call, inout ServerConnection) throws -> [[UInt8]?]) throws {
        directory = try TemporaryDirectory()
        let path = "\(directory.path)/stand-in.sock"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let listener = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let bound = unsafe withUnsafePointer(to: address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 16) == 0 else { throw RPCStatus(.unavailable, "\(path): errno \(errno)") }
        self.listener = listener
        socket = path
        Self.thread {
            while case let descriptor = accept(listener, nil, nil), descriptor >= 0 {
                Self.serve(UnixSocket(adopting: descriptor, path: path), answer)
            }
        }
    }

    /// Runs blocking work off Swift's pool.
    private static func thread(_ work: @escaping @Sendable () -> Void) {
        final class Work: Sendable {
            let run: @Sendable () -> Void
            init(_ run: @escaping @Sendable () -> Void) { self.run = run }
        }
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(Work(work)).toOpaque()
        _ = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        pthread_detach(thread)
    }

    deinit { shutdown(listener, CInt(SHUT_RDWR)) }

    private static func serve(
        _ socket: consuming UnixSocket,
        _ answer: (ServerConnection.Call, inout ServerConnection) throws -> [[UInt8]?]
    ) {
        var connection = ServerConnection()
        do {
            while case let bytes = try socket.read(), !bytes.isEmpty {
                for action in connection.receive(bytes) {
                    switch action {
                    case .write(let bytes): try socket.write(bytes)
                    case .open(let call):
                        for frame in try answer(call, &connection) { try socket.write(frame ?? []) }
                    case .message, .halfClose, .cancel: break
                    case .close: return
                    }
                }
            }
        } catch {
            return
        }
    }

    /// Runs `dseg` with this daemon.
    func dseg(_ arguments: [String], input: [UInt8] = []) throws -> Program.Ending {
        try run([Repository.dseg] + arguments + ["--socket", socket], input: input)
    }
}

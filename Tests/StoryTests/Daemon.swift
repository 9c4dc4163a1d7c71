import FoundationEssentials
import Glibc
import RPC

/// The real `dsegd serve`, with the embedded demo model.
final class Daemon {
    let socket: String
    let child: Child
    private let directory: TemporaryDirectory
    private let logPath: String

    /// Starts it and waits until it answers.
    convenience init(_ options: String...) throws {
        try self.init(starting: options)
        guard eventually({ child.hasEnded || answers }), !child.hasEnded else {
            throw RPCStatus(.unavailable, "The daemon does not answer: \(log)")
        }
    }

    /// Starts it and waits for nothing.
    ///
    /// - Parameter socket: `nil`: a new path
    init(starting options: [String], socket: String? = nil, environment: [String: String] = [:]) throws {
        directory = try TemporaryDirectory()
        logPath = "\(directory.path)/log"
        self.socket = socket ?? "\(directory.path)/dseg.sock"
        child = try Child(
            ["\(Repository.programs)/dsegd", "serve", "--socket", self.socket] + options,
            environment: environment, errors: logPath)
    }

    /// A new connection.
    func client() throws(RPCStatus) -> Client { try Client(path: socket) }

    /// Whether it takes work.
    var answers: Bool { Self.answers(at: socket) }

    static func answers(at path: String) -> Bool { (try? Client(path: path).health()) == true }

    var log: String { (try? String(contentsOf: URL(filePath: logPath), encoding: .utf8)) ?? "" }

    func signal(_ number: CInt) { kill(child.process, number) }

    /// Opens the door to other users; only the owner's own is open by default.
    func admitEveryone() {
        unsafe chmod(directory.path, 0o711)
        unsafe chmod(socket, 0o666)
    }
}

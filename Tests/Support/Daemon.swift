import FoundationEssentials
import Glibc
package import RPC

/// The real `dsegd serve`, with the embedded demo model.
package final class Daemon {
    package let socket: String
    package let child: Child
    private let directory: TemporaryDirectory
    package let logPath: String

    /// Starts a daemon and waits until it answers.
    ///
    /// - Parameter command: a shell command to run first, such as `ulimit`; `nil`: none
    package convenience init(_ options: String..., after command: String? = nil) throws {
        try self.init(answering: options, after: command)
    }

    /// Starts a daemon and waits until it answers.
    package convenience init(
        answering options: [String], environment: [String: String] = [:], after command: String? = nil,
        runner: [String] = []
    ) throws {
        try self.init(starting: options, environment: environment, after: command, runner: runner)
        guard eventually({ child.hasEnded || answers }), !child.hasEnded else {
            throw RPCStatus(.unavailable, "The daemon does not answer: \(log)")
        }
    }

    /// Starts a daemon and waits for nothing.
    ///
    /// - Parameters:
    ///   - socket: `nil`: a new path
    ///   - command: a shell command to run first; `nil`: none
    ///   - runner: words before the program's own, such as of a tracer, which becomes the program
    package init(
        starting options: [String], socket: String? = nil, environment: [String: String] = [:],
        after command: String? = nil, runner: [String] = []
    ) throws {
        directory = try TemporaryDirectory()
        logPath = "\(directory.path)/log"
        self.socket = socket ?? "\(directory.path)/dseg.sock"
        let shell = command.map { ["/bin/sh", "-c", "\($0); exec \"$@\"", "sh"] } ?? []
        child = try Child(
            shell + runner + ["\(Repository.programs)/dsegd", "serve", "--socket", self.socket] + options,
            environment: environment, errors: logPath)
    }

    /// A new connection.
    package func client() throws(RPCStatus) -> Client { try Client(path: socket) }

    /// Whether the daemon accepts work.
    package var answers: Bool { Self.answers(at: socket) }

    package static func answers(at path: String) -> Bool { (try? Client(path: path).health()) == true }

    package var log: String { (try? String(contentsOf: URL(filePath: logPath), encoding: .utf8)) ?? "" }

    package func signal(_ number: CInt) { kill(child.process, number) }

    /// Lets other users connect; only its owner may by default.
    package func admitEveryone() {
        unsafe chmod(directory.path, 0o711)
        unsafe chmod(socket, 0o666)
    }
}

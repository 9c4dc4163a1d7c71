import Glibc
import LocalEngine
import RPC
import Results

/// The `dsegd serve` that lies beside this program, measured from outside.
final class Daemon {
    /// The options that a daemon is started with.
    struct Settings: Sendable {
        /// `nil`: the embedded demo model.
        let model: String?
        /// `nil`: as many as there are processors.
        let threads: Int?

        func with(threads: Int) -> Settings { Settings(model: model, threads: threads) }
    }

    private let child: ChildProcess
    private let folder: TemporaryFolder
    let socket: String

    /// The time between two attempts to connect, in microseconds.
    private static let pause: UInt32 = 500

    /// Starts the program and returns before it listens.
    init(_ settings: Settings) throws {
        folder = try TemporaryFolder()
        socket = "\(folder.path)/dseg.sock"
        // A peer's turn may take longer than a model is kept.
        var arguments = ["serve", "--socket", socket, "--keep-alive", "forever"]
        if let model = settings.model { arguments += ["--model", model] }
        if let threads = settings.threads { arguments += ["--threads", "\(threads)"] }
        child = try ChildProcess("\(Program.folder)/dsegd", as: "dsegd", arguments)
    }

    /// A client, as soon as the daemon listens. Its first call waits until the model is loaded.
    ///
    /// - Throws: `UnusableModel` with the daemon's last error message if it has ended
    func client() throws -> Client {
        while true {
            if let client = try? Client(path: socket) { return client }
            if child.hasEnded { throw broken }
            usleep(Self.pause)
        }
    }

    /// A client of a daemon that has loaded its model, and the daemon's status.
    func ready() throws -> (client: Client, status: StatusReply) {
        let client = try client()
        do {
            try client.warm(WarmRequest(model: "", keepAlive: "", requestID: "", deadlineMilliseconds: 0)) { _ in }
            return (client, try client.status())
        } catch {
            // A daemon that cannot load its model closes the connection, and ends a little later.
            guard child.ending(within: .seconds(5)) != nil else { throw error }
            throw broken
        }
    }

    private var broken: UnusableModel {
        let mark = "dsegd: error: "
        let line = child.lastError
        return UnusableModel(reason: line.hasPrefix(mark) ? String(line.dropFirst(mark.count)) : line)
    }

    var memory: ProcessMemory { ProcessMemory(of: child.process) }

    /// Time from starting a daemon to the header of its first answer.
    static func start(_ settings: Settings, asking request: SegmentRequest) throws -> Duration {
        let start = ContinuousClock.now
        let daemon = try Daemon(settings)
        do {
            try daemon.client().segment(request) { reply in
                if case .header = reply { throw Begun(after: start.duration(to: .now)) }
            }
        } catch let begun as Begun {
            return begun.after
        }
        throw RPCStatus(.dataLoss, "The answer had no header; ask again.")
    }

    /// Thrown at the header, to leave the call.
    private struct Begun: Error {
        let after: Duration
    }
}

/// A process's memory in bytes, as the kernel counts it.
struct ProcessMemory: Encodable, Sendable {
    /// VmRSS: `anonymous`, `file` and shared.
    let resident: Int
    /// RssAnon: not backed by a file.
    let anonymous: Int
    /// RssFile: pages of mapped files.
    let file: Int
    /// VmHWM: the high-water mark of `resident`.
    let peak: Int

    /// - Parameter process: for a process that has ended all figures are 0
    init(of process: pid_t) {
        let lines = ProcessFile("/proc/\(process)/status")
        resident = lines.bytes("VmRSS")
        anonymous = lines.bytes("RssAnon")
        file = lines.bytes("RssFile")
        peak = lines.bytes("VmHWM")
    }
}

import ArgumentParser
import Glibc
import LocalEngine
import Logging
import Segmentation
import Server

/// Runs the daemon until SIGTERM or SIGINT.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve requests on a Unix socket.",
        discussion: """
            Listens on the socket that the service manager hands over (socket activation); else at --socket, \
            $DSEG_SOCKET, $XDG_RUNTIME_DIR/dseg/dseg.sock or /run/dseg/dseg.sock, where only its own user can \
            connect. SIGTERM and SIGINT stop it: open calls get \(graceSeconds) seconds to end.
            """)

    @Option(help: "The socket's path.", completion: .file())
    var socket: String?

    @OptionGroup var options: EngineOptions
    @OptionGroup var filterFolder: FilterFolder

    @Option(help: "The most calls that may be queued.")
    var queue = 16

    @Option(help: "Seconds that a call may take, upload and waiting in the queue included.")
    var callLimit = ServerLimits.callSeconds

    private static let graceSeconds: Int64 = 25

    /// Exit codes of sysexits(3).
    private static let cannotCreate = ExitCode(73)
    private static let badConfiguration = ExitCode(78)

    func validate() throws {
        guard (1...4096).contains(queue) else {
            throw ValidationError("--queue \(queue): type a number of calls from 1 to 4096")
        }
        guard (1...604_800).contains(callLimit) else {
            throw ValidationError("--call-limit \(callLimit): type a number of seconds from 1 to 604800")
        }
    }

    func run() throws {
        var signals = TerminationSignals()
        let log = Logger(label: "dsegd") { _ in LogLines() }
        let endpoint = try orExit(Self.cannotCreate, log) { try Endpoint(socket) }
        let engine = try orExit(Self.badConfiguration, log) {
            try loadedEngine()
        }
        guard let engine else {
            log.notice("stops on \(signals.wait()) before its model is loaded")
            Supervisor.isStopping("ends before its model is loaded")
            return endpoint.close()
        }
        let server = try Server(
            engine: engine, listeningOn: endpoint.descriptor, limits: .standard(callSeconds: callLimit), log: log)
        let name = engine.status?.segmenter.name ?? ""
        log.notice("answers at \(endpoint.path) with the model \(name)")
        Supervisor.isReady("answers with the model \(name)")
        let signal = signals.wait()
        log.notice("stops on \(signal)")
        Supervisor.isStopping("ends the calls under way")
        endpoint.close()
        try server.drain(grace: .seconds(Self.graceSeconds))
        log.notice("has stopped")
    }

    /// `nil` where a signal came while the model was loaded.
    private func loadedEngine() throws -> Engine? {
        do {
            return try options.engine(filter: filterFolder.filter, queueLimit: queue, cache: CacheFolder.path()) {
                !TerminationSignals.arePending
            }
        } catch let error as ModelError where error.isInterrupted {
            return nil
        }
    }

    /// Runs `body`; logs why it failed, and throws the exit code.
    private func orExit<Result: ~Copyable>(
        _ code: ExitCode, _ log: Logger, _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch {
            log.error("\(error)")
            throw code
        }
    }
}

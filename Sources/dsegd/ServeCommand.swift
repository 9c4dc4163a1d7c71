import ArgumentParser
import Glibc
import LocalEngine
import Logging
import RPC
import Segmentation
import Server

/// Answers questions until it is told to stop.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer questions on a Unix socket.",
        discussion: """
            Listens on the socket that the service manager hands over; else at --socket, $DSEG_SOCKET, \
            $XDG_RUNTIME_DIR/dseg/dseg.sock or /run/dseg/dseg.sock, for its own user alone. SIGTERM and SIGINT stop \
            it: calls under way have \(graceSeconds) seconds.
            """)

    @Option(help: "The socket's path.", completion: .file())
    var socket: String?

    @OptionGroup var options: EngineOptions

    @Option(help: "Calls that may wait for their turn.")
    var queue = 16

    @Option(help: "Seconds that a call may take, from its first byte to its last.")
    var callLimit = ServerLimits.callSeconds

    private static let graceSeconds: Int64 = 25

    /// Exit codes of sysexits(3).
    private static let cannotCreate = ExitCode(73)
    private static let badConfiguration = ExitCode(78)

    func validate() throws {
        guard (1...4096).contains(queue) else { throw ValidationError("--queue must be 1 to 4096.") }
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
        let name = engine.status?.model ?? ""
        log.notice("answers at \(endpoint.path) with the model \(name)")
        Supervisor.isReady("answers with the model \(name)")
        let signal = signals.wait()
        log.notice("stops on \(signal)")
        Supervisor.isStopping("ends the calls under way")
        endpoint.close()
        try server.drain(grace: .seconds(Self.graceSeconds))
        log.notice("has stopped")
    }

    /// `nil`: told to stop while the model was read.
    private func loadedEngine() throws -> Engine? {
        do {
            return try options.engine(queueLimit: queue, cache: CacheFolder.path()) {
                !TerminationSignals.arePending
            }
        } catch let error as ModelError where error.isInterrupted {
            return nil
        }
    }

    /// Says why something failed, and with which code the program ends.
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

/// Where a daemon keeps what only saves it time.
private enum CacheFolder {
    /// The folder that the service manager made, else one of dseg's own among the user's; `nil` where neither is known.
    ///
    /// - Parameter environment: the value of a variable
    static func path(environment: (String) -> String? = SocketPath.environment) -> String? {
        // One that is not absolute means nothing, says the XDG Base Directory Specification.
        func absolute(_ name: String) -> String? { environment(name).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        if let folders = absolute("CACHE_DIRECTORY") {
            return folders.split(separator: ":").first.map(String.init)
        }
        return absolute("XDG_CACHE_HOME").map { "\($0)/dseg" } ?? absolute("HOME").map { "\($0)/.cache/dseg" }
    }
}

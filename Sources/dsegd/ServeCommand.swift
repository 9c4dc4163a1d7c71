import ArgumentParser
import Glibc
import LocalEngine
import Logging
import Results
import Segmentation
import Server
import Texts

/// Runs the daemon until SIGTERM or SIGINT.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve requests on a Unix socket.",
        discussion: """
            Listens on the socket that the service manager hands over (socket activation); else at --socket, \
            $DSEG_SOCKET, $XDG_RUNTIME_DIR/dseg/dseg.sock or /run/dseg/dseg.sock, where only its own user can \
            connect. What --model, --captioner and --filter name is loaded at the start, and so is the demo model \
            where no other was added; any other when it is first asked for. SIGTERM and SIGINT stop it: open calls \
            get \(graceSeconds) seconds to end.
            """)

    @Option(help: "The socket's path.", completion: .file())
    var socket: String?

    @OptionGroup var options: EngineOptions
    @OptionGroup var filterFolder: FilterFolder

    @Option(help: "The most calls that may be queued.")
    var queue = 16

    @Option(help: "Seconds that a call may take, upload and waiting in the queue included.")
    var callLimit = ServerLimits.callSeconds

    @Option(
        name: .customLong("keep-alive"),
        help: ArgumentHelp(
            "How long a model stays loaded when no call uses it: 300, 5m, 1h30m, 0, or forever.",
            discussion: "A call may ask for another time.", valueName: "duration"),
        transform: { try KeepAlive($0) })
    var keepAlive = KeepAlive.duration(.seconds(300))

    @Option(
        help: ArgumentHelp(
            "Memory that models and caches may take, such as 6G or 900M (default: three quarters of what is left).",
            valueName: "size"))
    var memory: MemorySize?

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
        let engine = try orExit(Self.badConfiguration, log) { try startedEngine(log) }
        guard let engine else {
            log.notice("stops on \(signals.wait()) before its model is loaded")
            Supervisor.isStopping("ends before its model is loaded")
            return endpoint.close()
        }
        let server = try Server(
            engine: engine, listeningOn: endpoint.descriptor, limits: .standard(callSeconds: callLimit), log: log)
        let name = try orExit(Self.badConfiguration, log) { try engine.model(named: "").name }
        log.notice("answers at \(endpoint.path) with the model \(name)")
        Supervisor.isReady("answers with the model \(name)")
        let signal = signals.wait()
        log.notice("stops on \(signal)")
        Supervisor.isStopping("ends the calls under way")
        endpoint.close()
        try server.drain(grace: .seconds(Self.graceSeconds))
        log.notice("has stopped")
    }

    /// An engine that has loaded what the command line names, or the demo model where no other was added; any other is
    /// loaded when it is asked for.
    ///
    /// - Returns: `nil` where a signal came meanwhile
    private func startedEngine(_ log: Logger) throws -> Engine? {
        // Until then a failure ends the daemon, which is told once.
        let started = AtomicFlag()
        let limits = EngineLimits(
            queue: queue, memory: memory?.bytes ?? MemorySize.standard.bytes, keepAlive: keepAlive)
        let (engine, hasDemoAlone) = try options.engine(
            filter: filterFolder.filter, limits, cache: CacheFolder.path()
        ) {
            !TerminationSignals.arePending
        } tell: {
            if started.isSet { log.notice("\($0)") }
        }
        defer { started.set() }
        let isNamed = options.model != nil || options.captioner != nil || filterFolder.filter != nil
        guard isNamed || hasDemoAlone && keepAlive != .duration(.zero) else { return engine }
        do throws(SegmentationError) {
            try engine.loadStandardModel(keepAlive: nil)
        } catch {
            if TerminationSignals.arePending { return nil }
            guard case .notLoaded(let failure) = error else { throw error }
            // Whoever bounds the memory may have smaller models added later.
            guard !isNamed, memory != nil, failure.lacksMemory else { throw Unloadable(description: failure.reason) }
            log.warning("\(failure)")
        }
        return engine
    }

    /// Why the model that is loaded at the start cannot be.
    private struct Unloadable: Error, CustomStringConvertible {
        let description: String
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

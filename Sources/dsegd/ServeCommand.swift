import ArgumentParser
import LocalEngine
import Logging
import RPC
import Results
import Segmentation
import Server
import ServiceManager

/// Runs the daemon until SIGTERM or SIGINT.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve requests on a Unix socket.",
        discussion: """
            Listens on the socket that the service manager hands over (socket activation); else at --socket, \
            $DSEG_SOCKET, $XDG_RUNTIME_DIR/dseg/dseg.sock or /run/dseg/dseg.sock, where only its own user can \
            connect unless --socket-mode says otherwise. What --model, --captioner and --filter name is loaded at \
            the start, and so is the demo model where no other was added, and what was warm before a restart; any \
            other when it is first asked for. \
            SIGTERM and SIGINT stop it: open calls get \(graceSeconds) seconds to end. SIGHUP has it read the settings \
            file and the registries again.
            """)

    @Option(help: "The socket's path.", completion: .file())
    var socket: String?

    @OptionGroup var options: EngineOptions
    @OptionGroup var filterFolder: FilterFolder
    @OptionGroup var settings: ServeSettings

    @Option(
        name: .customLong("settings"),
        help: ArgumentHelp(
            """
            The settings file, lines such as keep-alive = 10m of the options from --queue on (default: dsegd.conf in \
            $XDG_CONFIG_HOME/dseg or ~/.config/dseg, else in /etc/dseg).
            """, valueName: "file"),
        completion: .file())
    var settingsFile: String?

    private static let graceSeconds: Int64 = 25

    /// Exit codes of sysexits(3).
    private static let cannotCreate = ExitCode(73)
    private static let badConfiguration = ExitCode(78)

    func run() throws {
        var signals = ServiceSignals()
        let logged = LogSettings(level: .info, words: false)
        let log = Logger(label: "dsegd") { _ in LogLines(logged) }
        let manager = Supervisor(environment: SocketPath.environment)
        let handed = try orExit(Self.cannotCreate, log) { try HandedDescriptors.take() }
        let file = SettingsFile(settingsFile)
        let settings = try orExit(Self.badConfiguration, log) { self.settings.completed(by: try file.settings()) }
        settings.set(logged)
        let socketAccess = try orExit(Self.badConfiguration, log) { try settings.socketAccess }
        let endpoint = try orExit(Self.cannotCreate, log) {
            try Endpoint(socket, handed: handed.socket, socketAccess)
        }
        if handed.socket != nil, settings.socketMode != nil || settings.socketGroup != nil {
            log.warning("the socket is the service manager's: its unit says SocketMode= and SocketGroup=, no setting")
        }
        let start = Start(
            options: options, filter: filterFolder.filter, manager: manager, kept: handed.kept, log: log)
        let engine = try orExit(Self.badConfiguration, log) { try start.engine(settings) }
        guard let engine else {
            log.notice("stops on \(wait(for: &signals) {}) before its model is loaded")
            manager?.tell(.stopping, .status("ends before its model is loaded"))
            return endpoint.close()
        }
        let server = try Server(
            engine: engine, listeningOn: endpoint.descriptor,
            limits: .standard(callSeconds: settings.callSeconds, room: start.room(beside: settings)),
            access: settings.access, log: log
        ) { logged.words }
        let name = try orExit(Self.badConfiguration, log) { try engine.model(named: "").name }
        let isActivated = handed.socket != nil
        let supervision = Supervision(
            engine, manager, idleTime: settings.idleTime(isActivated: isActivated), log)
        log.notice("answers at \(endpoint.path) with the model \(name)")
        manager?.tell(.ready)
        start.warm(engine)
        server.tick { supervision.look(idle: $0) }
        let reason = wait(for: &signals) {
            manager?.tell(.reloading)
            reload(file, log) { settings in
                engine.adopt(settings.limits(standardMemory: start.standardMemory))
                settings.set(logged)
                server.change(callSeconds: settings.callSeconds, access: settings.access)
                supervision.change(idleTime: settings.idleTime(isActivated: isActivated))
            }
            manager?.tell(.ready)
        }
        log.notice("stops on \(reason)")
        manager?.tell(.stopping, .status("ends the calls under way"))
        endpoint.close()
        try server.drain(grace: .seconds(Self.graceSeconds))
        log.notice("has stopped")
    }

    /// Waits for the signal that ends the daemon.
    ///
    /// - Parameter reload: called for each that asks for it
    /// - Returns: its name
    private func wait(for signals: inout ServiceSignals, reload: () -> Void) -> String {
        while true {
            switch signals.wait() {
            case .reload: reload()
            case .stop(let name): return name
            }
        }
    }

    /// Reads the settings file again. Where it says nothing legal, what it said before holds on.
    private func reload(_ file: SettingsFile, _ log: Logger, _ adopt: (ServeSettings) -> Void) {
        do {
            adopt(settings.completed(by: try file.settings()))
            log.notice("has read \(file.path) again")
        } catch {
            log.error("\(error); the settings stay as they were")
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

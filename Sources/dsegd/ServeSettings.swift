import Limits
import ArgumentParser
import LocalEngine
import Logging
import Segmentation
import Server
import ServiceManager
import Texts

/// What an administrator may change while the daemon runs: given as options, or in the settings file, which SIGHUP has
/// read again. An option beats the file.
struct ServeSettings: ParsableArguments {
    @Option(help: "The most calls that may be queued (default: \(Limit.queue)).")
    var queue: Int?

    @Option(
        help: """
            Seconds that a call may take, upload and waiting in the queue included (default: \
            \(Limit.callSeconds)).
            """)
    var callLimit: Int?

    @Option(
        help: ArgumentHelp(
            "How long a model stays loaded when no call uses it: 300, 5m, 1h30m, 0, or forever (default: 5m).",
            discussion: "A call may ask for another time.", valueName: "duration"),
        transform: { try KeepAlive($0) })
    var keepAlive: KeepAlive?

    @Option(
        help: ArgumentHelp(
            """
            How long no call may have come, and no model be loaded, before the daemon ends; its service manager starts \
            it again at the next connection (default: 1h where that holds the socket, else forever).
            """, valueName: "duration"),
        transform: { try KeepAlive($0) })
    var idleExit: KeepAlive?

    @Option(
        help: ArgumentHelp(
            "Memory that models and caches may take, such as 6G or 900M (default: three quarters of what is left).",
            valueName: "size"))
    var memory: MemorySize?

    @Option(
        help: ArgumentHelp("The least that is logged: \(Self.levels) (default: info).", valueName: "level"),
        transform: Self.level)
    var logLevel: Logger.Level?

    @Flag(
        inversion: .prefixedNo,
        help: "Log the words of requests, too; pictures never are (default: --no-log-words).")
    var logWords: Bool?

    @Option(
        help: ArgumentHelp(
            "Who may use the daemon (default: everyone whom the socket's mode lets in).",
            discussion: "Users and, behind @, groups, by name or number: anna,1001,@video.", valueName: "accounts"),
        transform: { try Accounts($0) })
    var allow: Accounts?

    @Option(
        help: ArgumentHelp(
            """
            Who may also let models go, read metrics, see what others do and cancel it, beside root and the daemon's \
            own user.
            """, valueName: "accounts"),
        transform: { try Accounts($0) })
    var administrators: Accounts?

    @Option(
        help: ArgumentHelp(
            "Users such as haproxy, each of whose connections is another's: more of them, and no administration.",
            valueName: "users"),
        transform: { try Accounts(usersAlone: $0) })
    var proxies: Accounts?

    @Option(
        help: ArgumentHelp(
            """
            Who may connect: \(SocketAccess.Mode.allCases.map(\.text).joined(separator: ", ")), of a socket that is \
            not handed over (default: 0600, with --socket-group 0660); SIGHUP does not change it.
            """, valueName: "mode"),
        transform: Self.socketMode)
    var socketMode: SocketAccess.Mode?

    @Option(
        help: ArgumentHelp(
            "The group of that socket (default: the daemon's own); SIGHUP does not change it.", valueName: "group"),
        transform: { try Accounts.group($0) })
    var socketGroup: UInt32?

    /// The names of the settings in the file, those of the options; and whether one is a flag, which is `yes` or `no`.
    static let names: [(name: String, isFlag: Bool)] = [
        ("queue", false), ("call-limit", false), ("keep-alive", false), ("idle-exit", false), ("memory", false),
        ("log-level", false), ("log-words", true), ("allow", false), ("administrators", false), ("proxies", false),
        ("socket-mode", false), ("socket-group", false),
    ]

    func validate() throws {
        if let queue, !(1...Limit.longestQueue).contains(queue) {
            throw ValidationError("--queue \(queue): type a number of calls from 1 to \(Limit.longestQueue)")
        }
        if let callLimit, !(1...Limit.longestCallSeconds).contains(callLimit) {
            throw ValidationError(
                "--call-limit \(callLimit): type a number of seconds from 1 to \(Limit.longestCallSeconds)")
        }
    }

    private static var levels: String { Logger.Level.allCases.map(\.rawValue).joined(separator: ", ") }

    private static func level(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else { throw ValidationError("type one of \(levels)") }
        return level
    }

    private static func socketMode(_ text: String) throws -> SocketAccess.Mode {
        guard let mode = SocketAccess.Mode(text) else {
            let modes = SocketAccess.Mode.allCases.map(\.text).joined(separator: ", ")
            throw ValidationError("type one of \(modes): connecting needs read and write permission")
        }
        return mode
    }

    /// These, and what the file says where they say nothing.
    func completed(by file: ServeSettings) -> ServeSettings {
        var all = self
        all.queue = queue ?? file.queue
        all.callLimit = callLimit ?? file.callLimit
        all.keepAlive = keepAlive ?? file.keepAlive
        all.idleExit = idleExit ?? file.idleExit
        all.memory = memory ?? file.memory
        all.logLevel = logLevel ?? file.logLevel
        all.logWords = logWords ?? file.logWords
        all.allow = allow ?? file.allow
        all.administrators = administrators ?? file.administrators
        all.proxies = proxies ?? file.proxies
        all.socketMode = socketMode ?? file.socketMode
        all.socketGroup = socketGroup ?? file.socketGroup
        return all
    }

    /// - Parameter standardMemory: bytes that models may take where no setting says it
    func limits(standardMemory: Int) -> EngineLimits {
        EngineLimits(
            queue: queue ?? Limit.queue, memory: memory?.bytes ?? standardMemory,
            keepAlive: keepAlive ?? .duration(.seconds(300)))
    }

    /// Has the log tell what they say.
    func set(_ log: LogSettings) {
        (log.level, log.words) = (logLevel ?? .info, logWords ?? false)
    }

    /// Who is served of those who can connect.
    var access: AccessPolicy {
        AccessPolicy(allowed: allow, administrators: administrators ?? .none, proxies: proxies ?? .none)
    }

    /// Who can connect to a socket that the daemon creates.
    ///
    /// - Throws: where the mode lets no group in
    var socketAccess: SocketAccess {
        get throws(ListeningError) { try SocketAccess(mode: socketMode, group: socketGroup) }
    }

    var callSeconds: Int { callLimit ?? Limit.callSeconds }

    /// How long the daemon may be idle; `nil`: for ever.
    ///
    /// - Parameter isActivated: whether the service manager holds the socket
    func idleTime(isActivated: Bool) -> Duration? {
        switch idleExit ?? (isActivated ? .duration(.seconds(3600)) : .forever) {
        case .duration(let time): time
        case .forever: nil
        }
    }
}

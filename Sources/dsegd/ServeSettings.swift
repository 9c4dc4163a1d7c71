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
    @Option(help: "The most calls that may be queued (default: 16).")
    var queue: Int?

    @Option(
        help: """
            Seconds that a call may take, upload and waiting in the queue included (default: \
            \(ServerLimits.callSeconds)).
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

    /// The names of the settings in the file, those of the options; and whether one is a flag, which is `yes` or `no`.
    static let names: [(name: String, isFlag: Bool)] = [
        ("queue", false), ("call-limit", false), ("keep-alive", false), ("idle-exit", false), ("memory", false),
        ("log-level", false), ("log-words", true),
    ]

    func validate() throws {
        if let queue, !(1...4096).contains(queue) {
            throw ValidationError("--queue \(queue): type a number of calls from 1 to 4096")
        }
        if let callLimit, !(1...604_800).contains(callLimit) {
            throw ValidationError("--call-limit \(callLimit): type a number of seconds from 1 to 604800")
        }
    }

    private static var levels: String { Logger.Level.allCases.map(\.rawValue).joined(separator: ", ") }

    private static func level(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else { throw ValidationError("type one of \(levels)") }
        return level
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
        return all
    }

    /// - Parameter standardMemory: bytes that models may take where no setting says it
    func limits(standardMemory: Int) -> EngineLimits {
        EngineLimits(
            queue: queue ?? 16, memory: memory?.bytes ?? standardMemory,
            keepAlive: keepAlive ?? .duration(.seconds(300)))
    }

    /// Has the log tell what they say.
    func set(_ log: LogSettings) {
        (log.level, log.words) = (logLevel ?? .info, logWords ?? false)
    }

    var callSeconds: Int { callLimit ?? ServerLimits.callSeconds }

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

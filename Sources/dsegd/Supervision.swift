import Glibc
import Logging
import Results
import Segmentation
import ServiceManager
import Synchronization
import Texts

/// What the daemon does of itself while it serves, on the event loop: it tells its service manager that it is alive and
/// how it fares, and ends when nobody has needed it for long.
final class Supervision: Sendable {
    private struct State {
        var watchdog: Watchdog<Heartbeat>?
        var idleTime: Duration?
        /// What was told last.
        var status = ""
        /// Whether the end was asked for.
        var isEnding = false
    }

    private let engine: Engine
    private let manager: Supervisor?
    private let log: Logger
    private let state: Mutex<State>

    /// How often the status is told where it changes, and idleness looked for.
    private static let pause = Duration.seconds(5)
    private static let shortest = Duration.milliseconds(100)

    /// - Parameter idleTime: how long the daemon may be idle; `nil`: for ever
    init(_ engine: Engine, _ manager: Supervisor?, idleTime: Duration?, _ log: Logger) {
        self.engine = engine
        self.manager = manager
        self.log = log
        state = Mutex(State(watchdog: manager?.watchdog.map { Watchdog(limit: $0, threads: 2) }, idleTime: idleTime))
    }

    func change(idleTime: Duration?) {
        state.withLock { $0.idleTime = idleTime }
    }

    /// Looks once.
    ///
    /// - Parameter idle: for how long no call has been open; `nil`: one is
    /// - Returns: how long until the next look
    func look(idle: Duration?) -> Duration {
        let (pulse, status) = (engine.pulse, engine.status)
        return state.withLock { state in
            switch state.watchdog?.look(at: [pulse.computing, pulse.loading], now: .now) {
            case .alive: manager?.tell(.alive)
            case .hung: manager?.tell(.hung)
            case .waiting, nil: break
            }
            let text = Self.text(status)
            if text != state.status { manager?.tell(.status(text)) }
            state.status = text
            if let idleTime = state.idleTime, let idle, idle >= idleTime, status.models.isEmpty, !state.isEnding {
                state.isEnding = true
                log.notice("nobody has asked for anything for \(idleTime)")
                // As a service manager would: the signal is blocked, and waited for by the main thread.
                kill(getpid(), SIGTERM)
            }
            return max(
                Self.shortest, min(state.watchdog?.pause ?? Self.pause, Self.pause, state.idleTime ?? Self.pause))
        }
    }

    /// What `systemctl status` shows.
    static func text(_ status: EngineStatus) -> String {
        let loaded = status.models.filter { $0.loading == nil }
        let bytes = loaded.flatMap(\.networks).reduce(0) { $0 + UInt64($1.bytes) }
        let models =
            loaded.isEmpty
            ? "no model is warm" : "\(loaded.map(\.key.name.text).joined(separator: ", ")) warm, \(Amount.bytes(bytes))"
        let loading = status.models.compactMap(\.loading).map(\.model)
        let parts = [models] + (loading.isEmpty ? [] : ["loading \(loading.joined(separator: ", "))"])
        return Streams.printable((parts + ["\(status.queued) queued"]).joined(separator: "; "))
    }
}

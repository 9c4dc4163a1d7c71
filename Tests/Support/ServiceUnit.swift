/// What a unit file says of the daemon, in the words of systemd.service(5) and systemd.socket(5).
package struct ServiceUnit: Sendable {
    /// Of `dsegd serve`.
    package var options: [String]
    package var environment: [String: String]
    /// `WatchdogSec=`; `nil`: none.
    package var watchdog: Duration?
    /// `TimeoutStartSec=`.
    package var startLimit = Duration.seconds(300)
    /// `TimeoutStopSec=`.
    package var stopLimit = Duration.seconds(60)
    /// `RestartSec=`.
    package var restartDelay = Duration.milliseconds(100)
    /// `FileDescriptorStoreMax=`.
    package var keptAtMost = 16
    /// Whether the first connection starts the service rather than the supervisor itself.
    package var isActivated = false
    /// `FileDescriptorName=`.
    package var socketName = "dseg"
    /// Handed over beside the socket: what another socket unit would bring.
    package var others: [KeptDescriptor] = []
    /// Whether the socket is handed over behind everything else.
    package var isSocketLast = false
    /// Runs the program: words before its own, such as of a tracer. The process that they start must end as the
    /// program.
    package var runner: [String] = []

    package init(_ options: [String] = [], environment: [String: String] = [:]) {
        (self.options, self.environment) = (options, environment)
    }

    /// The variables by which a service manager speaks to a service.
    ///
    /// - Parameters:
    ///   - notify: the path of the notify socket
    ///   - names: of the descriptors that are handed over
    func variables(notify: String, names: [String]) -> [String: String] {
        var variables = environment
        // Where Swift's toolchain is, its runtime writes a backtrace on SIGABRT, and then the process goes on.
        variables["SWIFT_BACKTRACE"] = "enable=no"
        variables["NOTIFY_SOCKET"] = notify
        variables["LISTEN_FDS"] = "\(names.count)"
        variables["LISTEN_FDNAMES"] = names.joined(separator: ":")
        if let watchdog { variables["WATCHDOG_USEC"] = "\(Int(watchdog / .microseconds(1)))" }
        return variables
    }
}

/// A descriptor that is handed over, and its name.
package struct KeptDescriptor: Sendable {
    package let name: String
    package let descriptor: CInt

    package init(name: String, descriptor: CInt) { (self.name, self.descriptor) = (name, descriptor) }
}

/// What happened to a supervised service.
package struct ServiceEvent: Sendable {
    package enum Kind: Sendable {
        case started
        /// What the service told.
        case told(Notice)
        /// Nothing told for so long, or the service said that it hangs.
        case watchdogPassed
        /// ``ServiceUnit/startLimit`` or ``ServiceUnit/stopLimit`` passed.
        case limitPassed
        case signalled(CInt)
        /// With the exit code as a shell tells it.
        case ended(CInt)
    }

    package let time: ContinuousClock.Instant
    /// How many times the service had been started.
    package let run: Int
    package let kind: Kind

    /// The notice, where it is one.
    package var notice: Notice? {
        guard case .told(let notice) = kind else { return nil }
        return notice
    }

    /// The lines of a notice, or one word.
    package var words: [String] {
        switch kind {
        case .started: ["started"]
        case .told(let notice): notice.lines
        case .watchdogPassed: ["watchdog"]
        case .limitPassed: ["limit"]
        case .signalled(let signal): ["signal \(signal)"]
        case .ended(let code): ["ended \(code)"]
        }
    }
}

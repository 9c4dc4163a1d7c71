import Glibc

/// What a signal asks of the daemon.
package enum ServiceSignal: Sendable, Equatable {
    /// SIGHUP.
    case reload
    /// SIGTERM or SIGINT, by name.
    case stop(String)
}

/// Waits for SIGHUP, SIGTERM and SIGINT by sigwait(3) instead of a handler.
///
/// Blocked in this thread and all that it starts, the signals stay pending until ``wait()``: none is lost while a model
/// loads.
package struct ServiceSignals: ~Copyable {
    private var signals = sigset_t()

    package init() {
        unsafe sigemptyset(&signals)
        for signal in [SIGHUP, SIGTERM, SIGINT] { unsafe sigaddset(&signals, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Whether SIGTERM or SIGINT is pending; to be called on threads that block them.
    package static var isStopPending: Bool {
        var pending = sigset_t()
        unsafe sigpending(&pending)
        return unsafe sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1
    }

    /// Waits for the next signal. One that stops unblocks all, so that a second one ends the process at once.
    package mutating func wait() -> ServiceSignal {
        var signal: CInt = 0
        unsafe sigwait(&signals, &signal)
        if signal == SIGHUP { return .reload }
        unsafe sigdelset(&signals, SIGHUP)
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        return .stop(signal == SIGINT ? "SIGINT" : "SIGTERM")
    }
}

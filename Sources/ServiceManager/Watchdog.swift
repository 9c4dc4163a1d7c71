/// When to tell the service manager that the daemon is alive: as long as each thread that has work makes progress. A
/// value without clock or timer; whoever looks shows by it that the event loop turns.
///
/// The manager ends the daemon ``limit`` after it was last told. Of a thread that hangs alone nothing more is told, so
/// it costs at most that and the pause between two looks. Where two threads work, their progress is seldom seen in the
/// same look: then the older one may be a quarter of the limit old, and of one that hangs the manager is told outright.
package struct Watchdog<Heartbeat: Equatable & Sendable>: Sendable {
    package enum Verdict: Sendable, Equatable {
        /// To be told as ``Notification/alive``.
        case alive
        /// Nothing is to be told.
        case waiting
        /// To be told as ``Notification/hung``.
        case hung
    }

    /// What is known of a thread with work.
    private struct Work {
        var shown: Heartbeat
        /// When it was seen to make progress, or to have work.
        var since: SuspendingClock.Instant
        /// Whether it was seen to make progress since the manager was told.
        var hasMoved = false
    }

    /// `WatchdogSec=` of the unit.
    private let limit: Duration
    /// `nil` of a thread that waits for work.
    private var threads: [Work?]

    /// - Parameter threads: how many are looked at
    package init(limit: Duration, threads: Int) {
        self.limit = limit
        self.threads = Array(repeating: nil, count: threads)
    }

    /// - Parameter heartbeats: of the threads, in the same order each time; `nil`: it waits for work
    package mutating func look(at heartbeats: [Heartbeat?], now: SuspendingClock.Instant) -> Verdict {
        for (place, shown) in heartbeats.enumerated() {
            guard let shown else {
                threads[place] = nil
                continue
            }
            // That it has work proves nothing: it may have hung at once.
            guard var work = threads[place] else {
                threads[place] = Work(shown: shown, since: now)
                continue
            }
            if work.shown != shown { work = Work(shown: shown, since: now, hasMoved: true) }
            threads[place] = work
        }
        let working = threads.compactMap(\.self)
        if working.contains(where: { $0.since.duration(to: now) >= limit }) { return .hung }
        let oldest = working.count > 1 ? limit / 4 : .zero
        guard working.allSatisfy({ $0.hasMoved && $0.since.duration(to: now) <= oldest }) else { return .waiting }
        for place in threads.indices { threads[place]?.hasMoved = false }
        return .alive
    }

    /// How long until the next look: under the second by which a restart may be late while there is work, as seldom as
    /// the limit allows while there is none.
    package var pause: Duration {
        let isBusy = threads.contains { $0 != nil }
        return isBusy ? min(.milliseconds(500), limit / 4) : limit / 3
    }
}

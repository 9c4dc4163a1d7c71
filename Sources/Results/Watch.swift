package import RPC

/// A daemon that is looked at again and again, as `dseg top` shows it.
package struct Watch {
    private var last: StatusReport
    /// Since when it is gone, and how the last look failed.
    private var absence: (since: ContinuousClock.Instant, reason: String)?
    private var restarts = 0
    private var now: ContinuousClock.Instant?

    package init(_ report: StatusReport) { last = report }

    /// Notes what the daemon says of itself.
    package mutating func see(_ report: StatusReport, at time: ContinuousClock.Instant) {
        if report.isYounger(than: last) { restarts += 1 }
        (last, absence, now) = (report, nil, time)
    }

    /// Notes that it could not be asked.
    package mutating func miss(_ status: RPCStatus, at time: ContinuousClock.Instant) {
        (absence, now) = ((absence?.since ?? time, status.message), time)
    }

    /// What is shown, in lines that are safe for a terminal.
    package var lines: [String] {
        var news: [String] = []
        if let absence, let now {
            let time = Amount.seconds(absence.since.duration(to: now))
            news.append("The daemon has not answered for \(time), and is asked again; this is what it said last.")
            news.append(absence.reason)
        } else if restarts > 0 {
            news.append(restarts == 1 ? "The daemon has restarted." : "The daemon has restarted \(restarts) times.")
        }
        return news.map(Streams.excerpt) + (news.isEmpty ? [] : [""]) + last.overview
    }
}

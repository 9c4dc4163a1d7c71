import Glibc

/// Callers of both habits, half of the calls each, while their daemon is restarted so often, and reloaded in between.
package struct RestartLoad: CustomStringConvertible {
    /// How the calls ended of those who connect for each.
    package let connecting: [Callers.Outcome: Int]
    /// How the calls ended of those who keep their connection.
    package let keeping: [Callers.Outcome: Int]
    /// How long restarts took, until the next process was ready.
    private let times: [Duration]

    private static let callers = 4

    package init(_ supervisor: ServiceSupervisor, _ questions: [KnownQuestion], calls: Int, restarts: Int) throws {
        let crowds = [Callers.Habit.connectingEachTime, .keepingConnections].map {
            Callers(
                Self.callers, $0, at: supervisor.socket, asking: questions, calls: calls / 2,
                silence: .seconds(600))
        }
        func waitUntilDone(_ count: Int) {
            _ = eventually(within: .seconds(1800)) { crowds.reduce(0) { $0 + $1.done } >= count }
        }
        let part = calls / (restarts + 1)
        var times: [Duration] = []
        for number in 1...restarts {
            waitUntilDone(part * number - part / 2)
            supervisor.signal(SIGHUP)
            waitUntilDone(part * number)
            let start = ContinuousClock.now
            try supervisor.restart()
            times.append(start.duration(to: .now))
        }
        (connecting, keeping, self.times) = (crowds[0].tally, crowds[1].tally, times)
    }

    package var description: String {
        let milliseconds = times.map { Int($0 / .milliseconds(1)) }.sorted()
        return """
            \(times.count) restarts of \(milliseconds.first ?? 0) to \(milliseconds.last ?? 0) ms; connecting for each \
            call: \(connecting); keeping connections: \(keeping)
            """
    }
}

import Glibc

/// The state of a service, as systemd's `service.c` has it.
struct SupervisedService {
    enum Phase {
        case dead, starting, running, stopping
    }

    private(set) var phase = Phase.dead
    private(set) var child: Child?
    private(set) var run = 0
    private(set) var events: [ServiceEvent] = []
    var kept: [KeptDescriptor] = []
    /// When to start it; `nil`: at a connection.
    var nextStart: ContinuousClock.Instant?
    /// Whether its end was asked for to start it anew.
    var isToRestart = false
    /// When it is ended because it told nothing; `nil`: never.
    private var watchdogEnd: ContinuousClock.Instant?
    /// Whether it is being ended because it hangs.
    private var isHung = false
    /// When the start or the stop has taken too long.
    private var limitEnd: ContinuousClock.Instant?

    var mayBeActivated: Bool { child == nil && nextStart == nil }

    private mutating func note(_ kind: ServiceEvent.Kind) {
        events.append(ServiceEvent(time: .now, run: run, kind: kind))
    }

    mutating func started(_ child: Child, _ unit: ServiceUnit) {
        self.child = child
        run += 1
        (phase, nextStart, isToRestart, watchdogEnd, isHung) = (.starting, nil, false, nil, false)
        limitEnd = .now + unit.startLimit
        note(.started)
    }

    /// What the main process tells; what another does is thrown away (`NotifyAccess=main`).
    mutating func take(_ notice: Notice, _ unit: ServiceUnit) {
        defer { notice.descriptors.forEach { close($0) } }
        guard notice.sender == child?.process else { return }
        note(.told(notice))
        if notice["READY"] == "1", phase == .starting {
            (phase, limitEnd) = (.running, nil)
            watchdogEnd = unit.watchdog.map { .now + $0 }
        }
        if notice["STOPPING"] == "1", phase == .running {
            (phase, limitEnd, watchdogEnd) = (.stopping, .now + unit.stopLimit, nil)
        }
        if let time = notice["EXTEND_TIMEOUT_USEC"].flatMap({ Int($0) }) {
            let end = ContinuousClock.now + .microseconds(time)
            limitEnd = limitEnd.map { max($0, end) }
            watchdogEnd = watchdogEnd.map { max($0, end) }
        }
        switch notice["WATCHDOG"] {
        case "1": watchdogEnd = unit.watchdog.map { .now + $0 }
        case "trigger": endHung(unit)
        default: break
        }
        if notice["FDSTOREREMOVE"] == "1", let name = notice["FDNAME"] { forget(name) }
        if notice["FDSTORE"] == "1" { keep(notice, unit) }
    }

    /// Newest first, up to so many, none twice.
    private mutating func keep(_ notice: Notice, _ unit: ServiceUnit) {
        for descriptor in notice.descriptors where kept.count < unit.keptAtMost {
            guard !kept.contains(where: { Self.areSame($0.descriptor, descriptor) }) else { continue }
            let copy = Self.outOfTheWay(dup(descriptor))
            kept.insert(KeptDescriptor(name: notice["FDNAME"] ?? "stored", descriptor: copy), at: 0)
        }
    }

    private static func areSame(_ first: CInt, _ second: CInt) -> Bool {
        var statuses = (stat(), stat())
        return unsafe fstat(first, &statuses.0) == 0 && fstat(second, &statuses.1) == 0
            && statuses.0.st_dev == statuses.1.st_dev && statuses.0.st_ino == statuses.1.st_ino
    }

    /// Moves a descriptor above the numbers that a service gets; it is closed by exec.
    static func outOfTheWay(_ descriptor: CInt) -> CInt {
        defer { close(descriptor) }
        return fcntl(descriptor, F_DUPFD_CLOEXEC, 200)
    }

    mutating func forget(_ name: String) {
        for one in kept where one.name == name { close(one.descriptor) }
        kept.removeAll { $0.name == name }
    }

    mutating func discardKept() {
        for one in kept { close(one.descriptor) }
        kept = []
    }

    mutating func signal(_ signal: CInt) {
        guard let child, !child.hasEnded else { return }
        note(.signalled(signal))
        kill(child.process, signal)
    }

    /// Begins to stop it; whoever does not end in time is killed.
    mutating func end(by signal: CInt, within limit: Duration) {
        guard child != nil else { return }
        (phase, watchdogEnd, limitEnd) = (.stopping, nil, .now + limit)
        self.signal(signal)
    }

    private mutating func endHung(_ unit: ServiceUnit) {
        guard !isHung else { return }
        isHung = true
        note(.watchdogPassed)
        end(by: SIGABRT, within: unit.stopLimit)
    }

    /// Ends what has taken too long.
    mutating func watch(_ unit: ServiceUnit) {
        guard child != nil else { return }
        if let watchdogEnd, watchdogEnd <= .now { endHung(unit) }
        guard let limitEnd, limitEnd <= .now else { return }
        note(.limitPassed)
        phase == .starting ? end(by: SIGTERM, within: unit.stopLimit) : end(by: SIGKILL, within: unit.stopLimit)
    }

    /// After a failure it is started again, after an end that it chose itself at the next connection, and then what was
    /// kept is gone.
    mutating func ended(_ code: CInt, _ unit: ServiceUnit) {
        note(.ended(code))
        (child, phase, watchdogEnd, limitEnd) = (nil, .dead, nil, nil)
        let isClean = [0] + [SIGHUP, SIGINT, SIGTERM, SIGPIPE].map { 128 + $0 }
        if isToRestart {
            nextStart = .now
        } else if !isClean.contains(code) {
            nextStart = .now + unit.restartDelay
        } else {
            discardKept()
        }
    }
}

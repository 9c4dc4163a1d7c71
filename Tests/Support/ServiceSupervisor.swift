import Foundation
package import Glibc
package import RPC
import Synchronization

/// A service manager for one service, `dsegd serve`: it does what systemd 252 does with a unit of `Type=notify`,
/// `NotifyAccess=main`, `Restart=on-failure` and its socket unit. It holds the socket and what the service gives it to
/// keep; it reads what the service tells; it ends the service that hangs; it starts it again.
package final class ServiceSupervisor: Sendable {
    package let socket: String
    private let directory: TemporaryDirectory
    private let listener: CInt
    private let notices: NotifySocket
    private let unit: Mutex<ServiceUnit>
    private let state = Mutex(SupervisedService())

    package init(_ unit: ServiceUnit, kind: __socket_type = SOCK_STREAM) throws {
        directory = try TemporaryDirectory()
        socket = "\(directory.path)/dseg.sock"
        notices = try NotifySocket(path: "\(directory.path)/notify")
        listener = kind == SOCK_STREAM ? try listen(at: socket, backlog: 256) : try bind(to: socket, kind: kind)
        self.unit = Mutex(unit)
        if !unit.isActivated { state.withLock { $0.nextStart = .now } }
        Thread.detachNewThread { [weak self] in
            while self?.turn() != nil {}
        }
    }

    deinit {
        close(listener)
        state.withLock { $0.discardKept() }
    }

    // MARK: What is asked of it

    /// A new connection.
    package func client() throws(RPCStatus) -> Client { try Client(path: socket) }

    /// Changes the unit for the next start.
    package func change(_ body: (inout ServiceUnit) -> Void) { unit.withLock { body(&$0) } }

    /// `systemctl restart`: ends the service by SIGTERM, starts it, and waits until it is ready.
    package func restart() throws {
        let run = state.withLock { state in
            (state.nextStart, state.isToRestart) = (nil, true)
            state.end(by: SIGTERM, within: unit.withLock(\.stopLimit))
            if state.child == nil { state.nextStart = .now }
            return state.run
        }
        try waitUntilReady(run: run + 1)
    }

    /// `systemctl stop`: ends the service by SIGTERM. The socket stays: the next connection starts it again.
    ///
    /// - Returns: the exit code; `nil` for one that does not run or does not end
    package func stop() -> CInt? {
        let child = state.withLock { state in
            state.nextStart = nil
            state.end(by: SIGTERM, within: unit.withLock(\.stopLimit))
            return state.child
        }
        guard let child, eventually({ state.withLock { $0.child !== child } }) else { return nil }
        return child.ending
    }

    /// Sends a signal to the service, such as SIGKILL, after which it is started again, or SIGHUP, which reloads.
    package func signal(_ signal: CInt) { state.withLock { $0.signal(signal) } }

    /// Waits until the service that was started as often is ready, and nobody stops it.
    package func waitUntilReady(run: Int) throws {
        let isReady = eventually { state.withLock { $0.run >= run && $0.phase == .running } }
        guard isReady else { throw RPCStatus(.unavailable, "run \(run) is not ready: \(log)") }
    }

    // MARK: What it knows

    package var process: pid_t? { state.withLock { $0.child?.process } }

    /// How many times the service was started.
    package var run: Int { state.withLock(\.run) }

    /// All that happened so far.
    package var events: [ServiceEvent] { state.withLock(\.events) }

    /// What the service wrote to stderr.
    package var log: String {
        (try? String(contentsOf: URL(filePath: "\(directory.path)/log"), encoding: .utf8)) ?? ""
    }

    /// What it keeps for the service, in the order in which it hands it over.
    package var kept: [KeptDescriptor] { state.withLock(\.kept) }

    /// Hands over something else of a name at the next start; the descriptor becomes the supervisor's.
    package func replace(_ name: String, by descriptor: CInt) {
        state.withLock { state in
            state.forget(name)
            state.kept.append(KeptDescriptor(name: name, descriptor: SupervisedService.outOfTheWay(descriptor)))
        }
    }

    /// Waits for an event of the first words.
    package func tells(_ words: String, run: Int) -> Bool {
        eventually { events.contains { $0.run >= run && $0.words.first?.hasPrefix(words) == true } }
    }

    // MARK: Its thread

    /// Waits a little for something to happen, and does what is due.
    private func turn() {
        var questions = [
            pollfd(fd: notices.descriptor, events: Int16(POLLIN), revents: 0),
            // A negative number is passed over: only while no service runs a connection starts one.
            pollfd(fd: state.withLock { $0.mayBeActivated } ? listener : -1, events: Int16(POLLIN), revents: 0),
        ]
        _ = unsafe poll(&questions, 2, 2)
        let unit = unit.withLock { $0 }
        state.withLock { state in
            // First whether it has ended: what it told before is then there to be read.
            let ending = state.child?.ending
            while let notice = notices.received() { state.take(notice, unit) }
            if let ending { state.ended(ending, unit) }
            state.watch(unit)
            guard state.child == nil else { return }
            let isAsked = questions[1].revents != 0 && state.nextStart == nil
            if isAsked || state.nextStart.map({ $0 <= .now }) == true { start(unit, &state) }
        }
    }

    private func start(_ unit: ServiceUnit, _ state: inout SupervisedService) {
        let socket = KeptDescriptor(name: unit.socketName, descriptor: listener)
        let others = unit.others + state.kept
        let all = unit.isSocketLast ? others + [socket] : [socket] + others
        let moved = all.map { SupervisedService.outOfTheWay(dup($0.descriptor)) }
        defer { moved.forEach { close($0) } }
        do {
            // A process knows its own number only when it runs.
            let shell = ["/bin/sh", "-c", "LISTEN_PID=$$ WATCHDOG_PID=$$ exec \"$@\"", "sh"]
            let program = ["\(Repository.programs)/dsegd", "serve"] + unit.options
            state.started(
                try Child(
                    shell + unit.runner + program,
                    environment: unit.variables(notify: "\(directory.path)/notify", names: all.map(\.name)),
                    errors: "\(directory.path)/log", descriptors: moved), unit)
        } catch {
            state.nextStart = .now + unit.restartDelay
        }
    }
}

import Glibc
package import RPC

/// A connection with many calls at once, which never blocks. It holds what comes to a rule: each call ends once, by its
/// end or by a status, and nothing comes of a call that is not open.
package final class BusyConnection {
    /// How a call ended.
    package enum Ending: Hashable, Sendable {
        case done
        case failed(RPCStatus.Code)
        /// With a failure that says when to ask again.
        case refused(Refusal.Reason)
        /// With its connection.
        case closed
    }

    package struct Call: Sendable {
        package let sent: ContinuousClock.Instant
        package let ended: ContinuousClock.Instant
        package let ending: Ending

        /// In seconds.
        package var time: Double { sent.duration(to: ended) / .seconds(1) }
    }

    private let descriptor: CInt
    private var decoder = FrameDecoder()
    private var nextStream: UInt32 = 1
    private var open: [UInt32: ContinuousClock.Instant] = [:]
    private var unsent: [UInt8] = []
    /// Those that have ended since they were last taken.
    private var ended: [Call] = []
    package private(set) var isClosed = false
    /// What broke the rule.
    package private(set) var breaches: [String] = []

    package init(to path: String) throws {
        descriptor = try connect(to: path)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { Glibc.close(descriptor) }

    /// Calls that have not ended.
    package var openCalls: Int { open.count }

    /// What poll(2) is to look for.
    private var events: Int16 { Int16(unsent.isEmpty ? POLLIN : POLLIN | POLLOUT) }

    /// The calls that have ended since this was last asked.
    package func takeEnded() -> [Call] {
        defer { ended = [] }
        return ended
    }

    /// Sends a request, or as much of it as there is room for.
    package func begin(_ method: Method, _ payload: [UInt8], timeout: Duration? = nil) throws {
        guard !isClosed else { return }
        unsent += try ClientCall(method, stream: nextStream, payload: payload, timeout: timeout).opening
        open[nextStream] = .now
        nextStream += 2
        send()
    }

    /// Sends what could not be sent before.
    private func send() {
        while !unsent.isEmpty, !isClosed {
            let count = unsafe unsent.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count < 0 { return errno == EAGAIN ? () : close() }
            unsent.removeFirst(count)
        }
    }

    /// Takes what has come.
    private func receive() {
        while !isClosed {
            var code: CInt = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                let got = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
                code = got < 0 ? errno : 0
                count = max(0, got)
            }
            if code == EAGAIN { return }
            guard !bytes.isEmpty else { return close() }
            decoder.append(bytes)
            do {
                while let event = try decoder.next() { take(event) }
            } catch {
                breaches.append("\(error)")
                close()
            }
        }
    }

    private func take(_ event: FrameDecoder.Event) {
        guard case .frame(let frame) = event, open[frame.stream] != nil else {
            return breaches.append("of no open call: \("\(event)".prefix(200))")
        }
        switch frame.kind {
        case .data:
            if frame.flags.contains(.remoteClosed) { end(frame.stream, .done) }
        case .response:
            do {
                switch try CallResponse(decoding: frame.payload) {
                case .success: end(frame.stream, .done)
                case .failure(let status):
                    end(frame.stream, status.refusal.map { .refused($0.reason) } ?? .failed(status.code))
                }
            } catch {
                breaches.append("\(error)")
            }
        case .request: breaches.append("a request, of the daemon's")
        }
    }

    private func end(_ stream: UInt32, _ ending: Ending) {
        guard let sent = open.removeValue(forKey: stream) else { return }
        ended.append(Call(sent: sent, ended: .now, ending: ending))
    }

    /// Waits until something comes, or there is room to send, and takes and sends it.
    package static func wait(_ connections: [BusyConnection], milliseconds: CInt) {
        // A negative number is passed over.
        var questions = connections.map { pollfd(fd: $0.isClosed ? -1 : $0.descriptor, events: $0.events, revents: 0) }
        _ = unsafe poll(&questions, nfds_t(questions.count), milliseconds)
        for (question, connection) in zip(questions, connections) where question.revents != 0 {
            connection.send()
            connection.receive()
        }
    }

    /// Hangs up: whatever is open ends by that.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        shutdown(descriptor, CInt(SHUT_RDWR))
        for stream in open.keys { end(stream, .closed) }
    }
}

/// One thread's load on a daemon, over several connections in turn. It sleeps while there is nothing to do.
package struct Load {
    /// When the next call is made.
    package enum Pace: Sendable {
        /// So many a second, whatever becomes of those before.
        case rate(Double)
        /// When fewer than so many are open.
        case open(Int)
    }

    package private(set) var calls: [BusyConnection.Call] = []
    package private(set) var breaches: [String] = []
    package let begin = ContinuousClock.now

    /// How long it waits for the last calls.
    private static let patience = Duration.seconds(60)

    /// - Parameters:
    ///   - count: of connections
    ///   - time: for which calls are made
    ///   - request: of a call, by its number
    package init(
        on path: String, connections count: Int, _ pace: Pace, for time: Duration,
        _ request: (Int) throws -> (method: Method, payload: [UInt8])
    ) throws {
        let connections = try (0..<count).map { _ in try BusyConnection(to: path) }
        let end = begin + time
        var number = 0
        while true {
            let now = ContinuousClock.now
            while now < end, isDue(number, pace, now) {
                let (method, payload) = try request(number)
                try connections[number % count].begin(method, payload)
                number += 1
            }
            let isOver = now >= end && calls.count + connections.reduce(0) { $0 + $1.openCalls } == calls.count
            if isOver || now >= end + Self.patience { break }
            wait(connections, until: now < end ? dueTime(number, pace) : nil)
        }
        for connection in connections {
            if connection.openCalls > 0 { breaches.append("\(connection.openCalls) calls never ended") }
            breaches += connection.breaches
        }
    }

    private func isDue(_ number: Int, _ pace: Pace, _ now: ContinuousClock.Instant) -> Bool {
        switch pace {
        case .rate: dueTime(number, pace).map { $0 <= now } ?? false
        case .open(let most): number - calls.count < most
        }
    }

    private func dueTime(_ number: Int, _ pace: Pace) -> ContinuousClock.Instant? {
        guard case .rate(let rate) = pace else { return nil }
        return begin + .seconds(Double(number) / rate)
    }

    private mutating func wait(_ connections: [BusyConnection], until due: ContinuousClock.Instant?) {
        let left = due.map { ContinuousClock.now.duration(to: $0) / .milliseconds(1) } ?? 50
        BusyConnection.wait(connections, milliseconds: CInt(max(0, min(50, left.rounded(.up)))))
        for connection in connections { calls += connection.takeEnded() }
    }
}

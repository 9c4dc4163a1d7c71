import Glibc
import Logging
import NIOCore
import NIOPosix
import Segmentation

/// The connections that are open, and what they share: quotas, the courier, the listener. Lives on the event loop.
final class ConnectionTable {
    let service: Service
    let courier: Courier
    var incoming: Quota
    var answers: Quota
    private let eventLoop: any EventLoop
    private var connections: [UInt64: Connection] = [:]
    private var places: Quota
    private var lastNumber: UInt64 = 0
    private var listener: Listener?
    private var lastRefusal = NIODeadline.uptimeNanoseconds(0)
    /// Calls that are not answered yet.
    var openCalls = 0 {
        didSet { if openCalls == 0 { quiet?.succeed() } }
    }
    /// Told when no call is open.
    private var quiet: EventLoopPromise<Void>?
    /// Whether there may be freed memory that the allocator keeps.
    private var hasTraffic = false

    /// How often a full table looks whether somebody waits, and the table whether all is at rest.
    private static let patience = TimeAmount.milliseconds(100)
    private static let restAfter = TimeAmount.seconds(5)
    /// Refusals are logged once in this time.
    private static let refusalPause = TimeAmount.seconds(1)

    /// - Parameter pool: the courier's
    init(_ service: Service, pool: NIOThreadPool, eventLoop: any EventLoop) {
        self.service = service
        self.eventLoop = eventLoop
        courier = Courier(pool, eventLoop: eventLoop)
        incoming = Quota(service.limits.incomingBytes)
        answers = Quota(service.limits.answerBytes)
        places = Quota(service.limits.connections)
    }

    var all: [Connection] { Array(connections.values) }

    // MARK: Who comes in

    /// Watches the listener, which stops accepting where there is no place.
    func attend(_ listener: Listener) {
        self.listener = listener
        rest()
    }

    /// Gives a connection its place; `nil` where its user has too many that are at work.
    func admit(_ channel: any Channel, owner: UInt32) -> Connection? {
        if places.left(for: owner) < 1 { _ = closeIdle(of: owner) }
        guard places.take(1, for: owner) else {
            if .now() - lastRefusal >= Self.refusalPause {
                lastRefusal = .now()
                let share = places.share
                service.log.warning(
                    "uid \(owner): connection refused, of \(share.perUser) for a user and \(share.all) for all")
            }
            return nil
        }
        lastNumber += 1
        let caller = Caller(owner: owner, connection: lastNumber)
        let connection = Connection(channel, caller: caller, service: service, table: self)
        connections[lastNumber] = connection
        if places.used == places.share.all { waitForPlace() }
        return connection
    }

    func closed(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.caller.connection) != nil else { return }
        places.giveBack(1, of: connection.owner)
        hasTraffic = true
    }

    /// Accepts nobody until there is a place: one that has been left, or that of a connection that has been idle the
    /// longest, if somebody waits for it.
    private func waitForPlace() {
        listener?.pause()
        eventLoop.assumeIsolated().scheduleTask(in: Self.patience) {
            guard let listener = self.listener else { return }
            let hasPlace = self.places.used < self.places.share.all
            if hasPlace || listener.hasWaiting && self.closeIdle(of: nil) {
                listener.resume()
            } else {
                self.waitForPlace()
            }
        }
    }

    /// Closes the connection, of one user or of any, that has had nothing to do for the longest time.
    private func closeIdle(of owner: UInt32?) -> Bool {
        let idle = connections.values.lazy.filter { owner == nil || $0.owner == owner }
            .compactMap { connection in connection.idleSince.map { (connection, since: $0) } }
        guard let oldest = idle.min(by: { $0.since < $1.since }), .now() - oldest.since >= service.limits.idle else {
            return false
        }
        service.log.info("uid \(oldest.0.owner): closed while idle, to make room")
        oldest.0.close()
        return true
    }

    // MARK: What they do

    func noteTraffic() {
        hasTraffic = true
    }

    /// Cancels the user's calls of that name; returns how many. The empty name is none.
    func cancel(_ requestID: String, owner: UInt32) -> Int {
        connections.values.lazy.filter { $0.owner == owner }.reduce(0) { $0 + $1.cancel(requestID) }
    }

    /// From time to time, when nothing is under way, gives the system what the allocator keeps of freed memory.
    private func rest() {
        eventLoop.assumeIsolated().scheduleTask(in: Self.restAfter) {
            if self.hasTraffic, self.incoming.used == 0, self.answers.used == 0 {
                self.hasTraffic = false
                self.courier.run { Engine.releaseFreedMemory() }
            }
            if self.listener != nil { self.rest() }
        }
    }

    /// No more connections come.
    ///
    /// - Parameter stall: how long readers may stall from here on
    /// - Returns: succeeds when no call is open
    func closeListener(stall: TimeAmount) -> EventLoopFuture<Void> {
        listener = nil
        for connection in connections.values { connection.backlog.hurry(stall: stall) }
        let promise = eventLoop.makePromise(of: Void.self)
        quiet = promise
        if openCalls == 0 { promise.succeed() }
        return promise.futureResult
    }
}

/// The listener's side of the table.
final class Listener: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let channel: any Channel
    private let descriptor: CInt
    /// How long nobody is accepted where the system has no descriptors or memory.
    private static let pause = TimeAmount.seconds(1)

    init(_ channel: any Channel, descriptor: CInt) {
        self.channel = channel
        self.descriptor = descriptor
    }

    /// Whether somebody waits to be accepted.
    var hasWaiting: Bool {
        var listener = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&listener, 1, 0) == 1
    }

    func pause() {
        channel.setOption(.autoRead, value: false).whenFailure { _ in }
    }

    func resume() {
        channel.setOption(.autoRead, value: true).whenFailure { _ in }
    }

    /// A descriptor that cannot be accepted stays readable: the loop would spin on it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        pause()
        channel.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.resume() }
        context.fireErrorCaught(error)
    }
}

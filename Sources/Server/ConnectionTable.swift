import Logging
import NIOCore
import NIOPosix
import RPC
import Segmentation
import Texts

/// The connections that are open, and what they share: quotas, the drawing thread, the listener. Lives on the event
/// loop.
final class ConnectionTable {
    let service: Service
    let drawing: DrawingThread
    let turns: FrameTurns
    var incoming: Quota
    var answers: Quota
    private let eventLoop: any EventLoop
    private var connections: [UInt64: Connection] = [:]
    private var places: Quota
    private var waiting: [Waiting] = []
    private var lastNumber: UInt64 = 0
    private var listener: Listener?
    private var lastRefusal = NIODeadline.uptimeNanoseconds(0)
    /// Bytes of answers that wait for their readers.
    var unread = 0
    /// Calls that are not answered yet, and those of them that their clients have named.
    private var openCalls = 0
    private var named: [CallName: [(connection: Connection, stream: UInt32)]] = [:]
    /// Told when no call is open.
    private var quiet: EventLoopPromise<Void>?
    /// Whether there may be freed memory that the allocator keeps.
    private var hasTraffic = false

    private struct Waiting {
        let channel: any Channel
        let owner: UInt32
        let since = NIODeadline.now()
        let promise: EventLoopPromise<Void>
    }

    /// How often a full table looks for places, and how often somebody looks whether freed memory may go back.
    private static let patience = TimeAmount.milliseconds(50)
    private static let restAfter = TimeAmount.seconds(5)
    /// Refusals are logged once in this time.
    private static let refusalPause = TimeAmount.seconds(1)

    /// - Parameter pool: of the drawing thread
    init(_ service: Service, pool: NIOThreadPool, eventLoop: any EventLoop) {
        self.service = service
        self.eventLoop = eventLoop
        drawing = DrawingThread(pool, eventLoop: eventLoop)
        turns = FrameTurns(eventLoop)
        incoming = Quota(service.limits.incomingBytes)
        answers = Quota(service.limits.answerBytes)
        places = Quota(service.limits.connections)
    }

    var all: [Connection] { Array(connections.values) }

    // MARK: Who comes in

    /// Watches the listener, which stops accepting where there is no place.
    func watch(_ listener: Listener) {
        self.listener = listener
        rest()
    }

    /// Gives a connection its place, as soon as there is one.
    ///
    /// - Returns: fails where all that the user may have are at work, or where it takes too long
    func admit(_ channel: any Channel, owner: UInt32) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        if place(channel, owner: owner, promise, after: service.limits.idle) { return promise.futureResult }
        if hasWholeShare(owner), mayGiveWay(to: owner).isEmpty {
            refuse(promise, owner)
            return promise.futureResult
        }
        waiting.append(Waiting(channel: channel, owner: owner, promise: promise))
        listener?.isCrowded = waiting.count >= service.limits.waiting
        if waiting.count == 1 { lookForPlaces() }
        return promise.futureResult
    }

    func closed(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.caller.connection) != nil else { return }
        places.giveBack(1, of: connection.owner)
        hasTraffic = true
    }

    /// Takes a place: a free one, or that of a connection that is idle.
    ///
    /// - Parameters:
    ///   - promise: told whether all is well with the connection at its place
    ///   - silence: how long a connection must have been idle to give way
    private func place(
        _ channel: any Channel, owner: UInt32, _ promise: EventLoopPromise<Void>, after silence: TimeAmount
    ) -> Bool {
        if places.left(for: owner) < 1 { closeIdle(for: owner, after: silence) }
        guard places.take(1, for: owner) else { return false }
        lastNumber += 1
        let caller = Caller(owner: owner, connection: lastNumber)
        let connection = Connection(channel, caller: caller, service: service, table: self)
        connections[lastNumber] = connection
        // Where it is closed before it has begun, it is never told so itself.
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.closed(connection) }
        promise.completeWith(Result { try channel.pipeline.syncOperations.addHandler(connection) })
        return true
    }

    /// From time to time, as long as somebody waits, looks whether there is a place.
    private func lookForPlaces() {
        eventLoop.assumeIsolated().scheduleTask(in: Self.patience) {
            self.waiting = self.waiting.filter { waiting in
                // Who has waited as long as others may be silent is not kept out by those who say something in time.
                let limits = self.service.limits
                let hasWaited = .now() - waiting.since
                let silence = hasWaited < limits.idle ? limits.idle : .zero
                let isPlaced = self.place(waiting.channel, owner: waiting.owner, waiting.promise, after: silence)
                if !isPlaced, hasWaited < limits.wait { return true }
                if !isPlaced { self.refuse(waiting.promise, waiting.owner) }
                return false
            }
            self.listener?.isCrowded = self.waiting.count >= self.service.limits.waiting
            if !self.waiting.isEmpty { self.lookForPlaces() }
        }
    }

    private func refuse(_ promise: EventLoopPromise<Void>, _ owner: UInt32) {
        promise.fail(ChannelError.operationUnsupported)
        guard .now() - lastRefusal >= Self.refusalPause else { return }
        lastRefusal = .now()
        service.log.warning(
            "uid \(owner): connection refused, of \(places.share.perUser) for a user and \(places.share.all) for all")
    }

    /// Closes a connection that gives way to another of `owner`'s, if it has been idle for long enough: of those of the
    /// user who has most places the one that has been so for the longest time.
    private func closeIdle(for owner: UInt32, after silence: TimeAmount) {
        let now = NIODeadline.now()
        func rank(_ idle: (connection: Connection, since: NIODeadline)) -> (Int, TimeAmount) {
            (places.used(by: idle.connection.owner), now - idle.since)
        }
        let longEnough = mayGiveWay(to: owner).filter { now - $0.since >= silence }
        guard let idle = longEnough.max(by: { rank($0) < rank($1) })?.connection else { return }
        service.log.info("uid \(idle.owner): closed while idle, to make room")
        idle.close()
    }

    /// The connections that are idle: of all users, or of `owner` alone where no other's place would help.
    private func mayGiveWay(to owner: UInt32) -> [(connection: Connection, since: NIODeadline)] {
        connections.values.filter { $0.owner == owner || !hasWholeShare(owner) }
            .compactMap { connection in connection.idleSince.map { (connection, $0) } }
    }

    private func hasWholeShare(_ owner: UInt32) -> Bool {
        places.used(by: owner) >= places.share.perUser
    }

    // MARK: What they do

    func noteTraffic() {
        hasTraffic = true
    }

    /// A client's name for its calls, which are then cancelled together.
    private struct CallName: Hashable {
        let owner: UInt32
        let name: ExactString
    }

    func opened(_ stream: UInt32, of connection: Connection, named name: String) {
        openCalls += 1
        guard !name.isEmpty else { return }
        named[CallName(owner: connection.owner, name: ExactString(name)), default: []].append((connection, stream))
    }

    func ended(_ stream: UInt32, of connection: Connection, named name: String) {
        openCalls -= 1
        if openCalls == 0 { quiet?.succeed() }
        guard !name.isEmpty else { return }
        let key = CallName(owner: connection.owner, name: ExactString(name))
        named[key]?.removeAll { $0.connection === connection && $0.stream == stream }
        if named[key]?.isEmpty == true { named[key] = nil }
    }

    /// Cancels the user's calls of that name; returns how many. The empty name is none.
    func cancel(_ requestID: String, owner: UInt32) -> Int {
        let calls = named[CallName(owner: owner, name: ExactString(requestID))] ?? []
        for call in calls { call.connection.fail(call.stream, with: RPCStatus(SegmentationError.cancelled)) }
        return calls.count
    }

    /// From time to time, when nothing is under way, gives the system what the allocator keeps of freed memory.
    private func rest() {
        eventLoop.assumeIsolated().scheduleTask(in: Self.restAfter) {
            if self.hasTraffic, self.incoming.used == 0, self.answers.used == 0 {
                self.hasTraffic = false
                self.drawing.run { Engine.releaseFreedMemory() }
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
        for waiting in waiting { waiting.promise.fail(ChannelError.eof) }
        waiting = []
        for connection in connections.values { connection.backlog.shortenStall(to: stall) }
        let promise = eventLoop.makePromise(of: Void.self)
        quiet = promise
        if openCalls == 0 { promise.succeed() }
        return promise.futureResult
    }
}

/// Accepts connections while it may.
final class Listener: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let channel: any Channel
    /// Whether so many wait inside that the others wait outside.
    var isCrowded = false {
        didSet { if isCrowded != oldValue { listen() } }
    }
    /// Whether the system has no descriptors or memory for another.
    private var isShort = false {
        didSet { if isShort != oldValue { listen() } }
    }

    /// How long nobody is accepted then.
    private static let pause = TimeAmount.seconds(1)

    init(_ channel: any Channel) {
        self.channel = channel
    }

    private func listen() {
        channel.setOption(.autoRead, value: !isCrowded && !isShort).whenFailure { _ in }
    }

    /// A descriptor that cannot be accepted stays readable: the loop would spin on it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isShort = true
        channel.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.isShort = false }
        context.fireErrorCaught(error)
    }
}

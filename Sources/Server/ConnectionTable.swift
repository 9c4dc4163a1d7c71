import Limits
import Logging
import NIOCore
import NIOPosix
import RPC
import Segmentation
import Texts

/// The open connections, and what they share: quotas, the drawing thread, the listener. Confined to the event loop.
final class ConnectionTable {
    let service: Service
    let drawing: DrawingThread
    let turns: FrameTurns
    var incoming: Quota
    var answers: Quota
    private let eventLoop: any EventLoop
    private var connections: [UInt64: Connection] = [:]
    /// Of all connections; how many of them are one user's, see ``share(of:)``.
    private(set) var places: Quota
    private var waiting: [Waiting] = []
    /// Those that are told that there is no place, the oldest first.
    private var refused: [RefusedConnection] = []
    /// What became of the users' calls.
    var users = UserRecords()
    /// Connections that were let in, and those that were not.
    private(set) var lastNumber: UInt64 = 0
    private(set) var refusals: UInt64 = 0
    private var listener: Listener?
    private var lastRefusal = NIODeadline.uptimeNanoseconds(0)
    /// Bytes in the write backlogs of all connections.
    var unread = 0
    var counts = CallCounts()
    /// The number of open calls, and those with a request identifier, for `Cancel`.
    private(set) var openCalls = 0
    private var callCount: UInt64 = 0
    private var named: [CallName: [(connection: Connection, stream: UInt32)]] = [:]
    /// When the last call ended.
    private var lastCall = NIODeadline.now()
    /// Set while draining; succeeds when no call is open and none is expected.
    private var quiet: EventLoopPromise<Void>?
    /// Whether a first call is still waited for while draining.
    private var isPatient = true
    /// Whether bytes came or a connection closed since memory was last trimmed, so that malloc may hold freed pages.
    private var hasTraffic = false

    private struct Waiting {
        let channel: any Channel
        let peer: Peer
        let since = NIODeadline.now()
        let promise: EventLoopPromise<Void>
    }

    /// How often a full table retries to admit waiting connections.
    private static let retryInterval = TimeAmount.milliseconds(50)
    /// How often freed memory is returned to the system.
    private static let trimInterval = TimeAmount.seconds(5)
    /// At most one refusal is logged in this time.
    private static let refusalPause = TimeAmount.seconds(1)

    /// - Parameters:
    ///   - pool: of the drawing thread
    ///   - reading: of the thread that reads large frames
    init(_ service: Service, pool: NIOThreadPool, reading: NIOThreadPool, eventLoop: any EventLoop) {
        self.service = service
        self.eventLoop = eventLoop
        drawing = DrawingThread(pool, eventLoop: eventLoop)
        turns = FrameTurns(eventLoop, reading: reading)
        incoming = Quota(service.limits.incomingBytes, .incomingBytes)
        answers = Quota(service.limits.answerBytes, .answerBytes)
        let places = service.limits.connections.all
        self.places = Quota(ServerLimits.Share(all: places, perUser: places), .connections)
    }

    var all: [Connection] { Array(connections.values) }
    subscript(number: UInt64) -> Connection? { connections[number] }

    // MARK: Admission

    /// Takes over the listener, which is paused while too many connections wait for a place.
    func watch(_ listener: Listener) {
        self.listener = listener
        scheduleTrim()
    }

    /// Gives a connection one of the ``ServerLimits/connections``, as soon as one is free; one of somebody who may not
    /// use the daemon takes none.
    ///
    /// One whose user's quota is used up, and none of whose connections is idle, is refused, and so is any after
    /// ``ServerLimits/wait``.
    ///
    /// - Returns: succeeds when the channel has its handler
    func admit(_ channel: any Channel, of peer: Peer) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        guard service.standing(of: peer) != nil else {
            tell(AccessPolicy.refusal(of: peer), to: channel, promise, peer.user)
            return promise.futureResult
        }
        if place(channel, of: peer, promise, after: service.limits.idle) { return promise.futureResult }
        if hasWholeShare(peer.user), mayGiveWay(to: peer.user).isEmpty {
            refuse(channel, promise, peer.user)
            return promise.futureResult
        }
        waiting.append(Waiting(channel: channel, peer: peer, promise: promise))
        noteCrowd()
        if waiting.count == 1 { lookForPlaces() }
        return promise.futureResult
    }

    func closed(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.caller.connection) != nil else { return }
        places.giveBack(1, of: connection.owner)
        hasTraffic = true
        noteQuiet()
    }

    /// Takes a free place, or evicts an idle connection for it.
    ///
    /// - Parameters:
    ///   - promise: completed with the result of adding the channel's handler
    ///   - silence: how long a connection must have been idle to be evicted
    /// - Returns: `false` where there is no place; the promise is then untouched
    private func place(
        _ channel: any Channel, of peer: Peer, _ promise: EventLoopPromise<Void>, after silence: TimeAmount
    ) -> Bool {
        let owner = peer.user
        if hasWholeShare(owner) || places.left < 1 { closeIdle(for: owner, after: silence) }
        guard !hasWholeShare(owner), places.take(1, for: owner) else { return false }
        lastNumber += 1
        let caller =
            service.isProxy(owner)
            ? Caller(behind: owner, connection: lastNumber) : Caller(owner: owner, connection: lastNumber)
        let connection = Connection(channel, caller: caller, peer: peer, service: service, table: self)
        connections[lastNumber] = connection
        if service.isDraining { connection.drain() }
        // Not `channelInactive` alone: a channel that closes before its handler is added never gets that event.
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.closed(connection) }
        promise.completeWith(Result { try channel.pipeline.syncOperations.addHandler(connection) })
        return true
    }

    /// Retries to admit the waiting connections, until none is left.
    private func lookForPlaces() {
        eventLoop.assumeIsolated().scheduleTask(in: Self.retryInterval) {
            self.waiting = self.waiting.filter { waiting in
                // After that long any idle connection may be evicted, so keep-alive traffic cannot hold all places.
                let limits = self.service.limits
                let hasWaited = .now() - waiting.since
                let silence = hasWaited < limits.idle ? limits.idle : .zero
                let isPlaced = self.place(waiting.channel, of: waiting.peer, waiting.promise, after: silence)
                if !isPlaced, hasWaited < limits.wait { return true }
                if !isPlaced { self.refuse(waiting.channel, waiting.promise, waiting.peer.user) }
                return false
            }
            self.noteCrowd()
            if !self.waiting.isEmpty { self.lookForPlaces() }
        }
    }

    /// Refuses a connection: its first call is told why.
    private func refuse(_ channel: any Channel, _ promise: EventLoopPromise<Void>, _ owner: UInt32) {
        let limits = service.limits
        let own = "of \(share(of: owner)) that a user may have, you have \(places.used(by: owner))"
        let others = hasWholeShare(owner) ? "" : ", and the daemon has no more"
        tell(
            RPCStatus(
                .resourceExhausted,
                "No place for another connection: \(own)\(others): close some, or try again.",
                refusal: Refusal(.connections, delay: .nanoseconds(limits.idle.nanoseconds), queuePosition: nil)),
            to: channel, promise, owner)
    }

    /// Tells a client's first call why there is no place for it, and closes. Of those that have not asked yet the
    /// oldest goes unheard where they are half of what may wait, so that they keep nobody from being accepted.
    private func tell(
        _ status: RPCStatus, to channel: any Channel, _ promise: EventLoopPromise<Void>, _ owner: UInt32
    ) {
        let limits = service.limits
        let connection = RefusedConnection(channel, owner: owner, telling: status, within: limits.farewell)
        refused.append(connection)
        refusals += 1
        if refused.count > max(1, limits.waiting / 2) { refused[0].close() }
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            self.refused.removeAll { $0 === connection }
            self.noteCrowd()
        }
        promise.completeWith(Result { try channel.pipeline.syncOperations.addHandler(connection) })
        noteCrowd()
        guard .now() - lastRefusal >= Self.refusalPause else { return }
        lastRefusal = .now()
        service.log.warning("connection refused: \(status.message)", metadata: ["uid": .stringConvertible(owner)])
    }

    private func noteCrowd() {
        listener?.isCrowded = waiting.count + refused.count >= service.limits.waiting
    }

    /// Evicts one connection to make room for another of `owner`'s, if any has been idle for long enough: of the user
    /// with the most places, the one that has been idle longest.
    private func closeIdle(for owner: UInt32, after silence: TimeAmount) {
        let now = NIODeadline.now()
        func rank(_ idle: (connection: Connection, since: NIODeadline)) -> (Int, TimeAmount) {
            (places.used(by: idle.connection.owner), now - idle.since)
        }
        let longEnough = mayGiveWay(to: owner).filter { now - $0.since >= silence }
        guard let idle = longEnough.max(by: { rank($0) < rank($1) })?.connection else { return }
        service.log.info("connection closed while idle, to make room", metadata: idle.metadata)
        idle.close()
    }

    /// The idle connections that may be evicted: of all users, or of `owner` alone once its own quota is used up.
    private func mayGiveWay(to owner: UInt32) -> [(connection: Connection, since: NIODeadline)] {
        connections.values.filter { $0.owner == owner || !hasWholeShare(owner) }
            .compactMap { connection in connection.idleSince.map { (connection, $0) } }
    }

    /// How many connections a user has.
    func count(of owner: UInt32) -> Int { places.used(by: owner) }

    private func hasWholeShare(_ owner: UInt32) -> Bool {
        places.used(by: owner) >= share(of: owner)
    }

    /// How many places a user may have.
    private func share(of owner: UInt32) -> Int {
        service.isProxy(owner) ? service.limits.proxyConnections : service.limits.connections.perUser
    }

    // MARK: Open calls

    func noteTraffic() {
        hasTraffic = true
    }

    /// A request identifier, per user: calls with the same one are cancelled together.
    private struct CallName: Hashable {
        let owner: UInt32
        let name: ExactString
    }

    /// The number of a call that has just arrived, which no other has.
    func numberCall() -> UInt64 {
        callCount += 1
        return callCount
    }

    func opened(_ stream: UInt32, of connection: Connection, named name: String) {
        openCalls += 1
        guard !name.isEmpty else { return }
        named[CallName(owner: connection.owner, name: ExactString(name)), default: []].append((connection, stream))
    }

    func ended(_ stream: UInt32, of connection: Connection, named name: String) {
        openCalls -= 1
        lastCall = .now()
        noteQuiet()
        guard !name.isEmpty else { return }
        let key = CallName(owner: connection.owner, name: ExactString(name))
        named[key]?.removeAll { $0.connection === connection && $0.stream == stream }
        if named[key]?.isEmpty == true { named[key] = nil }
    }

    /// Cancels the user's calls with that request identifier; for an administrator, everybody's.
    ///
    /// - Returns: how many
    func cancel(_ requestID: String, owner: UInt32, _ standing: Standing) -> Int {
        let name = ExactString(requestID)
        let calls =
            standing == .administrator
            ? named.filter { $0.key.name == name }.flatMap(\.value)
            : named[CallName(owner: owner, name: name)] ?? []
        for call in calls { call.connection.fail(call.stream, with: RPCStatus(SegmentationError.cancelled)) }
        return calls.count
    }

    /// Returns malloc's freed pages to the system every few seconds, while no call holds memory.
    private func scheduleTrim() {
        eventLoop.assumeIsolated().scheduleTask(in: Self.trimInterval) {
            if self.hasTraffic, self.incoming.used == 0, self.answers.used == 0 {
                self.hasTraffic = false
                self.drawing.run { Engine.releaseFreedMemory() }
            }
            if self.listener != nil { self.scheduleTrim() }
        }
    }

    /// For how long no call has been open; `nil`: one is. Health checks and the like are no calls.
    var idle: TimeAmount? { openCalls == 0 ? .now() - lastCall : nil }

    /// Refuses the waiting connections; the listening channel is closed already.
    ///
    /// - Parameter patience: how long those who were just let in may take for their first call
    /// - Returns: succeeds when no call is open, and none is expected
    func closeListener(patience: TimeAmount) -> EventLoopFuture<Void> {
        listener = nil
        let stopping = RPCStatus(SegmentationError.stopping)
        for waiting in waiting { tell(stopping, to: waiting.channel, waiting.promise, waiting.peer.user) }
        waiting = []
        let promise = eventLoop.makePromise(of: Void.self)
        quiet = promise
        noteQuiet()
        eventLoop.assumeIsolated().scheduleTask(in: patience) {
            self.isPatient = false
            self.noteQuiet()
        }
        return promise.futureResult
    }

    /// Succeeds ``quiet`` where it is.
    func noteQuiet() {
        guard let quiet, openCalls == 0, !isPatient || !connections.values.contains(where: \.isNewcomer) else { return }
        self.quiet = nil
        quiet.succeed()
    }
}

/// Accepts connections; pauses (`autoRead`) while too many wait for a place, or after accept(2) failed.
final class Listener: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let channel: any Channel
    /// Whether so many connections wait for a place that no more are accepted: they stay in the listen(2) backlog.
    var isCrowded = false {
        didSet { if isCrowded != oldValue { listen() } }
    }
    /// Whether accept(2) failed a moment ago, for want of descriptors (EMFILE) or memory.
    private var isShort = false {
        didSet { if isShort != oldValue { listen() } }
    }

    /// The pause after a failed accept(2).
    private static let pause = TimeAmount.seconds(1)

    init(_ channel: any Channel) {
        self.channel = channel
    }

    private func listen() {
        channel.setOption(.autoRead, value: !isCrowded && !isShort).whenFailure { _ in }
    }

    /// After EMFILE the listening descriptor stays readable: without a pause the event loop would spin on it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isShort = true
        channel.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.isShort = false }
        context.fireErrorCaught(error)
    }
}

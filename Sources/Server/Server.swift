import Limits
import Glibc
package import Logging
import NIOCore
import NIOPosix
import RPC
package import Segmentation

/// Answers calls on a listening socket: one event loop for all connections, one engine for all computing, one thread
/// for all drawing, and one that reads large frames.
package final class Server: Sendable {
    private let group: MultiThreadedEventLoopGroup
    /// The drawing thread, see ``DrawingThread``.
    private let pool = NIOThreadPool(numberOfThreads: 1)
    /// The thread that reads large frames, see ``FrameTurns``.
    private let reading = NIOThreadPool(numberOfThreads: 1)
    private let service: Service
    private let listener: any Channel
    private let table: NIOLoopBound<ConnectionTable>

    /// How long clients may take to read their last answers while the daemon stops.
    static let lastReads = TimeAmount.seconds(3)
    /// How long a client that connected just before the daemon drains may take to send its call.
    private static let firstCalls = TimeAmount.seconds(1)

    /// Starts answering.
    ///
    /// - Parameters:
    ///   - descriptor: of a listening Unix socket, which the server owns from here on
    ///   - access: who is served of those who can connect
    ///   - log: gets a line of each call at its end
    ///   - logsWords: whether words of requests are logged, as of now
    package init(
        engine: Engine, listeningOn descriptor: CInt, limits: ServerLimits, access: AccessPolicy, log: Logger,
        logsWords: @escaping @Sendable () -> Bool
    ) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let service = Service(engine: engine, limits: limits, access: access, log: log, logsWords: logsWords)
        let loop = group.next()
        pool.start()
        reading.start()
        let table = try loop.submit { [pool, reading] in
            NIOLoopBound(
                ConnectionTable(service, pool: pool, reading: reading, eventLoop: loop), eventLoop: loop)
        }.wait()
        listener = try ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let listener = Listener(channel)
                    try channel.pipeline.syncOperations.addHandler(listener)
                    // NIO has called listen(2) again, with a backlog of its own.
                    Glibc.listen(descriptor, Limit.backlog)
                    table.value.watch(listener)
                }
            }
            .childChannelInitializer { channel in
                do {
                    return table.value.admit(channel, of: try Self.peer(of: channel))
                } catch {
                    return channel.eventLoop.makeFailedFuture(error)
                }
            }
            // One accept(2) a tick, so that a burst of new connections does not starve those that are open.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
            // One recv(2) of 64 KiB a tick from each connection: a fast sender does not starve the others.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1 << 16))
            .withBoundSocket(descriptor).wait()
        self.group = group
        self.service = service
        self.table = table
    }

    /// Calls `body` on the event loop, which shows that it turns, and each time again after as long as it returned;
    /// until the server drains.
    ///
    /// - Parameter body: gets for how long no call has been open; `nil`: one is
    package func tick(_ body: @escaping @Sendable (_ idle: Duration?) -> Duration) {
        let (table, loop, service) = (table, group.next(), service)
        @Sendable func turn() {
            guard !service.isDraining else { return }
            let pause = body(table.value.idle.map { .nanoseconds($0.nanoseconds) })
            loop.scheduleTask(in: TimeAmount(pause), turn)
        }
        loop.execute(turn)
    }

    /// What an administrator may change while the server runs.
    package func change(callSeconds: Int, access: AccessPolicy) {
        service.change(callSeconds: callSeconds, access: access)
    }

    /// Stops gracefully: closes the listener, reports NOT_SERVING, refuses new work but the first calls of those who
    /// had just connected, and returns when the open calls are answered and their answers sent.
    ///
    /// - Parameter grace: the time after which the calls that are still open are cancelled
    package func drain(grace: Duration) throws {
        let (table, loop) = (table, group.next())
        // In one turn of the loop: between the two a newcomer's first call would be refused.
        try loop.submit { [service] in
            service.startDraining()
            for connection in table.value.all { connection.drain() }
        }.wait()
        try listener.close().wait()
        try loop.flatSubmit {
            let isolated = loop.assumeIsolated()
            let end = isolated.scheduleTask(in: TimeAmount(grace)) {
                for connection in table.value.all { connection.cancelAll() }
            }
            let quiet = table.value.closeListener(patience: Self.firstCalls)
            quiet.whenComplete { _ in end.cancel() }
            return quiet
        }.wait()
        try loop.flatSubmit {
            let open = table.value.all
            let last = loop.assumeIsolated().scheduleTask(in: Self.lastReads) {
                for connection in open { connection.close() }
            }
            let gone = EventLoopFuture.andAllComplete(open.map { $0.leave() }, on: loop)
            gone.whenComplete { _ in last.cancel() }
            return gone
        }.wait()
        service.engine.drain()
        try pool.syncShutdownGracefully()
        try reading.syncShutdownGracefully()
        try group.syncShutdownGracefully()
    }

    /// - Throws: where the kernel does not say who it is
    private static func peer(of channel: any Channel) throws -> Peer {
        let peer = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { Peer(of: $0) }
        guard let peer = peer.flatMap(\.self) else { throw ChannelError.operationUnsupported }
        return peer
    }
}

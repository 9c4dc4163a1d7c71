import Glibc
package import Logging
import NIOCore
import NIOPosix
package import Segmentation

/// Answers calls on a listening socket: one event loop for all connections, one engine for all computing.
package final class Server: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let service: Service
    private let listener: any Channel
    private let connections: NIOLoopBoundBox<[ObjectIdentifier: Connection]>

    /// A bound for those who read their last answers slowly while the daemon stops.
    private static let lastReads = TimeAmount.seconds(3)

    /// Starts answering.
    ///
    /// - Parameter descriptor: of a listening Unix socket, the server's from here on
    package init(
        engine: Engine, listeningOn descriptor: CInt, limits: ConnectionLimits, log: Logger
    ) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let service = Service(engine: engine, limits: limits, log: log)
        let connections = NIOLoopBoundBox.makeBoxSendingValue(
            [ObjectIdentifier: Connection](), eventLoop: group.next())
        listener = try ServerBootstrap(group: group)
            .serverChannelInitializer { channel in
                // Without file descriptors to accept with, it waits instead of spinning.
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                }
            }
            .childChannelInitializer { channel in
                Self.owner(of: channel).flatMapThrowing { owner in
                    let caller = Caller(owner: owner, connection: service.nextConnection())
                    let connection = Connection(channel, caller: caller, service: service) {
                        connections.value[ObjectIdentifier($0)] = nil
                    }
                    connections.value[ObjectIdentifier(connection)] = connection
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
            .withBoundSocket(descriptor).wait()
        self.group = group
        self.service = service
        self.connections = connections
    }

    /// Stops: accepts nobody, says so to who asks, and returns when the accepted calls are answered.
    ///
    /// - Parameter grace: after which the calls that are left are cancelled
    package func drain(grace: Duration) throws {
        service.startDraining()
        try listener.close().wait()
        let engine = service.engine
        let end = group.next().scheduleTask(in: TimeAmount(grace)) { engine.cancelAll() }
        engine.drain()
        end.cancel()
        let connections = connections
        let loop = group.next()
        try loop.flatSubmit {
            let open = Array(connections.value.values)
            let gone = EventLoopFuture.andAllComplete(open.map { $0.leave() }, on: loop)
            loop.assumeIsolated().scheduleTask(in: Self.lastReads) { for connection in open { connection.close() } }
            return gone
        }.wait()
        try group.syncShutdownGracefully()
    }

    /// The kernel's word for who connected.
    private static func owner(of channel: any Channel) -> EventLoopFuture<UInt32> {
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        let credentials: EventLoopFuture<PeerCredentials> = socket.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
        return credentials.map(\.uid)
    }
}

/// Linux's `struct ucred`.
private struct PeerCredentials {
    var pid: Int32
    var uid: UInt32
    var gid: UInt32
}

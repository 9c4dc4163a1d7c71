import NIOCore
import RPC

/// The channel handler of a connection for which there is no place, or of somebody who may not use the daemon: it fails
/// the first call, and closes. Confined to the event loop.
final class RefusedConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let owner: UInt32
    private let channel: any Channel
    private let status: RPCStatus
    private var wire = ServerConnection()
    private var isAnswered = false

    /// - Parameter farewell: after how long it closes, whatever the client does
    init(_ channel: any Channel, owner: UInt32, telling status: RPCStatus, within farewell: TimeAmount) {
        self.channel = channel
        self.owner = owner
        self.status = status
        let alarm = channel.eventLoop.assumeIsolated().scheduleTask(in: farewell) { self.close() }
        channel.closeFuture.whenComplete { _ in alarm.cancel() }
    }

    func close() { channel.close(mode: .all, promise: nil) }

    /// What comes after the answer is read and dropped: a client that cannot send would not look for the answer.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isAnswered else { return }
        wire.append(unwrapInboundIn(data).readableBytesView)
        while !isAnswered, let actions = wire.next() { act(actions) }
        // A request of which only the beginning has come.
        if !isAnswered { act(wire.refuseNext(with: status)) }
    }

    private func act(_ actions: [ServerConnection.Action]) {
        for action in actions where !isAnswered {
            switch action {
            case .open(let call): if let bytes = wire.fail(call.stream, with: status) { answer(bytes) }
            case .write(let bytes): answer(bytes)
            case .close: close()
            case .message, .halfClose, .cancel: break
            }
        }
    }

    private func answer(_ bytes: [UInt8]) {
        isAnswered = true
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        channel.close(mode: .output, promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { close() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }
}

import Limits

/// One frame of ttrpc, the protocol of a connection.
///
/// ```
///  byte 0      1      2      3      4      5      6      7      8      9      10 ...
///     +------+------+------+------+------+------+------+------+------+------+---------------+
///     |  0   |  length of payload |          stream           | kind | flags|    payload    |
///     +------+------+------+------+------+------+------+------+------+------+---------------+
///       (reserved)    big-endian           big-endian
/// ```
///
/// A call is a stream. Its client opens it with a `request` whose stream number is odd and greater
/// than every one before on the connection; the payload is a ``CallRequest``.
///
/// | call             | client sends                       | server sends |
/// |------------------|------------------------------------|--------------|
/// | unary            | request                            | response     |
/// | server-streaming | request[remoteClosed]              | data..., end |
/// | client-streaming | request[remoteOpen], data..., end  | response     |
///
/// The end is a `data` frame with the flags `remoteClosed` and `noData`.
///
/// A `data` payload is the bare message; one of length zero is an empty message unless the flag
/// `noData` says that there is none. A `response` is a ``CallResponse``: the one reply or, at any
/// time, the status with which the call failed. There is no frame that cancels a call: closing the
/// connection does, or the method `Cancel`.
package struct Frame: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case request = 1
        case response = 2
        case data = 3
    }

    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Half-close: the sender of this frame sends no more on the stream.
        package static let remoteClosed = Flags(rawValue: 0x01)
        /// The sender of this request will send data.
        package static let remoteOpen = Flags(rawValue: 0x02)
        /// This data frame carries no message.
        package static let noData = Flags(rawValue: 0x04)
    }

    package static let headerLength = 10

    package let stream: UInt32
    package let kind: Kind
    package let flags: Flags
    /// At most ``Limit/frameBytes``.
    package let payload: [UInt8]

    /// - Throws: `resourceExhausted` for a payload over the limit
    package init(
        _ kind: Kind, stream: UInt32, flags: Flags, payload: [UInt8]
    ) throws(RPCStatus) {
        guard payload.count <= Limit.frameBytes else {
            throw Self.tooLong(payload.count)
        }
        self.init(checked: kind, stream: stream, flags: flags, payload: payload)
    }

    /// The end of a stream, with success.
    package static func end(of stream: UInt32) -> Frame {
        Frame(checked: .data, stream: stream, flags: [.remoteClosed, .noData], payload: [])
    }

    /// The failure of a call; its message is cut to 4,096 bytes.
    package static func failure(_ status: RPCStatus, stream: UInt32) -> Frame {
        let message = String(decoding: status.message.utf8.prefix(4096), as: UTF8.self)
        let response = CallResponse.failure(RPCStatus(status.code, message, refusal: status.refusal))
        return Frame(checked: .response, stream: stream, flags: [], payload: response.encoded())
    }

    /// For a payload that is known to be within the limit.
    init(checked kind: Kind, stream: UInt32, flags: Flags, payload: [UInt8]) {
        self.kind = kind
        self.stream = stream
        self.flags = flags
        self.payload = payload
    }

    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerLength + payload.count)
        for word in [UInt32(payload.count), stream] {
            bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) }
        }
        bytes += [kind.rawValue, flags.rawValue]
        bytes += payload
        return bytes
    }

    static func tooLong(_ length: Int) -> RPCStatus {
        RPCStatus(
            .resourceExhausted,
            """
            A message of \(length) bytes does not fit a frame (\(Limit.frameBytes) bytes); send the \
            picture by Look, or ask for smaller maps.
            """)
    }
}

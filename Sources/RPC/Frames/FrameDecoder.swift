/// Frames from bytes as they arrive, in whatever pieces.
///
/// Call ``append(_:)`` with each piece, then ``next()`` until it returns `nil`. At most one
/// incomplete frame is kept; a payload over the limit and one of an unknown kind are passed over
/// without being kept.
package struct FrameDecoder: Sendable {
    package enum Event: Equatable, Sendable {
        case frame(Frame)
        /// A frame over ``Frame/longestPayload``, reported as soon as its header is known. The
        /// frames after it are unharmed.
        case oversized(Frame.Kind, stream: UInt32, length: Int)
        /// A frame of a kind that ttrpc does not know, reported likewise: whoever gives frames their turns counts it.
        case unknown(kind: UInt8)
    }

    /// Bytes not yet decoded start at `start`.
    private var buffer: [UInt8] = []
    private var start = 0
    /// Bytes still to come of a payload that is passed over, and those that have.
    private var passing = 0
    private var passed = 0

    package init() {}

    /// Passes over the frame that is not complete, as if it were over the limit: what has come of it is let go of.
    ///
    /// - Returns: the frame; `nil` where its header has not come, or is one that ``next()`` passes over or refuses
    package mutating func passOver() -> Event? {
        guard nextBytes == nil, buffered >= Frame.headerLength, nextLength <= Frame.longestPayload,
            let kind = Frame.Kind(rawValue: buffer[start + 8])
        else { return nil }
        let (stream, length) = (nextStream, nextLength)
        pass(over: length)
        compact()
        return .oversized(kind, stream: stream, length: length)
    }

    /// Bytes kept for a frame that is not complete.
    package var buffered: Int { buffer.count - start }

    /// Frames that are over, those passed over among them.
    package private(set) var count = 0

    /// What has come of the next frame; `nil` between frames.
    package var partialBytes: Int? {
        if passing > 0 { return passed }
        return buffered > 0 ? buffered : nil
    }

    /// Of the next frame's payload, if it is complete.
    package var nextBytes: Int? {
        guard buffered >= Frame.headerLength else { return nil }
        let length = nextLength
        return buffered >= Frame.headerLength + length ? length : nil
    }

    /// What the header at hand says.
    private var nextLength: Int { Int(Self.word(buffer[start..<start + 4])) }
    private var nextStream: UInt32 { Self.word(buffer[start + 4..<start + 8]) }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        let more = min(passing, bytes.count)
        pass(more)
        buffer.append(contentsOf: bytes.dropFirst(more))
    }

    /// The next frame, or `nil` until more bytes are appended.
    ///
    /// - Throws: `invalidArgument` for bytes that are not ttrpc; nothing after them can be read
    package mutating func next() throws(RPCStatus) -> Event? {
        if buffered >= Frame.headerLength {
            let (stream, length) = (nextStream, nextLength)
            guard length < 1 << 24 else {
                throw RPCStatus(
                    .invalidArgument,
                    """
                    The first byte of a frame is \(buffer[start]) where ttrpc has 0; this peer \
                    speaks another protocol.
                    """)
            }
            let number = buffer[start + 8]
            guard let kind = Frame.Kind(rawValue: number) else {
                pass(over: length)
                return .unknown(kind: number)
            }
            guard length <= Frame.longestPayload else {
                pass(over: length)
                return .oversized(kind, stream: stream, length: length)
            }
            if buffered >= Frame.headerLength + length {
                let flags = Frame.Flags(rawValue: buffer[start + 9])
                let payload = Array(
                    buffer[start + Frame.headerLength..<start + Frame.headerLength + length])
                start += Frame.headerLength + length
                count += 1
                return .frame(Frame(checked: kind, stream: stream, flags: flags, payload: payload))
            }
        }
        compact()
        return nil
    }

    /// Lets go of what has been decoded. An idle connection keeps nothing of its largest frame.
    private mutating func compact() {
        if start == buffer.count {
            buffer = []
        } else {
            buffer.removeFirst(start)
        }
        start = 0
    }

    /// Passes over the header at hand and the payload after it.
    private mutating func pass(over length: Int) {
        start += Frame.headerLength
        (passing, passed) = (length, 0)
        let more = min(length, buffered)
        start += more
        pass(more)
        if length == 0 { count += 1 }
    }

    /// Counts bytes that are passed over.
    private mutating func pass(_ bytes: Int) {
        guard passing > 0 else { return }
        passing -= bytes
        passed += bytes
        if passing == 0 { count += 1 }
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}

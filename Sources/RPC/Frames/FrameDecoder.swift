import Limits

/// Decodes frames from bytes that arrive in pieces of any size.
///
/// Call ``append(_:)`` with each piece, then ``next()`` until it returns `nil`. A payload over the limit, or of an
/// unknown kind, is skipped as it arrives, without being buffered. A large one is gathered apart, and ``takeLarge()``
/// hands it out for another thread to read.
package struct FrameDecoder: Sendable {
    package enum Event: Equatable, Sendable {
        case frame(Frame)
        /// A frame over ``Limit/frameBytes``, reported as soon as its header is complete. The
        /// frames after it are decoded as usual.
        case oversized(Frame.Kind, stream: UInt32, length: Int)
        /// A frame of a kind that ttrpc does not define, reported likewise, so that a caller who limits frames counts
        /// it.
        case unknown(kind: UInt8)
    }

    /// The bytes from `start` on are not decoded yet.
    private var buffer: [UInt8] = []
    private var start = 0
    /// The next frame, of which the beginning has come, if it is large.
    private var large: LargeFrame?
    /// Bytes of a skipped payload: still to come, and received.
    private var skipping = 0
    private var skipped = 0

    package init() {}

    /// Skips the incomplete frame, as if it were over the limit, and frees what is buffered of it.
    ///
    /// - Returns: the frame; `nil` where its header is incomplete, or ``next()`` will skip or refuse it anyway
    package mutating func skip() -> Event? {
        if let frame = large, !frame.isComplete {
            large = nil
            (skipping, skipped) = (frame.length - frame.count, frame.count)
            return .oversized(frame.kind, stream: frame.stream, length: frame.length)
        }
        guard large == nil, nextBytes == nil, buffered >= Frame.headerLength, nextLength <= Limit.frameBytes,
            let kind = Frame.Kind(rawValue: buffer[start + 8])
        else { return nil }
        let (stream, length) = (nextStream, nextLength)
        skip(payload: length)
        compact()
        return .oversized(kind, stream: stream, length: length)
    }

    /// Bytes in memory.
    package var buffered: Int { buffer.count - start + (large.map { Frame.headerLength + $0.count } ?? 0) }

    /// The number of frames that ended, decoded or skipped.
    package private(set) var count = 0

    /// Bytes received of the next frame; `nil` between frames.
    package var partialBytes: Int? {
        if skipping > 0 { return skipped }
        return buffered > 0 ? buffered : nil
    }

    /// The payload's length of the next frame, if the frame is complete.
    package var nextBytes: Int? {
        if let large { return large.isComplete ? large.length : nil }
        guard buffered >= Frame.headerLength else { return nil }
        let length = nextLength
        return buffered >= Frame.headerLength + length ? length : nil
    }

    /// Fields of the header at `start`, which must be complete.
    private var nextLength: Int { Int(Self.word(buffer[start..<start + 4])) }
    private var nextStream: UInt32 { Self.word(buffer[start + 4..<start + 8]) }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        let more = min(skipping, bytes.count)
        countSkipped(more)
        var rest = bytes.dropFirst(more)
        if let missing = large.map({ $0.length - $0.count }), missing > 0 {
            large?.append(rest.prefix(missing))
            rest = rest.dropFirst(missing)
        }
        buffer.append(contentsOf: rest)
        collect()
    }

    /// Has what comes of the next frame gathered apart, where it is large.
    private mutating func collect() {
        guard large == nil, skipping == 0, buffered >= Frame.headerLength, nextBytes == nil,
            let kind = Frame.Kind(rawValue: buffer[start + 8]),
            (LargeFrame.least...Limit.frameBytes).contains(nextLength)
        else { return }
        var frame = LargeFrame(
            kind, stream: nextStream, flags: Frame.Flags(rawValue: buffer[start + 9]), length: nextLength)
        frame.append(buffer[(start + Frame.headerLength)...])
        (buffer, start) = ([], 0)
        large = frame
    }

    /// Takes the next frame where it was gathered apart, instead of ``next()``; `nil` where it was not, or is not
    /// complete.
    package mutating func takeLarge() -> LargeFrame? {
        guard let frame = large, frame.isComplete else { return nil }
        large = nil
        count += 1
        return frame
    }

    /// The next frame, or `nil` until more bytes are appended.
    ///
    /// - Throws: `invalidArgument` for bytes that are not ttrpc; nothing after them can be read
    package mutating func next() throws(RPCStatus) -> Event? {
        if let large = takeLarge() { return .frame(large.frame) }
        guard large == nil else { return nil }
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
                skip(payload: length)
                return .unknown(kind: number)
            }
            guard length <= Limit.frameBytes else {
                skip(payload: length)
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
        collect()
        return nil
    }

    /// Frees what was decoded, so that an idle connection does not keep the buffer of its largest frame.
    private mutating func compact() {
        if start == buffer.count {
            buffer = []
        } else {
            buffer.removeFirst(start)
        }
        start = 0
    }

    /// Skips the header at `start` and the payload after it.
    private mutating func skip(payload length: Int) {
        start += Frame.headerLength
        (skipping, skipped) = (length, 0)
        let more = min(length, buffered)
        start += more
        countSkipped(more)
        if length == 0 { count += 1 }
    }

    /// Counts received bytes of a skipped payload.
    private mutating func countSkipped(_ bytes: Int) {
        guard skipping > 0 else { return }
        skipping -= bytes
        skipped += bytes
        if skipping == 0 { count += 1 }
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// A frame whose payload is large, in the pieces in which that came. The thread that receives them neither moves nor
/// joins them: memory that is new to it costs it more time than all else, as the kernel clears each page of it.
package struct LargeFrame: Sendable {
    package let kind: Frame.Kind
    package let stream: UInt32
    private let flags: Frame.Flags
    /// Of the payload.
    package let length: Int
    /// Bytes that have come of it.
    private(set) var count = 0
    private var pieces: [[UInt8]] = []

    /// The bytes of a picture where they came, if this is a message of `Look` that has nothing but those; `nil` for any
    /// other frame, which is read as a whole.
    package var picture: [ArraySlice<UInt8>]? {
        guard kind == .data, !flags.contains(.noData), isComplete else { return nil }
        let head = Array(pieces.lazy.joined().prefix(LookRequest.longestHead))
        guard let start = LookRequest.dataStart(in: head, of: length) else { return nil }
        var skipped = 0
        return pieces.compactMap { piece in
            let here = min(start - skipped, piece.count)
            skipped += here
            return here < piece.count ? piece[here...] : nil
        }
    }

    /// The frame without its payload.
    package var envelope: Frame { Frame(checked: kind, stream: stream, flags: flags, payload: []) }

    /// The least length of such a payload: what one recv(2) of a server takes.
    package static let least = 1 << 16

    init(_ kind: Frame.Kind, stream: UInt32, flags: Frame.Flags, length: Int) {
        self.kind = kind
        self.stream = stream
        self.flags = flags
        self.length = length
    }

    var isComplete: Bool { count == length }

    /// Small pieces are merged: an array for each would cost more in headers than in bytes.
    mutating func append(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty else { return }
        count += bytes.count
        if let last = pieces.indices.last, pieces[last].count + bytes.count <= Self.least {
            pieces[last].append(contentsOf: bytes)
        } else {
            pieces.append(Array(bytes))
        }
    }

    /// The frame.
    package func joined() -> Frame {
        var payload: [UInt8] = []
        payload.reserveCapacity(length)
        for piece in pieces { payload += piece }
        return Frame(checked: kind, stream: stream, flags: flags, payload: payload)
    }
}

/// A frame whose payload is large, gathered where it is given out from: its bytes are copied once, and memory is asked
/// for once. What is new to a process costs it more time than all else, as the kernel clears each page of it.
package struct LargeFrame: Sendable {
    package let kind: Frame.Kind
    package let stream: UInt32
    private let flags: Frame.Flags
    /// Of the payload.
    package let length: Int
    private var payload: [UInt8] = []

    /// The least length of such a payload: what one recv(2) of a server takes.
    package static let least = 1 << 16

    init(_ kind: Frame.Kind, stream: UInt32, flags: Frame.Flags, length: Int) {
        self.kind = kind
        self.stream = stream
        self.flags = flags
        self.length = length
    }

    /// Bytes that have come of it.
    var count: Int { payload.count }

    var isComplete: Bool { count == length }

    /// Memory for all of it is taken when a sixteenth has come: for a header alone nobody keeps megabytes ready.
    mutating func append(_ bytes: some Collection<UInt8>) {
        if payload.capacity < length, count + bytes.count >= length / 16 { payload.reserveCapacity(length) }
        payload.append(contentsOf: bytes)
    }

    package var frame: Frame { Frame(checked: kind, stream: stream, flags: flags, payload: payload) }

    /// The frame without its payload.
    package var envelope: Frame { Frame(checked: kind, stream: stream, flags: flags, payload: []) }

    /// The bytes of a picture, if this is a message of `Look` that has nothing but those; `nil` for any other frame,
    /// which is read as a whole.
    package var picture: ArraySlice<UInt8>? {
        guard kind == .data, !flags.contains(.noData), isComplete else { return nil }
        return LookRequest.data(aloneIn: payload)
    }
}

import CMessages

/// A message of `Protos/` as a Swift value: what was decoded is well formed, and holds no pointer.
package protocol WireMessage: Equatable, Sendable {
    /// - Throws: `invalidArgument` for bytes that are not this message, text that is not UTF-8 or
    ///   holds a NUL, or an unknown enumeration value; `resourceExhausted` where reading would take
    ///   more memory than such a message deserves.
    init(decoding bytes: [UInt8]) throws(RPCStatus)

    func encoded() -> [UInt8]
}

/// How much memory reading a message may take.
///
/// A legal message takes little more than its bytes; a hostile one up to 44 times as much.
enum MemoryBudget {
    /// Messages that carry no picture and no map.
    case control
    /// Messages that carry a picture, a map, thousands of phrases, or another message.
    case bulk

    /// The budget for a message of so many bytes, itself in bytes.
    func callAsFunction(messageBytes: Int) -> Int {
        switch self {
        case .control: 1 << 20
        case .bulk: 2 * messageBytes + (4 << 20)
        }
    }
}

/// The way between a message and its protobuf-c twin, whose pointers live only as long as one of
/// these calls.
///
/// A type that has it is a ``WireMessage`` by the functions below; no other file sees a twin.
protocol PackedMessage {
    associatedtype Packed

    static var budget: MemoryBudget { get }

    /// The generated function that writes protobuf-c's initial value.
    static var initialize: (UnsafeMutablePointer<Packed>?) -> Void { get }

    init(_ packed: Packed) throws(RPCStatus)

    /// Writes the fields into an initial value; what they point at goes to the arena.
    func fill(_ packed: inout Packed, in arena: borrowing MessageArena)
}

extension PackedMessage {
    @safe package init(decoding bytes: [UInt8]) throws(RPCStatus) {
        let arena = MessageArena(budget: Self.budget(messageBytes: bytes.count))
        self = try arena.read(bytes)
    }

    @safe package func encoded() -> [UInt8] {
        MessageArena(budget: .max).write(self)
    }
}

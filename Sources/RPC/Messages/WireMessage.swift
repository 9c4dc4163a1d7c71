import Limits
import CMessages

/// A message of `Protos/` as a Swift value.
package protocol WireMessage: Equatable, Sendable {
    /// - Throws: `invalidArgument` for bytes that are not this message, text that is not UTF-8 or
    ///   holds a NUL, or an unknown enumeration value; `resourceExhausted` where decoding takes more
    ///   memory than its ``MemoryBudget``
    init(decoding bytes: [UInt8]) throws(RPCStatus)

    func encoded() -> [UInt8]
}

/// How much memory decoding a message may take.
///
/// A legal message takes little more than its bytes; a hostile one up to 44 times as much, see `arena.h`.
enum MemoryBudget {
    /// Messages that carry no picture and no map.
    case control
    /// Messages that carry a picture, a map, thousands of phrases, or another message.
    case bulk

    /// The budget for a message of so many bytes, itself in bytes.
    func callAsFunction(messageBytes: Int) -> Int {
        switch self {
        case .control: Limit.messageArenaBytes
        case .bulk: 2 * messageBytes + Limit.bulkArenaBytes
        }
    }
}

/// Converts a message from and to the struct that protobuf-c generates for it, whose pointers are valid only during the
/// call.
///
/// The extension below makes a ``WireMessage`` of such a type.
protocol PackedMessage {
    associatedtype Packed

    static var budget: MemoryBudget { get }

    /// The generated `…__init`, which writes the default values.
    static var initialize: (UnsafeMutablePointer<Packed>?) -> Void { get }

    init(_ packed: Packed) throws(RPCStatus)

    /// Writes the fields into an initialised struct; allocates what they point at in the arena.
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

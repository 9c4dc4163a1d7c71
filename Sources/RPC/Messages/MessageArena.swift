import Limits
import CMessages

/// Owns the memory in which protobuf-c decodes or encodes one message: a bump allocator, see `arena.h`.
@safe
struct MessageArena: ~Copyable {
    private let arena: UnsafeMutablePointer<dseg_arena>

    /// - Parameter budget: bytes that may be allocated
    init(budget: Int) {
        guard let arena = unsafe dseg_arena_create(budget) else {
            preconditionFailure("the system has no memory for a message")
        }
        unsafe self.arena = unsafe arena
    }

    deinit { unsafe dseg_arena_destroy(arena) }

    // MARK: Reading

    func read<Message: PackedMessage>(_ bytes: [UInt8]) throws(RPCStatus) -> Message {
        let descriptor = unsafe message(of: Message.self).descriptor
        let packed = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe dseg_unpack(arena, descriptor, bytes.baseAddress, bytes.count)
        }
        if let packed = unsafe packed {
            return unsafe try Message(packed.load(as: Message.Packed.self))
        }
        if unsafe arena.pointee.exhausted {
            let limit = Message.budget(messageBytes: bytes.count)
            throw RPCStatus(
                .resourceExhausted,
                """
                Reading this \(Message.self) of \(bytes.count) bytes takes more than \(limit) \
                bytes of memory; send fewer repeated or unknown fields.
                """)
        }
        throw RPCStatus(
            .invalidArgument,
            """
            These \(bytes.count) bytes are not a \(Message.self); encode it as Protos/ says.
            """)
    }

    // MARK: Writing

    func write<Message: PackedMessage>(_ message: Message) -> [UInt8] {
        let packed = unsafe self.message(message)
        let size = unsafe dseg_packed_size(packed)
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            guard let start = bytes.baseAddress else { return }
            count = unsafe dseg_pack(packed, start)
        }
    }

    func message<Message: PackedMessage>(_ message: Message) -> UnsafeMutablePointer<Message.Packed> {
        let initial = unsafe self.message(of: Message.self).packed
        unsafe message.fill(&initial.pointee, in: self)
        return unsafe initial
    }

    func list<Message: PackedMessage>(
        _ messages: [Message]
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message.Packed>?>? {
        let list = unsafe room(
            for: UnsafeMutablePointer<Message.Packed>?.self, count: messages.count)
        for (index, message) in messages.enumerated() {
            unsafe (list + index).initialize(to: self.message(message))
        }
        return unsafe list
    }

    func list<Number: FixedWidthInteger>(_ numbers: [Number]) -> UnsafeMutablePointer<Number> {
        let list = unsafe room(for: Number.self, count: numbers.count)
        _ = unsafe UnsafeMutableBufferPointer(start: list, count: numbers.count).update(
            from: numbers)
        return unsafe list
    }

    func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        unsafe ProtobufCBinaryData(len: bytes.count, data: list(bytes))
    }

    func text(_ text: String) -> ProtobufCBinaryData { unsafe bytes(Array(text.utf8)) }

    func texts(_ texts: [String]) -> UnsafeMutablePointer<ProtobufCBinaryData> {
        let list = unsafe room(for: ProtobufCBinaryData.self, count: texts.count)
        for (index, text) in texts.enumerated() {
            unsafe (list + index).initialize(to: self.text(text))
        }
        return unsafe list
    }

    private func message<Message: PackedMessage>(
        of _: Message.Type
    ) -> (
        packed: UnsafeMutablePointer<Message.Packed>,
        descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) {
        let packed = unsafe room(for: Message.Packed.self, count: 1)
        unsafe Message.initialize(packed)
        let base = unsafe UnsafeRawPointer(packed).load(as: ProtobufCMessage.self)
        return unsafe (packed, base.descriptor)
    }

    private func room<Value>(for _: Value.Type, count: Int) -> UnsafeMutablePointer<Value> {
        guard
            let room = unsafe dseg_arena_allocate(arena, max(1, count) * MemoryLayout<Value>.stride)
        else {
            preconditionFailure("a message's own fields fit its arena")
        }
        return unsafe room.bindMemory(to: Value.self, capacity: count)
    }
}

// MARK: Fields of an unpacked message, copied

/// What a string field is.
enum TextKind {
    /// A name or an identifier.
    case name
    /// A label, phrase, prompt or message.
    case sentence

    /// In bytes.
    var limit: Int {
        switch self {
        case .name: Limit.nameBytes
        case .sentence: Limit.sentenceBytes
        }
    }
}

/// A string field.
///
/// - Throws: `invalidArgument` for one over the limit, or that is not UTF-8 or holds a NUL
func text(
    _ data: ProtobufCBinaryData, _ field: StaticString, _ kind: TextKind
) throws(RPCStatus) -> String {
    guard unsafe data.len <= kind.limit else {
        throw RPCStatus(
            .invalidArgument,
            "\(field) of \(unsafe data.len) bytes, the limit is \(kind.limit): shorten it.")
    }
    let bytes = unsafe bytes(data)
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
        throw RPCStatus(
            .invalidArgument,
            "\(field) is not text: its \(bytes.count) bytes must be UTF-8 without NUL.")
    }
    return text
}

/// A repeated string field; throws what ``text(_:_:_:)`` throws for one of them.
func texts(
    _ start: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int, _ field: StaticString, _ kind: TextKind
) throws(RPCStatus) -> [String] {
    var texts: [String] = []
    for index in 0..<count {
        guard let data = unsafe start?[index] else { break }
        unsafe texts.append(try text(data, field, kind))
    }
    return texts
}

func bytes(_ data: ProtobufCBinaryData) -> [UInt8] { unsafe list(data.data, data.len) }

func list<Number: FixedWidthInteger>(_ start: UnsafeMutablePointer<Number>?, _ count: Int)
    -> [Number]
{
    unsafe Array(UnsafeBufferPointer(start: start, count: count))
}

func list<Message: PackedMessage>(
    _ start: UnsafeMutablePointer<UnsafeMutablePointer<Message.Packed>?>?, _ count: Int
) throws(RPCStatus) -> [Message] {
    var messages: [Message] = []
    for index in 0..<count {
        guard let packed = unsafe start?[index] else { continue }
        unsafe messages.append(try Message(packed.pointee))
    }
    return messages
}

/// An enumeration field.
///
/// - Throws: `invalidArgument` for a value that this version does not know: taking it for the default would answer
///   another request
func choice<Choice: RawRepresentable & CaseIterable>(
    _ value: Choice.RawValue, _ field: StaticString
) throws(RPCStatus) -> Choice {
    guard let choice = Choice(rawValue: value) else {
        let known = Choice.allCases.map { "\($0.rawValue) (\($0))" }.joined(separator: ", ")
        throw RPCStatus(.invalidArgument, "\(field) \(value) is unknown; known are \(known).")
    }
    return choice
}

import CMessages
import CProtobufC
@testable import RPC

extension FuzzTarget {
    /// Bytes as each message of the wire; the first byte chooses which.
    ///
    /// 16 KiB: a hostile message takes 44 times its bytes, which a control message's budget of 1 MiB must stop.
    static let messages = FuzzTarget(
        name: "messages", longest: 32 << 10, mebibytes: 1024,
        words: [
            [0x80, 0x80, 0x80, 0x80, 0x10], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], [0x18, 1],
        ],
        seeds: { Messages.seeds },
        run: { bytes in
            guard let first = bytes.first else { return }
            Messages.all[Int(first) % Messages.all.count].check(Array(bytes.dropFirst()))
        })
}

enum Messages {
    /// A type of message, its laws and its seeds.
    struct Kind: Sendable {
        let check: @Sendable ([UInt8]) -> Void
        let seeds: @Sendable () -> [[UInt8]]

        init<Message: WireMessage & PackedMessage>(_: Message.Type) {
            check = { Messages.check(Message.self, $0) }
            seeds = {
                let packed = UnsafeMutablePointer<Message.Packed>.allocate(capacity: 1)
                defer { unsafe packed.deallocate() }
                unsafe Message.initialize(packed)
                let base = unsafe UnsafeRawPointer(packed).load(as: ProtobufCMessage.self)
                return unsafe Sample.messages(base.descriptor.pointee)
            }
        }
    }

    /// In an order that stays, for findings name a type by its place: new ones come last.
    static let all: [Kind] = [
        Kind(ScoreMap.self), Kind(IndexMask.self), Kind(LookRequest.self), Kind(LookReply.self),
        Kind(CancelRequest.self), Kind(CancelReply.self), Kind(CallRequest.self), Kind(RPC.Metadata.self),
        Kind(CallResponse.self), Kind(RPCStatus.self), Kind(HealthCheckRequest.self), Kind(HealthCheckResponse.self),
        Kind(Header.self), Kind(UnderstoodLabel.self), Kind(UnderstoodPhrase.self), Kind(SegmentRequest.self),
        Kind(Label.self), Kind(Phrase.self), Kind(Vocabulary.self), Kind(Candidate.self), Kind(Probe.self),
        Kind(ProbedMap.self), Kind(Choice.self), Kind(Noun.self), Kind(Verdict.self), Kind(Criterion.self),
        Kind(Network.self), Kind(StatusRequest.self), Kind(StatusReply.self), Kind(RecipeStatus.self),
        Kind(SettingStatus.self), Kind(DescribeRequest.self), Kind(Description.self), Kind(DescribeReply.self),
        Kind(SegmentReply.self), Kind(Trailer.self), Kind(ModelStatus.self), Kind(Loading.self),
        Kind(WarmRequest.self), Kind(WarmReply.self), Kind(UnloadRequest.self), Kind(UnloadReply.self),
        Kind(StatusDetail.self), Kind(ErrorInfo.self), Kind(RetryInfo.self), Kind(RunningCall.self),
        Kind(UserStatus.self), Kind(CallFailure.self), Kind(MetricsRequest.self), Kind(MetricsReply.self),
    ]

    /// What decodes encodes to bytes that decode to the same, and that are about as long at most.
    static func check<Message: WireMessage>(_: Message.Type, _ bytes: [UInt8]) {
        let message: Message
        do throws(RPCStatus) {
            message = try Message(decoding: bytes)
        } catch {
            let codes: [RPCStatus.Code] = [.invalidArgument, .resourceExhausted, .unimplemented]
            require(codes.contains(error.code) && !error.message.isEmpty, "\(error)")
            require(error.message.utf8.count < 4096, "a refusal is a sentence: \(error)")
            return
        }
        let once = message.encoded()
        // Packing one number of a list takes a byte more; a code that is not known becomes another.
        require(once.count <= 2 * bytes.count + 16, "\(bytes.count) bytes become \(once.count)")
        do throws(RPCStatus) {
            require(try Message(decoding: once).encoded() == once, "\(Message.self) is encoded in one way")
        } catch {
            require(false, "what \(Message.self) encodes, it decodes: \(error)")
        }
    }

    static var seeds: [[UInt8]] {
        all.enumerated().flatMap { number, kind in kind.seeds().map { [UInt8(number)] + $0 } }
    }
}

/// Messages made of a schema.
enum Sample {
    /// One with all fields, and one with each alone.
    static func messages(_ descriptor: ProtobufCMessageDescriptor) -> [[UInt8]] {
        let fields = unsafe (0..<Int(descriptor.n_fields)).map { unsafe field(descriptor.fields[$0]) }
        return [fields.flatMap(\.self)] + fields
    }

    private static func field(_ field: ProtobufCFieldDescriptor) -> [UInt8] {
        func tagged(_ wire: UInt64, _ value: [UInt8]) -> [UInt8] {
            varint(UInt64(unsafe field.id) << 3 | wire) + value
        }
        func delimited(_ value: [UInt8]) -> [UInt8] { tagged(2, varint(UInt64(value.count)) + value) }
        switch unsafe field.type {
        case PROTOBUF_C_TYPE_FLOAT, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32:
            return tagged(5, [0, 0, 0, 0x3F])
        case PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64:
            return tagged(1, [0, 0, 0, 0, 0, 0, 0xE0, 0x3F])
        case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES: return delimited(Array("word".utf8))
        case PROTOBUF_C_TYPE_MESSAGE:
            guard let inner = unsafe field.descriptor else { return [] }
            return unsafe delimited(
                messages(inner.assumingMemoryBound(to: ProtobufCMessageDescriptor.self).pointee)[0])
        default: return tagged(0, [1])
        }
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
    }
}

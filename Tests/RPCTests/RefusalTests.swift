import RPC
import Testing

/// A refused call's `google.rpc.ErrorInfo` and `google.rpc.RetryInfo`.
@Suite struct RefusalTests {
    /// A field of wire type 2.
    private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count < 128, "a length of one byte")
        return [number << 3 | 2, UInt8(bytes.count)] + bytes
    }

    private func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    private func detail(_ name: String, _ message: [UInt8]) -> [UInt8] {
        field(3, field(1, "type.googleapis.com/google.rpc.\(name)") + field(2, message))
    }

    private let code: [UInt8] = [0x08, 8]

    /// google.rpc.RetryInfo{1: google.protobuf.Duration{1: 2, 2: 500,000,000}}
    private var retry: [UInt8] {
        detail("RetryInfo", field(1, [0x08, 2, 0x10, 0x80, 0xCA, 0xB5, 0xEE, 0x01]))
    }

    private func error(_ reason: String, domain: String = "dseg.v1", position: String = "17") -> [UInt8] {
        detail(
            "ErrorInfo",
            field(1, reason) + field(2, domain) + field(3, field(1, "queue_position") + field(2, position)))
    }

    @Test func `a refusal has the bytes that google's files define`() throws {
        let refusal = Refusal(.queueFull, delay: .milliseconds(2500), queuePosition: 17)
        let status = RPCStatus(.resourceExhausted, "full", refusal: refusal)
        #expect(status.encoded() == code + field(2, "full") + error("QUEUE_FULL") + retry)
        #expect(try RPCStatus(decoding: code + field(2, "full") + retry + error("QUEUE_FULL")) == status)
    }

    @Test(arguments: Refusal.Reason.allCases, [nil, 0, 4096])
    func `every refusal survives the wire`(reason: Refusal.Reason, position: Int?) throws {
        for delay in [Duration.zero, .nanoseconds(1), .milliseconds(250), .seconds(86400)] {
            let status = RPCStatus(
                .resourceExhausted, "later", refusal: Refusal(reason, delay: delay, queuePosition: position))
            #expect(try RPCStatus(decoding: status.encoded()) == status)
        }
    }

    @Test func `a status whose details are not ours keeps its sentence`() throws {
        let sentence = field(2, "full")
        for details in [
            [], retry, error("QUEUE_FULL"), error("ODD") + retry, error("QUEUE_FULL", domain: "else") + retry,
            detail("ErrorInfo", [0xFF]) + retry, error("QUEUE_FULL") + detail("RetryInfo", [0xFF]),
            error("QUEUE_FULL") + detail("RetryInfo", []),
            // One second less than none.
            error("QUEUE_FULL") + detail("RetryInfo", field(1, [0x08] + [UInt8](repeating: 0xFF, count: 9) + [1])),
            // The most seconds that there are, and two more: a `Duration` of that has no components.
            error("QUEUE_FULL")
                + detail(
                    "RetryInfo",
                    field(1, [0x08] + [UInt8](repeating: 0xFF, count: 8) + [0x7F, 0x10, 0x80, 0xA8, 0xD6, 0xB9, 0x07])),
            error("QUEUE_FULL") + detail("RetryInfo", field(1, [0x10, 0x80, 0x94, 0xEB, 0xDC, 0x03])),
            detail("Help", [1, 2, 3]),
        ] {
            let status = try RPCStatus(decoding: code + sentence + details)
            #expect(status == RPCStatus(.resourceExhausted, "full"))
        }
        for position in ["first", "-1"] {
            let odd = try RPCStatus(decoding: code + sentence + error("DISPLACED", position: position) + retry)
            #expect(odd.refusal == Refusal(.displaced, delay: .milliseconds(2500), queuePosition: nil))
        }
    }
}

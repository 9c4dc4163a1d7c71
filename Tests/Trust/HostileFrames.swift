import Limits
import RPC
import Support

/// Frames that no client of ours sends: a kind, flags, a stream and a payload each from those that matter, with a
/// length that now and then is none.
struct HostileFrames {
    private var random: SeededGenerator
    /// Requests with the flags that suit them.
    private let requests: [(flags: UInt8, payload: [UInt8])]
    private static let payloads: [[UInt8]] = [
        [], [0xff], [0x0a, 2, 0xc3, 0x28], [0x0a, 1, 0], [UInt8](repeating: 8, count: 40), [0x0a, 0xff, 0xff, 0x03],
    ]
    /// The number of the newest stream that a legal request opened.
    private var newest: UInt32 = 0

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        var requests: [(flags: UInt8, payload: [UInt8])] = []
        for method in Method.allCases {
            for timeout: Duration? in [nil, .seconds(5), .zero] {
                let call = try ClientCall(method, stream: 1, payload: [0xaa], timeout: timeout).opening
                requests.append((call[9], Array(call.dropFirst(Frame.headerLength))))
            }
        }
        let unknown = CallRequest(service: "a.B", method: "C", payload: [], timeout: 0).encoded()
        self.requests = requests + [(0, unknown)]
    }

    mutating func number(below count: Int) -> Int { Int(random.next() % UInt64(count)) }

    /// The frames that follow are those of a new connection.
    mutating func reconnect() { newest = 0 }

    mutating func next() -> [UInt8] {
        let choice = number(below: 1 << 20)
        let isRequest = choice % 8 < 4
        let kind: UInt8 = isRequest ? 1 : [3, 3, 3, 2, 0, 4, 255, 3][choice >> 3 & 7]
        var (flags, payload) = (UInt8(truncatingIfNeeded: choice >> 6 & 7), Self.payloads[number(below: 6)])
        if isRequest, choice >> 9 & 7 != 0 {
            let request = requests[number(below: requests.count)]
            payload = request.payload
            if choice >> 12 & 7 != 0 { flags = request.flags }
            if choice >> 15 & 7 == 0 { payload[number(below: payload.count)] ^= 1 << UInt8(choice & 7) }
        }
        let stream = self.stream(isNew: isRequest && choice >> 18 != 0)
        var length = payload.count
        if number(below: 64) == 0 { length += number(below: 24) }
        if number(below: 50_000) == 0 { length = Limit.frameBytes + 1 }
        if number(below: 4000) == 0 { length = 0x4745_5420 }
        return Self.frame(kind, flags, stream, length: length, payload)
    }

    private mutating func stream(isNew: Bool) -> UInt32 {
        if isNew {
            newest = newest == 0 ? 1 : newest + 2
            return newest
        }
        let known = newest
        return [0, 1, 2, known, known + 1, known + 2, .max, .max - 1, 3, 5][number(below: 10)]
    }

    /// A frame as its bytes, whatever they are.
    static func frame(
        _ kind: UInt8, _ flags: UInt8, _ stream: UInt32, length: Int? = nil, _ payload: [UInt8]
    ) -> [UInt8] {
        let length = length ?? payload.count
        let head = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        return head + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) } + [kind, flags] + payload
    }
}

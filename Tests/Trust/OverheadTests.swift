import Foundation
import RPC
import Support
import Testing

/// What the wire costs: calls that do nothing, and bytes. Beside each figure stands the machine's own, taken in the
/// same run: the same bytes between two threads, over a socket of their own. The caller sends bytes that were encoded
/// before, and reads as many as there must come: what is measured is the daemon.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct OverheadTests {
    private static let calls = 20_000

    /// Requests for Health, and how long one and its answer are.
    private struct Question {
        let length: Int
        let answerLength: Int

        private static func request(_ stream: UInt32) throws -> [UInt8] {
            try ClientCall(
                .health, stream: stream, payload: HealthCheckRequest(service: Method.segmenterService).encoded(),
                timeout: nil
            ).opening
        }

        init() throws {
            length = try Self.request(1).count
            let answer = CallResponse.success(HealthCheckResponse(status: .serving).encoded())
            answerLength = try Frame(.response, stream: 1, flags: [], payload: answer.encoded()).encoded().count
        }

        /// Of streams from a number on.
        func requests(_ count: Int, from stream: UInt32) throws -> [UInt8] {
            try (0..<UInt32(count)).flatMap { try Self.request(stream + 2 * $0) }
        }
    }

    /// A socket's end, which this value closes.
    private final class End: Sendable {
        let descriptor: CInt

        init(_ descriptor: CInt) { self.descriptor = descriptor }
        deinit { close(descriptor) }

        func write(_ bytes: ArraySlice<UInt8>) {
            var sent = 0
            while sent < bytes.count {
                let count = unsafe bytes.withUnsafeBytes {
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: $0[sent...])
                    return unsafe send(descriptor, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                sent += count
            }
        }

        /// Reads so many bytes; `false` where they end before.
        func read(_ count: Int, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
            var got = 0
            while got < count {
                let more = unsafe recv(descriptor, buffer.baseAddress, min(buffer.count, count - got), 0)
                guard more > 0 else { return false }
                got += more
            }
            return true
        }
    }

    /// The machine's floor: somebody who answers so many bytes by so many others.
    private func echo(_ length: Int, _ answerLength: Int) -> End {
        var ends: [CInt] = [0, 0]
        unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        let other = End(ends[1])
        Thread.detachNewThread {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
            defer { unsafe buffer.deallocate() }
            let answer = [UInt8](repeating: 1, count: answerLength)
            while unsafe other.read(length, into: buffer) {
                if answerLength > 0 { other.write(answer[...]) }
            }
        }
        return End(ends[0])
    }

    /// Seconds of each of many calls, one after the other, sorted.
    private func pingPong(_ end: End, _ question: Question, from stream: UInt32) throws -> [Double] {
        let requests = try question.requests(Self.calls, from: stream)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { unsafe buffer.deallocate() }
        return try (0..<Self.calls).map { number in
            try seconds {
                end.write(requests[number * question.length..<(number + 1) * question.length])
                try #require(unsafe end.read(question.answerLength, into: buffer))
            }
        }.sorted()
    }

    /// Calls a second, of which so many are under way.
    private func pipelined(_ end: End, _ question: Question, from stream: UInt32, window: Int) throws -> Double {
        let count = Self.calls / window * window
        let requests = try question.requests(count, from: stream)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { unsafe buffer.deallocate() }
        return try Double(count)
            / seconds {
                for start in stride(from: 0, to: count, by: window) {
                    end.write(requests[start * question.length..<(start + window) * question.length])
                    try #require(unsafe end.read(question.answerLength * window, into: buffer))
                }
            }
    }

    @Test func `a call that does nothing`() throws {
        let daemon = try Daemon(answering: [])
        let question = try Question()
        let end = End(try connect(to: daemon.socket))
        let floor = echo(question.length, question.answerLength)
        var rounds: [(p50: Double, p99: Double, floor: Double, floorP99: Double, rate: Double)] = []
        for round in 0..<3 {
            let stream = UInt32(round) * 8 * UInt32(Self.calls) + 1
            let raw = try pingPong(floor, question, from: 1)
            let times = try pingPong(end, question, from: stream)
            let rate = try pipelined(end, question, from: stream + 4 * UInt32(Self.calls), window: 32)
            let (half, last) = (Self.calls / 2, Self.calls * 99 / 100)
            rounds.append((times[half] * 1e6, times[last] * 1e6, raw[half] * 1e6, raw[last] * 1e6, rate))
        }
        func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        let (p50, p99, rate) = (middle(rounds.map(\.p50)), middle(rounds.map(\.p99)), middle(rounds.map(\.rate)))
        print(
            """
            an empty call: p50 \(Int(p50)) us, p99 \(Int(p99)) us, between two threads \
            \(Int(middle(rounds.map(\.floor)))) and \(Int(middle(rounds.map(\.floorP99)))) us; 32 at once \
            \(Int(rate))/s; \
            \(Machine.description)
            """)
        #expect(p50 <= 60)
        #expect(p99 <= 250)
        #expect(rate >= 20_000)
    }

    /// Of an upload: the daemon takes the frames apart, reads their messages and keeps the bytes. Of nine the median.
    @Test func `frames of a mebibyte`() throws {
        let daemon = try Daemon(answering: [])
        let gauge = Gauge(daemon)
        let piece = LookRequest(data: [UInt8](repeating: 1, count: (1 << 20) - 16))
        let frame = try Frame(.data, stream: 1, flags: [], payload: piece.encoded()).encoded()
        let count = 240
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { unsafe buffer.deallocate() }
        let health = try ClientCall(
            .health, stream: 3, payload: HealthCheckRequest(service: "").encoded(), timeout: nil
        ).opening
        var (rates, floors): ([Double], [Double]) = ([], [])
        for _ in 0..<9 {
            // What the last one brought is given back by now.
            _ = gauge.secondsToRest()
            let floor = echo(frame.count * count, 1)
            floors.append(
                try Double(frame.count * count)
                    / seconds {
                        for _ in 0..<count { floor.write(frame[...]) }
                        try #require(unsafe floor.read(1, into: buffer))
                    } / 1e9)
            let end = End(try connect(to: daemon.socket))
            end.write(try ClientCall(.look, stream: 1, payload: [], timeout: nil).opening[...])
            rates.append(
                try Double(frame.count * count)
                    / seconds {
                        for _ in 0..<count { end.write(frame[...]) }
                        // Its answer comes when all before it is taken.
                        end.write(health[...])
                        try #require(unsafe end.read(1, into: buffer))
                    } / 1e9)
        }
        func text(_ rates: [Double]) -> String { rates.map { String(format: "%.2f", $0) }.joined(separator: ", ") }
        print("frames of 1 MiB: \(text(rates)) GB/s, between two threads \(text(floors)); \(Machine.description)")
        #expect(rates.sorted()[4] >= 1.5)
    }
}

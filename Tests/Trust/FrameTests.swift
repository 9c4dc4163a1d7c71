import Limits
import Foundation
import RPC
import Support
import Synchronization
import Testing

/// Bytes that are no conversation: a connection's state stays bounded, what it says is ttrpc, and the daemon answers
/// the next caller and keeps nothing.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct FrameTests {
    /// What a thread counted, or what was wrong.
    private struct Tally {
        var frames = 0
        var opened = 0
        var refused = 0
        var closed = 0
    }

    private struct Fault: Error {
        let sentence: String
    }

    /// Sends hostile frames through connections' states, and ends some of the calls that they open.
    private static func hammer(seed: UInt64, frames: Int) throws -> Tally {
        var hostile = try HostileFrames(seed: seed)
        var tally = Tally()
        while tally.frames < frames {
            var connection = ServerConnection()
            var answers = FrameDecoder()
            var open: Set<UInt32> = []
            hostile.reconnect()
            for _ in 0..<64 {
                let bytes = hostile.next()
                let cut = hostile.number(below: bytes.count + 1)
                for piece in [bytes[..<cut], bytes[cut...]] {
                    for action in connection.receive(piece) { try note(action, &open, &answers, &tally) }
                }
                if hostile.number(below: 3) == 0, let stream = open.first {
                    open.remove(stream)
                    let isReply = hostile.number(below: 2) == 0
                    guard (isReply ? connection.reply([1], on: stream) : connection.finish(stream)) != nil else {
                        throw Fault(sentence: "stream \(stream) was lost")
                    }
                }
                guard connection.openCalls == open.count, open.count <= Limit.streams,
                    connection.keptBytes <= Frame.headerLength + Limit.frameBytes
                else { throw Fault(sentence: "\(connection.openCalls) streams are known, \(open.count) are open") }
            }
            tally.frames += connection.frameCount
        }
        return tally
    }

    /// What is said is a failure of one call, whole.
    private static func note(
        _ action: ServerConnection.Action, _ open: inout Set<UInt32>, _ answers: inout FrameDecoder,
        _ tally: inout Tally
    ) throws {
        switch action {
        case .open(let call):
            guard open.insert(call.stream).inserted else { throw Fault(sentence: "\(call.stream) was opened twice") }
            tally.opened += 1
        case .message(let stream, _), .halfClose(let stream):
            guard open.contains(stream) else { throw Fault(sentence: "a message of \(stream), which is not open") }
        case .cancel(let stream):
            guard open.remove(stream) != nil else { throw Fault(sentence: "\(stream) is cancelled, and not open") }
        case .write(let bytes):
            answers.append(bytes)
            guard case .frame(let frame)? = try answers.next(), frame.kind == .response, answers.buffered == 0,
                case .failure = try CallResponse(decoding: frame.payload)
            else { throw Fault(sentence: "the server says \(bytes)") }
            tally.refused += 1
        case .close:
            open = []
            tally.closed += 1
        }
    }

    @Test func `a million hostile frames leave the state of connections bounded`() throws {
        let tallies = Mutex<[Tally]>([])
        let faults = Mutex<[String]>([])
        let time = seconds {
            let threads = (0..<2).map { number in
                let isOver = Flag()
                Thread.detachNewThread {
                    do {
                        let tally = try Self.hammer(seed: UInt64(51 + number), frames: 500_000)
                        tallies.withLock { $0.append(tally) }
                    } catch {
                        faults.withLock { $0.append("\(error)") }
                    }
                    isOver.raise()
                }
                return isOver
            }
            for thread in threads { thread.wait() }
        }
        let all = tallies.withLock { $0 }
        func sum(_ field: KeyPath<Tally, Int>) -> Int { all.reduce(0) { $0 + $1[keyPath: field] } }
        print(
            """
            row 1: \(sum(\.frames)) hostile frames in \(String(format: "%.0f", time)) s: \(sum(\.opened)) calls \
            opened, \(sum(\.refused)) refused, \(sum(\.closed)) connections closed, none lost; \(Machine.description)
            """)
        #expect(faults.withLock { $0 }.isEmpty, "\(faults.withLock { $0 })")
        #expect(sum(\.frames) >= 1_000_000)
        #expect(sum(\.opened) > 100_000 && sum(\.refused) > 100_000 && sum(\.closed) > 100, "too wild or too tame")
    }

    // MARK: Through the socket

    /// A conversation of faults, and the answers that the protocol has for them, in their order.
    private static func conversation() throws -> (bytes: [UInt8], answers: [(UInt32, RPCStatus.Code)]) {
        func call(_ method: RPC.Method, _ stream: UInt32, _ payload: [UInt8] = []) throws -> [UInt8] {
            try ClientCall(method, stream: stream, payload: payload, timeout: nil).opening
        }
        func frame(_ kind: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
            HostileFrames.frame(kind, flags, stream, payload)
        }
        let late = CallRequest(service: RPC.Method.segmenterService, method: "Status", payload: [], timeout: -1)
        let unknown = CallRequest(service: "a.B", method: "C", payload: [], timeout: 0)
        let parts: [([UInt8], (UInt32, RPCStatus.Code)?)] = [
            (try call(.health, 1), (1, .ok)), (frame(3, 0, 1, [8, 1]), nil),
            (try call(.health, 2), (2, .invalidArgument)), (try call(.health, 1), (1, .invalidArgument)),
            (frame(9, 7, 5, [1, 2, 3]), nil), (try call(.look, 3), nil),
            (frame(3, 4, 3, [1]), (3, .invalidArgument)), (try call(.segment, 5, [0xff]), (5, .invalidArgument)),
            (frame(3, 5, 5, []), nil), (frame(1, 0, 7, unknown.encoded()), (7, .unimplemented)),
            (frame(3, 0, 99, [1]), (99, .invalidArgument)), (frame(2, 0, 7, [1]), nil),
            (frame(1, 2, 9, Array(try call(.segment, 9).dropFirst(10))), (9, .invalidArgument)),
            (frame(1, 0, 11, late.encoded()), (11, .deadlineExceeded)), (try call(.health, 101), (101, .ok)),
        ]
        return (parts.flatMap(\.0), parts.compactMap(\.1))
    }

    /// The answers up to that of stream 101.
    private static func answers(on wire: Wire) throws -> [(UInt32, RPCStatus.Code)] {
        var answers: [(UInt32, RPCStatus.Code)] = []
        while answers.last?.0 != 101, let frame = try wire.next() {
            switch try CallResponse(decoding: frame.payload) {
            case .success: answers.append((frame.stream, .ok))
            case .failure(let status): answers.append((frame.stream, status.code))
            }
        }
        return answers
    }

    @Test func `a conversation of faults is answered alike wherever it is split`() throws {
        let daemon = try Daemon()
        let (bytes, expected) = try Self.conversation()
        for place in 0..<bytes.count {
            let wire = try Wire(daemon)
            try wire.send(Array(bytes[..<place]))
            if place > 0 { usleep(300) }
            try wire.send(Array(bytes[place...]))
            let answers = try Self.answers(on: wire)
            #expect(answers.elementsEqual(expected) { $0 == $1 }, "split at \(place): \(answers)")
        }
        print("row 1: \(bytes.count) splits of one conversation, each answered alike; \(Machine.description)")
    }

    @Test func `hostile frames on real connections leave the daemon as it was`() throws {
        let daemon = try Daemon()
        var hostile = try HostileFrames(seed: 61)
        func attack(connections: Int) throws {
            for _ in 0..<connections {
                let wire = try Wire(daemon)
                hostile.reconnect()
                for _ in 0..<10 { try? wire.send(hostile.next()) }
            }
        }
        let gauge = Gauge(daemon)
        try attack(connections: 2000)
        let base = try gauge.atRest()
        let time = try seconds { try attack(connections: 10_000) }
        #expect(daemon.answers)
        let now = try gauge.settled(to: base, growth: 2 << 20)
        print(
            """
            row 1: 100,000 hostile frames on 10,000 connections in \(String(format: "%.1f", time)) s, memory \
            \(mebibytes(now.resident - base.resident)), descriptors \(now.descriptors - base.descriptors) more; \
            \(Machine.description)
            """)
        #expect(now.resident - base.resident < 2 << 20 && now.descriptors <= base.descriptors)
    }

    // MARK: Garbage and floods

    /// Connects, sends some random bytes and leaves. Every other one begins as a frame does.
    private static func shower(_ path: String, connections: Int, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let most = 4096
        var showers = (0..<64).map { _ in random.bytes(most) }
        for index in stride(from: 0, to: 64, by: 2) {
            let head: [UInt8] = [0, 0, UInt8(index & 3), UInt8(index), 0, 0, 0, 1, UInt8(index % 4), UInt8(index & 7)]
            showers[index].replaceSubrange(0..<10, with: head)
        }
        for _ in 0..<connections {
            let choice = random.next()
            let descriptor = try connect(to: path)
            let count = 1 + Int(choice >> 8) % most
            _ = unsafe send(descriptor, showers[Int(choice % 64)], count, CInt(MSG_NOSIGNAL))
            close(descriptor)
        }
    }

    @Test func `a million connections of random bytes leave no trace`() throws {
        let daemon = try Daemon()
        let path = daemon.socket
        let gauge = Gauge(daemon)
        try Self.shower(path, connections: 20_000, seed: 71)
        let base = try gauge.atRest()
        let time = try seconds {
            let isOver = Flag()
            Thread.detachNewThread {
                try? Self.shower(path, connections: 500_000, seed: 72)
                isOver.raise()
            }
            try Self.shower(path, connections: 500_000, seed: 73)
            isOver.wait()
        }
        #expect(daemon.answers)
        let now = try gauge.settled(to: base, growth: 2 << 20)
        print(
            """
            row 2: 1,000,000 connections of random bytes in \(String(format: "%.0f", time)) s, memory \
            \(mebibytes(now.resident - base.resident)), descriptors \(now.descriptors - base.descriptors) more; \
            \(Machine.description)
            """)
        #expect(now.resident - base.resident < 2 << 20 && now.descriptors <= base.descriptors)
    }

    @Test func `frames over the limit are skipped, and cost their call alone`() throws {
        let daemon = try Daemon()
        let gauge = Gauge(daemon)
        func flood() throws {
            for length in [Limit.frameBytes + 1, (1 << 24) - 1] {
                let payload = [UInt8](repeating: 7, count: length)
                let wire = try Wire(daemon)
                try wire.frame(1, stream: 1, flags: 0, payload)
                #expect(try wire.code(of: 1) == .resourceExhausted)
                try wire.open(.look, stream: 3, [])
                try wire.frame(3, stream: 3, flags: 0, payload)
                #expect(try wire.code(of: 3) == .resourceExhausted)
                #expect(try wire.isUsable(stream: 5))
            }
            let wire = try Wire(daemon)
            try wire.frame(1, stream: 1, flags: 0, length: 0xffff_ffff, [])
            #expect(try wire.next() == nil, "closed")
        }
        try flood()
        let base = try gauge.atRest()
        for _ in 0..<20 { try flood() }
        let now = try gauge.settled(to: base, growth: 1 << 20)
        print(
            """
            row 3: 80 frames of 4 MiB + 1 and 16 MiB - 1: refused, their connections go on; 20 of 0xffffffff: closed; \
            memory \(mebibytes(now.resident - base.resident)); \(Machine.description)
            """)
        #expect(now.resident - base.resident < 1 << 20 && now.descriptors <= base.descriptors)
    }
}

import Limits
import RPC
import Testing

/// The server's half of the protocol: what each sequence of frames leads to.
struct ServerConnectionTests {
    static func request(
        _ method: Method, stream: UInt32, flags: UInt8? = nil, timeout: Int64 = 0
    ) throws -> [UInt8] {
        let natural: [CallShape: UInt8] = [.unary: 0, .serverStreaming: 1, .clientStreaming: 2]
        let request = CallRequest(
            service: method.service, method: method.name, payload: [0xaa], timeout: timeout)
        return try Frame(
            .request, stream: stream,
            flags: Frame.Flags(rawValue: flags ?? natural[method.shape] ?? 0),
            payload: request.encoded()
        ).encoded()
    }

    static func data(stream: UInt32, _ payload: [UInt8], flags: UInt8 = 0) throws -> [UInt8] {
        try Frame(.data, stream: stream, flags: Frame.Flags(rawValue: flags), payload: payload)
            .encoded()
    }

    /// The failures among the actions, by stream.
    static func failures(_ actions: [ServerConnection.Action]) throws -> [UInt32: RPCStatus.Code] {
        var failures: [UInt32: RPCStatus.Code] = [:]
        for case .write(let bytes) in actions {
            guard case .frame(let frame)? = FrameTests.decode([bytes]).0.first,
                case .failure(let status) = try CallResponse(decoding: frame.payload)
            else { continue }
            #expect(!status.message.isEmpty)
            failures[frame.stream] = status.code
        }
        return failures
    }

    static func opened(_ actions: [ServerConnection.Action]) -> [ServerConnection.Call] {
        actions.compactMap { if case .open(let call) = $0 { call } else { nil } }
    }

    @Test func `a call of each method opens, once answered it is gone`() throws {
        var connection = ServerConnection()
        for (index, method) in Method.allCases.enumerated() {
            let stream = UInt32(2 * index + 1)
            let calls = Self.opened(
                connection.receive(try Self.request(method, stream: stream, timeout: 5)))
            #expect(calls.map(\.method) == [method])
            #expect(calls.map(\.payload) == [[0xaa]])
            #expect(calls.map(\.timeout) == [.nanoseconds(5)])
            #expect(connection.reply([1], on: stream) != nil)
            #expect(connection.reply([1], on: stream) == nil)
            #expect(try connection.send([1], on: stream) == nil)
            #expect(connection.finish(stream) == nil)
            #expect(connection.fail(stream, with: RPCStatus(.internal, "late")) == nil)
        }
        #expect(connection.openCalls == 0)
    }

    @Test func `even and old stream numbers are refused on their stream`() throws {
        var connection = ServerConnection()
        #expect(Self.opened(connection.receive(try Self.request(.status, stream: 5))).count == 1)
        for stream: UInt32 in [0, 2, 8, 3, 1] {
            let actions = connection.receive(try Self.request(.status, stream: stream))
            #expect(try Self.failures(actions) == [stream: .invalidArgument])
        }
        #expect(connection.openCalls == 1)
        let again = connection.receive(try Self.request(.status, stream: 5))
        #expect(again.first == .cancel(stream: 5))
        #expect(try Self.failures(again) == [5: .invalidArgument])
        #expect(Self.opened(connection.receive(try Self.request(.status, stream: 7))).count == 1)
    }

    @Test func `data on a call that takes none ends it, data for an ended call is dropped`() throws {
        for method in [Method.status, .segment] {
            var connection = ServerConnection()
            _ = connection.receive(try Self.request(method, stream: 1))
            let actions = connection.receive(try Self.data(stream: 1, [1]))
            #expect(actions.first == .cancel(stream: 1))
            #expect(try Self.failures(actions) == [1: .invalidArgument])
            #expect(connection.receive(try Self.data(stream: 1, [2])).isEmpty)
            #expect(connection.reply([1], on: 1) == nil)
            let unopened = connection.receive(try Self.data(stream: 9, []))
            #expect(try Self.failures(unopened) == [9: .invalidArgument])
        }
    }

    @Test func `messages arrive in order, an empty one too, up to the half-close`() throws {
        typealias Action = ServerConnection.Action
        let endings: [([(payload: [UInt8], flags: UInt8)], [Action])] = [
            ([([], 5)], [.halfClose(stream: 1)]),
            ([([], 1)], [.message(stream: 1, []), .halfClose(stream: 1)]),
            ([([7], 1)], [.message(stream: 1, [7]), .halfClose(stream: 1)]),
            ([([], 4), ([], 5)], [.halfClose(stream: 1)]),
        ]
        for (frames, expected) in endings {
            var connection = ServerConnection()
            _ = connection.receive(try Self.request(.look, stream: 1))
            var bytes = try Self.data(stream: 1, [1, 2]) + Self.data(stream: 1, [])
            for frame in frames {
                bytes += try Self.data(stream: 1, frame.payload, flags: frame.flags)
            }
            let actions = connection.receive(bytes)
            #expect(actions == [.message(stream: 1, [1, 2]), .message(stream: 1, [])] + expected)
            let late = connection.receive(try Self.data(stream: 1, [1]))
            #expect(try Self.failures(late) == [1: .invalidArgument])
        }
    }

    @Test func `a frame that says it has no data and has some ends its call`() throws {
        var connection = ServerConnection()
        _ = connection.receive(try Self.request(.look, stream: 1))
        let actions = connection.receive(try Self.data(stream: 1, [1], flags: 4))
        #expect(try Self.failures(actions) == [1: .invalidArgument])
    }

    @Test func `an oversized frame costs its call alone`() throws {
        var connection = ServerConnection()
        _ = connection.receive(try Self.request(.look, stream: 1))
        _ = connection.receive(try Self.request(.status, stream: 3))
        let payload = [UInt8](repeating: 0, count: Limit.frameBytes + 1)
        let data = connection.receive(FrameTests.header(payload.count, kind: 3) + payload)
        #expect(data.first == .cancel(stream: 1))
        #expect(try Self.failures(data) == [1: .resourceExhausted])
        #expect(connection.receive(FrameTests.header(payload.count, kind: 3) + payload).isEmpty)
        let request = connection.receive(
            FrameTests.header(payload.count, stream: 5, kind: 1) + payload)
        #expect(try Self.failures(request) == [5: .resourceExhausted])
        #expect(connection.reply([1], on: 3) != nil)
        #expect(Self.opened(connection.receive(try Self.request(.status, stream: 7))).count == 1)
    }

    @Test func `a frame for which there is no room costs its call alone`() throws {
        let full = RPCStatus(.resourceExhausted, "no room")
        let (request, data) = (try Self.request(.status, stream: 5), try Self.data(stream: 1, [1, 2, 3]))
        for count in 0..<max(request.count, data.count) {
            for (frame, stream) in [(request, UInt32(5)), (data, 1)] where count < frame.count {
                var connection = ServerConnection()
                _ = connection.receive(try Self.request(.look, stream: 1))
                _ = connection.receive(try Self.request(.status, stream: 3))
                #expect(connection.receive(frame[..<count]).isEmpty)
                let actions = connection.refuseNext(with: full)
                #expect(connection.keptBytes == 0)
                #expect(try Self.failures(actions) == (count < Frame.headerLength ? [:] : [stream: .resourceExhausted]))
                #expect(connection.refuseNext(with: full).isEmpty)
                let rest = connection.receive(frame[count...])
                #expect(rest.isEmpty == (count >= Frame.headerLength))
                #expect(connection.reply([1], on: 3) != nil)
                #expect(Self.opened(connection.receive(try Self.request(.status, stream: 7))).count == 1)
            }
        }
    }

    @Test func `what is no frame of the protocol is not passed over for want of room`() throws {
        for header in [[0x47] + Array("ET / HTTP/".utf8), FrameTests.header(Limit.frameBytes + 1, kind: 1)] {
            var connection = ServerConnection()
            connection.append(header)
            #expect(connection.refuseNext(with: RPCStatus(.resourceExhausted, "no room")).isEmpty)
            #expect(connection.next()?.isEmpty == false)
        }
    }

    @Test func `a call too many is refused until another ends`() throws {
        var connection = ServerConnection()
        let limit = UInt32(Limit.streams)
        for index in 0..<limit {
            _ = connection.receive(try Self.request(.status, stream: 2 * index + 1))
        }
        #expect(connection.openCalls == Limit.streams)
        let refused = connection.receive(try Self.request(.status, stream: 2 * limit + 1))
        #expect(try Self.failures(refused) == [2 * limit + 1: .resourceExhausted])
        #expect(connection.lastFault?.refusal?.reason == .openCalls)
        _ = connection.finish(1)
        let next = connection.receive(try Self.request(.status, stream: 2 * limit + 3))
        #expect(Self.opened(next).count == 1)
    }

    @Test func `a deadline in the past fails at once and none is none`() throws {
        var connection = ServerConnection()
        for (stream, timeout) in [(UInt32(1), Int64(-1)), (3, .min)] {
            let actions = connection.receive(
                try Self.request(.segment, stream: stream, timeout: timeout))
            #expect(try Self.failures(actions) == [stream: .deadlineExceeded])
        }
        let open = Self.opened(connection.receive(try Self.request(.segment, stream: 5)))
        #expect(open.count == 1 && open.allSatisfy { $0.timeout == nil })
    }

    @Test func `unknown names, wrong shapes and malformed requests fail their call alone`() throws {
        var connection = ServerConnection()
        func code(_ payload: [UInt8], stream: UInt32) throws -> RPCStatus.Code? {
            let frame = try Frame(.request, stream: stream, flags: [], payload: payload)
            return try Self.failures(connection.receive(frame.encoded()))[stream]
        }
        let unknown = CallRequest(service: "a.B", method: "C", payload: [], timeout: 0)
        #expect(try code(unknown.encoded(), stream: 1) == .unimplemented)
        #expect(try code([0xff], stream: 3) == .invalidArgument)
        #expect(try code([0x0a, 2, 0xc3, 0x28], stream: 5) == .invalidArgument)
        for (index, flags) in [UInt8(0), 2, 3].enumerated() {
            let stream = UInt32(7 + 2 * index)
            let actions = connection.receive(
                try Self.request(.segment, stream: stream, flags: flags))
            #expect(try Self.failures(actions) == [stream: .invalidArgument])
        }
        #expect(connection.openCalls == 0)
        #expect(Self.opened(connection.receive(try Self.request(.status, stream: 99))).count == 1)
    }

    /// One character may be megabytes of combining marks.
    @Test func `the refusal of a name stays small however long the name`() throws {
        let name = "e" + String(repeating: "\u{301}", count: 1 << 20)
        for (service, method) in [(name, "Check"), ("grpc.health.v1.Health", name)] {
            var connection = ServerConnection()
            let request = CallRequest(service: service, method: method, payload: [], timeout: 0)
            let frame = try Frame(.request, stream: 1, flags: [], payload: request.encoded())
            let actions = connection.receive(frame.encoded())
            #expect(try Self.failures(actions) == [1: .unimplemented])
            for case .write(let answer) in actions { #expect(answer.count < 8192) }
        }
    }

    @Test func `bytes that are not ttrpc close the connection for good`() throws {
        var connection = ServerConnection()
        _ = connection.receive(try Self.request(.status, stream: 1))
        let actions = connection.receive(Array("GET / HTTP/1.1\r\n".utf8))
        guard case .close(let status)? = actions.first else {
            Issue.record("the connection stays open: \(actions)")
            return
        }
        #expect(status.code == .invalidArgument)
        #expect(connection.openCalls == 0)
        #expect(connection.receive(try Self.request(.status, stream: 3)).isEmpty)
    }

    @Test func `a reply over the limit becomes a failure`() throws {
        var connection = ServerConnection()
        _ = connection.receive(
            try Self.request(.status, stream: 1) + Self.request(.segment, stream: 3))
        let long = [UInt8](repeating: 0, count: Limit.frameBytes + 1)
        let reply = connection.reply(long, on: 1)
        #expect(try Self.failures([.write(try #require(reply))]) == [1: .resourceExhausted])
        #expect(throws: RPCStatus.self) { try connection.send(long, on: 3) }
        #expect(connection.finish(3) == Frame.end(of: 3).encoded())
    }
}

import RPC
import Testing

/// The client's half of the protocol.
struct ClientCallTests {
    static func frame(
        _ kind: Frame.Kind, _ flags: Frame.Flags, _ payload: [UInt8], stream: UInt32 = 1
    ) throws -> FrameDecoder.Event {
        .frame(try Frame(kind, stream: stream, flags: flags, payload: payload))
    }

    @Test func `what a client opens a server understands`() throws {
        for method in Method.allCases {
            var connection = ServerConnection()
            let call = try ClientCall(
                method, stream: 1, payload: [1, 2], timeout: .milliseconds(1500))
            let opened = ServerConnectionTests.opened(connection.receive(call.opening))
            #expect(opened.map(\.method) == [method])
            #expect(opened.map(\.payload) == [[1, 2]])
            #expect(opened.map(\.timeout) == [.milliseconds(1500)])
        }
    }

    @Test func `a timeout that has passed is told, one too long for the wire is cut`() throws {
        for (timeout, refused) in [
            (Duration.zero, true), (.seconds(-3), true), (.seconds(Int64.min), true),
            (.seconds(Int64.max), false), (.nanoseconds(1), false),
        ] {
            var connection = ServerConnection()
            let call = try ClientCall(.status, stream: 1, payload: [], timeout: timeout)
            let opened = ServerConnectionTests.opened(connection.receive(call.opening))
            #expect(opened.isEmpty == refused, "\(timeout)")
        }
    }

    @Test func `streamed messages arrive, an empty one too, until the end`() throws {
        let call = try ClientCall(.segment, stream: 1, payload: [], timeout: nil)
        #expect(try call.received(Self.frame(.data, [], [3])) == [.message([3])])
        #expect(try call.received(Self.frame(.data, [], [])) == [.message([])])
        #expect(try call.received(.frame(.end(of: 1))) == [.finished([])])
        #expect(
            try call.received(Self.frame(.data, .remoteClosed, [4]))
                == [.message([4]), .finished([])])
        #expect(try call.received(Self.frame(.data, [], [3], stream: 3)).isEmpty)
        #expect(try call.received(.oversized(.data, stream: 3, length: 5_000_000)).isEmpty)
    }

    @Test func `a call fails by its status, an oversized frame, or what it did not ask for`() throws {
        let call = try ClientCall(.status, stream: 1, payload: [], timeout: nil)
        let full = RPCStatus(.resourceExhausted, "queue full")
        #expect(throws: full) { try call.received(.frame(.failure(full, stream: 1))) }
        #expect(throws: RPCStatus.self) {
            try call.received(.oversized(.response, stream: 1, length: 5_000_000))
        }
        #expect(throws: RPCStatus.self) { try call.received(Self.frame(.data, [], [1])) }
        #expect(throws: RPCStatus.self) { try call.received(Self.frame(.response, [], [0xff])) }
        let reply = CallResponse.success([9]).encoded()
        #expect(try call.received(Self.frame(.response, [], reply)) == [.finished([9])])
    }
}

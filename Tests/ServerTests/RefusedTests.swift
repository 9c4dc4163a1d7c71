import Glibc
import Images
import NIOCore
import RPC
import Segmentation
@testable import Server
import Support
import Testing

/// Who is refused is told why, how many are before, and when to ask again; and nothing of others.
struct RefusedTests {
    private func failure(of frame: Frame?) throws -> RPCStatus? {
        guard let frame, case .failure(let status) = try CallResponse(decoding: frame.payload) else { return nil }
        return status
    }

    @Test func `by a full queue, with a position, and from one`() throws {
        let server = try TestServer()
        let handle = try server.client().look(Repository.scene(2)).handle
        let gate = try Gate(server.engine)
        defer { gate.open() }
        let question = SegmentRequest(picture: .handle(handle), labels: [RPC.Label(name: "boat")])
        let wire = try RawConnection(server.path)
        for call in 0..<16 { #expect(try wire.open(.segment, stream: UInt32(2 * call + 1), question.encoded())) }
        let isQueued = try eventually { try server.client().status().queued == 16 }
        #expect(isQueued)
        // Of the caller whose queue is longest.
        #expect(try wire.open(.segment, stream: 101, question.encoded()))
        var told: [UInt32: RPCStatus] = [:]
        func read(until stream: UInt32) throws {
            while told[stream] == nil, let frame = try wire.next() { told[frame.stream] = try failure(of: frame) }
        }
        try read(until: 101)
        let full = try #require(told[101]?.refusal)
        #expect(full.reason == .queueFull && told[101]?.code == .resourceExhausted)
        #expect(full.queuePosition == 16)
        #expect(full.delay >= Refusal.leastDelay && full.delay <= Refusal.mostDelay)
        // One of another connection takes the place of its newest.
        let other = try RawConnection(server.path)
        #expect(try other.open(.segment, stream: 1, question.encoded()))
        try read(until: 31)
        #expect(told[31]?.refusal?.reason == .displaced && told[31]?.code == .resourceExhausted)
        #expect(told[31]?.refusal?.queuePosition.map { $0 >= 15 } == true)
    }

    @Test func `where there is no place for another connection, by its first call`() throws {
        let server = try TestServer(
            limits: .with { limits in
                (limits.connections, limits.wait) = (.init(all: 8, perUser: 3), .milliseconds(100))
                (limits.waiting, limits.farewell) = (4, .seconds(60))
            })
        let busy = try (0..<3).map { _ in try RawConnection(server.path) }
        for wire in busy {
            #expect(try wire.open(.segment, stream: 1, SegmentRequest.long(Repository.scene(1)).encoded()))
            #expect(try wire.open(.health, stream: 3, HealthCheckRequest(service: "").encoded()))
            while let frame = try wire.next(), frame.stream != 3 {}
        }
        for _ in 0..<10 {
            let status = #expect(throws: RPCStatus.self) { try server.client().health() }
            #expect(
                status?.code == .resourceExhausted && status?.refusal?.reason == .connections,
                "\(String(describing: status))")
            #expect(
                status?.message.contains("of 3 that a user may have, you have 3") == true
                    && status?.message.contains("8") == false)
        }
        // A request of which only the beginning has come is answered, too.
        let large = try RawConnection(server.path)
        let request = try ClientCall(.segment, stream: 1, payload: [UInt8](repeating: 0, count: 1 << 20), timeout: nil)
        #expect(large.send(Array(request.opening.prefix(100))))
        #expect(try failure(of: large.next())?.refusal?.reason == .connections)
        #expect(try large.next() == nil)
        // Those that say nothing keep nobody from being told, and are closed when others come.
        let silent = try (0..<20).map { _ in try RawConnection(server.path) }
        let status = #expect(throws: RPCStatus.self) { try server.client().health() }
        #expect(status?.refusal?.reason == .connections)
        #expect(eventually { silent[0].isHungUp })
        busy[0].close()
        #expect(eventually { (try? server.client().health()) == true })
    }

    @Test func `for want of bytes, and only where there may be more later`() throws {
        var quota = Quota(.init(all: 10, perUser: 6), .answerBytes)
        func refusal(_ amount: Int, _ owner: UInt32) -> RPCStatus? {
            do throws(RPCStatus) {
                try quota.take(amount, of: "answers", for: owner, retry: .seconds(3))
                return nil
            } catch { return error }
        }
        #expect(refusal(5, 1) == nil)
        let own = refusal(2, 1)
        #expect(own?.refusal == Refusal(.answerBytes, delay: .seconds(3), queuePosition: nil))
        #expect(own?.message.contains("of the 6 that a user may have, you have 5") == true)
        #expect(own?.message.contains("no more") == false)
        let all = refusal(6, 2)
        #expect(all?.refusal?.reason == .answerBytes)
        #expect(all?.message.contains("you have 0, and the daemon has no more") == true)
        #expect(
            all?.message.contains("10") == false && all?.message.contains("5") == false, "of others nothing is told")
        let never = refusal(7, 2)
        #expect(never?.code == .resourceExhausted && never?.refusal == nil)
    }

    @Test func `by errors that may pass, and by no others`() {
        let place = QueuePlace(position: 4, wait: .seconds(9))
        let cases: [(SegmentationError, Refusal?)] = [
            (.queueFull(limit: 9, place), Refusal(.queueFull, delay: .seconds(9), queuePosition: 4)),
            (.displaced(limit: 9, place), Refusal(.displaced, delay: .seconds(9), queuePosition: 4)),
            (
                .queueFull(limit: 9, QueuePlace(position: 0, wait: .zero)),
                Refusal(.queueFull, delay: Refusal.leastDelay, queuePosition: 0)
            ),
            (
                .queueFull(limit: 9, QueuePlace(position: 9, wait: .seconds(1 << 40))),
                Refusal(.queueFull, delay: Refusal.mostDelay, queuePosition: 9)
            ),
            (.stopping, Refusal(.stopping, delay: Refusal.restartDelay, queuePosition: nil)),
            (.image(.outOfMemory(.png)), Refusal(.memory, delay: Refusal.memoryDelay, queuePosition: nil)),
            (.cancelled, nil), (.deadlineExceeded, nil), (.noLabels, nil), (.unknownPicture(handle: ""), nil),
        ]
        for (error, refusal) in cases { #expect(RPCStatus(error).refusal == refusal, "\(error)") }
    }
}

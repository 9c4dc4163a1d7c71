import Foundation
import RPC
import Synchronization

/// Callers who are in nobody's interest, on one thread: more calls at once than can be queued, calls with too little
/// time, calls that are cancelled, connections that hang up in the middle, bytes that are no frames. None of their
/// questions is ever answered whole, so that nothing is remembered of them. What they do is drawn from a seed.
package final class Mob: Sendable {
    private struct Seen {
        var endings: [BusyConnection.Ending: Int] = [:]
        var breaches: [String] = []
        var hasEnded = false
    }

    private enum Deed: CaseIterable {
        case burst, late, cancel, hangUp, garbage, halfUpload, look, describe
    }

    private let path: String
    private let picture: [UInt8]
    private let endless: [UInt8]
    private let seen = Mutex(Seen())
    private let isStopped = Atomic(false)

    private static let name = "mob"
    private static let connections = 6
    /// How long calls may take that nobody ends.
    private static let patience = Duration.seconds(60)

    package init(at path: String, seed: UInt64) throws {
        self.path = path
        picture = try Repository.scene(17)
        endless = SegmentRequest(
            picture: .image(picture), labels: (0..<255).map { Label(name: "endless \($0)") }, recipe: "diffsegmenter",
            requestID: Self.name
        ).encoded()
        Thread.detachNewThread { [self] in
            var generator = SeededGenerator(seed: seed)
            do {
                try work(&generator)
            } catch {
                seen.withLock { $0.breaches.append("\(error)") }
            }
            seen.withLock { $0.hasEnded = true }
        }
    }

    /// Ends what they do, and waits until all that they began has ended.
    package func stop() {
        isStopped.store(true, ordering: .relaxed)
        _ = eventually { seen.withLock(\.hasEnded) }
    }

    /// How their calls ended.
    package var endings: [BusyConnection.Ending: Int] { seen.withLock(\.endings) }

    /// Calls that ended twice or never, and connections that were refused.
    package var breaches: [String] { seen.withLock(\.breaches) }

    private func work(_ generator: inout SeededGenerator) throws {
        var connections = try (0..<Self.connections).map { _ in try BusyConnection(to: path) }
        while !isStopped.load(ordering: .relaxed) {
            let place = Int.random(in: 0..<Self.connections, using: &generator)
            if connections[place].isClosed {
                note(connections[place])
                connections[place] = try BusyConnection(to: path)
            }
            if let deed = Deed.allCases.randomElement(using: &generator) {
                try act(deed, connections[place], &generator)
            }
            wait(connections, milliseconds: CInt.random(in: 1...30, using: &generator))
        }
        let end = ContinuousClock.now + Self.patience
        while connections.contains(where: { $0.openCalls > 0 }), ContinuousClock.now < end {
            // On a connection of its own: one that is full of calls may be refused more.
            let last = try BusyConnection(to: path)
            try last.begin(.cancel, CancelRequest(requestID: Self.name).encoded())
            wait(connections + [last], milliseconds: 50)
            last.close()
        }
        for connection in connections {
            if connection.openCalls > 0 {
                seen.withLock { $0.breaches.append("\(connection.openCalls) calls never ended") }
            }
            connection.close()
            note(connection)
        }
    }

    private func note(_ connection: BusyConnection) {
        let ended = connection.takeEnded()
        seen.withLock { seen in
            for call in ended { seen.endings[call.ending, default: 0] += 1 }
            if connection.isClosed { seen.breaches += connection.breaches }
        }
    }

    private func wait(_ connections: [BusyConnection], milliseconds: CInt) {
        BusyConnection.wait(connections, milliseconds: milliseconds)
        for connection in connections where !connection.isClosed { note(connection) }
    }

    private func act(_ deed: Deed, _ connection: BusyConnection, _ generator: inout SeededGenerator) throws {
        switch deed {
        case .burst:
            for _ in 0..<Int.random(in: 1...40, using: &generator) { try connection.begin(.segment, endless) }
        case .late:
            let time = Duration.milliseconds(Int.random(in: -1...100, using: &generator))
            try connection.begin(.segment, endless, timeout: time)
        case .cancel: try connection.begin(.cancel, CancelRequest(requestID: Self.name).encoded())
        case .hangUp: connection.close()
        case .garbage:
            let wire = try Wire(to: path, keeping: nil)
            // Where the daemon has seen enough, it has closed.
            try? wire.send(generator.bytes(Int.random(in: 1...2000, using: &generator)))
        case .halfUpload:
            let wire = try Wire(to: path, keeping: nil)
            try? wire.open(.look, stream: 1, [])
            try? wire.frame(3, stream: 1, flags: 0, length: 1 << 20, generator.bytes(1000))
        case .look: try connection.begin(.status, StatusRequest().encoded())
        case .describe:
            let request = DescribeRequest(
                picture: .image(picture), vocabulary: nil, model: "", requestID: "", deadlineMilliseconds: 0,
                keepAlive: "", progress: false)
            try connection.begin(.describe, request.encoded())
        }
    }
}

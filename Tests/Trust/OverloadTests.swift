import Foundation
import RPC
import Support
import Testing

/// What a daemon does that is asked for more than it can do: as much as it can, and the rest is told so at once.
///
/// Whoever asks takes a part of the same processors, and so does each answer that says no. So what the daemon can do is
/// measured beside as many calls that are refused for another reason; and as machines are faster in one second than in
/// the next, just before and just after. Of five loads the medians count.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct OverloadTests {
    private static let connections = [1, 16, 256]
    private static let time = 8.0

    /// What a load saw.
    private struct Sight {
        /// Answers a second, from the first second on: by then the queue is full.
        let goodput: Double
        /// How many answers ended while one was waited for, with its own.
        let turns: [Double]
        /// Seconds, of calls that were answered, of those that were refused, and of those that waited and then had to
        /// give their place to another connection's.
        let answered, refused, displaced: [Double]
        let others: [BusyConnection.Ending: Int]

        init(_ load: Load) {
            let from = load.begin + .seconds(1)
            let calls = load.calls
            func times(_ ending: BusyConnection.Ending) -> [Double] {
                calls.filter { $0.ending == ending }.map(\.time)
            }
            let done = calls.filter { $0.ending == .done }.sorted { $0.ended < $1.ended }
            let counted = done.filter { $0.ended >= from && $0.ended < load.begin + .seconds(OverloadTests.time) }
            goodput = Double(counted.count) / (OverloadTests.time - 1)
            turns = done.enumerated().map { place, call in
                let begin = call.ended - .seconds(call.time)
                return Double(done[...place].count { $0.ended > begin })
            }
            (answered, refused) = (times(.done), times(.refused(.queueFull)))
            displaced = times(.refused(.displaced))
            others = calls.map(\.ending)
                .filter { ![.done, .refused(.queueFull), .refused(.displaced)].contains($0) }
                .reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
    }

    /// A load that the daemon cannot do, between two that it can.
    private struct Overload {
        let capacity: Double
        let sight: Sight
        let health: Double
    }

    /// Questions with words that nobody has asked for, so that no memory answers; encoded before, as that takes longer
    /// than to refuse them.
    private static func questions(_ watched: Watched, _ count: Int, recipe: String) throws -> [[UInt8]] {
        try (0..<count).map { _ in
            let labels = (0..<2).map { _ in Label(name: watched.newWord()) }
            return try SegmentRequest(picture: .handle(watched.handle), labels: labels, recipe: recipe, maps: .none)
                .encoded()
        }
    }

    /// Makes a load, and asks for Health meanwhile.
    private static func load(
        _ watched: Watched, connections count: Int, _ pace: Load.Pace, most: Int
    ) throws -> (sight: Sight, health: Double) {
        let (samples, isOver, hasEnded) = (Samples(), Flag(), Flag())
        let path = watched.daemon.socket
        let questions = try questions(watched, most, recipe: "diffsegmenter")
        Thread.detachNewThread {
            do { try Watched.probe(Client(path: path), until: isOver, samples) } catch { samples.fail("\(error)") }
            hasEnded.raise()
        }
        let load = try Load(on: path, connections: count, pace, for: .seconds(time)) { (.segment, questions[$0]) }
        isOver.raise()
        hasEnded.wait()
        #expect(load.breaches.isEmpty && samples.errors.isEmpty, "\(load.breaches), \(samples.errors)")
        return (Sight(load), try #require(samples.percentile(0.99)))
    }

    /// What the daemon can do beside so many calls a second that name no recipe.
    private static func capacity(_ watched: Watched, connections count: Int, besides rate: Double) throws -> Double {
        let questions = try questions(watched, Int(rate * time) + 1, recipe: "none")
        let (path, hasEnded, samples) = (watched.daemon.socket, Flag(), Samples())
        Thread.detachNewThread {
            do {
                let load = try Load(on: path, connections: count, .rate(rate), for: .seconds(time)) {
                    (.segment, questions[$0])
                }
                let isRight = load.calls.allSatisfy { $0.ending == .failed(.invalidArgument) }
                if !isRight || !load.breaches.isEmpty { samples.fail("\(load.breaches)") }
            } catch {
                samples.fail("\(error)")
            }
            hasEnded.raise()
        }
        let sight = try load(watched, connections: 1, .open(4), most: 1000).sight
        hasEnded.wait()
        #expect(samples.errors.isEmpty, "\(samples.errors)")
        return sight.goodput
    }

    /// Loads that the daemon cannot do, each between two that it can.
    private static func overloads(
        _ watched: Watched, _ rate: Double, connections count: Int
    ) throws -> [Overload] {
        var before = try capacity(watched, connections: count, besides: rate)
        return try (0..<5).map { _ in
            let (sight, health) = try load(watched, connections: count, .rate(rate), most: Int(rate * time) + 1)
            #expect(sight.others.isEmpty, "\(sight.others)")
            let after = try capacity(watched, connections: count, besides: rate)
            defer { before = after }
            return Overload(capacity: (before + after) / 2, sight: sight, health: health)
        }
    }

    @Test(arguments: [2.0, 10])
    func `more calls than can be answered`(factor: Double) throws {
        let watched = try Watched()
        let limit = Double(try watched.daemon.client().status().queueLimit)
        for count in Self.connections {
            let alone = try Self.load(watched, connections: 1, .open(4), most: 1000).sight.goodput
            let loads = try Self.overloads(watched, factor * alone, connections: count)
            func median(_ value: (Overload) -> Double) -> Double { loads.map(value).sorted()[loads.count / 2] }
            let goodput = median { $0.sight.goodput / $0.capacity }
            // Of a full queue's turns: its time, at the pace that the machine had just then.
            let answered = median { $0.sight.turns.percentile(0.99) / limit }
            let mean = median { $0.sight.answered.percentile(0.99) * $0.sight.goodput / limit }
            let (refused, health) = (median { $0.sight.refused.percentile(0.99) }, median(\.health))
            func text(_ value: (Overload) -> Double) -> String {
                loads.map { String(format: "%.2f", value($0)) }.joined(separator: " ")
            }
            print(
                """
                row 22: \(Int(factor)) times what can be done, over \(count) connections: of \(text(\.capacity))/s \
                (alone \(String(format: "%.1f", alone))) \(String(format: "%.3f", goodput)) are answered \
                (\(text { $0.sight.goodput / $0.capacity })), p99 after \(String(format: "%.2f", answered)) of a full \
                queue's turns (\(String(format: "%.2f", mean)) of its mean time), refused p99 \
                \(milliseconds(refused)), displaced \(loads.map(\.sight.displaced.count)), Health p99 \
                \(milliseconds(health)); \(Machine.description)
                """)
            #expect(goodput >= 0.95)
            #expect(answered <= 1.2)
            #expect(refused <= 0.010)
            #expect(health <= 0.020)
        }
    }
}

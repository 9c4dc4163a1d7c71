import Foundation
package import RPC
import Synchronization

/// A question, and what was answered once: each answer must be the same, bit for bit.
package struct KnownQuestion: Sendable {
    let request: SegmentRequest
    let answer: [[UInt8]]

    package init(_ request: SegmentRequest, answeredBy client: Client) throws {
        self.request = request
        answer = try Self.answer(to: request, by: client) {}
    }

    /// Six of them, by three recipes, about as many scenes.
    package static func six(answeredBy client: Client) throws -> [KnownQuestion] {
        try (1...6).map { scene in
            let labels = ["boat", "sheep", "tree"].prefix(1 + scene % 3).map { Label(name: $0) }
            let request = SegmentRequest(
                picture: .image(try Repository.scene(scene)), labels: labels,
                recipe: ["best", "shared", "diffsegmenter"][scene % 3], mask: true)
            return try KnownQuestion(request, answeredBy: client)
        }
    }

    package func hasSameAnswer(as other: KnownQuestion) -> Bool { answer == other.answer }

    /// The parts of an answer that must be the same each time.
    static func answer(
        to request: SegmentRequest, by client: Client, onPart: () -> Void
    ) throws -> [[UInt8]] {
        var parts: [[UInt8]] = []
        try client.segment(request) { reply in
            onPart()
            switch reply {
            case .scoreMap(let map): parts.append(Array("\(map)".utf8))
            case .mask(let mask): parts.append(mask.data)
            case .trailer(let trailer): parts.append(Array(trailer.answerHash.utf8))
            case .header, .loading, .probed: break
            }
        }
        return parts
    }
}

/// Callers who ask questions at once, while the daemon is restarted.
package final class Callers: Sendable {
    package enum Habit: Sendable {
        /// A new connection for each call; what fails is not asked again.
        case connectingEachTime
        /// One connection as long as it lasts; a call of which no part was answered before the connection ended, or
        /// before the daemon said that it is unavailable, is asked again by a new one.
        case keepingConnections
    }

    /// How a call ended.
    package enum Outcome: Hashable, Sendable {
        case right
        case wrong
        /// Nobody listened.
        case refused(String)
        /// The connection ended, or the daemon said that it is unavailable, before any part of the answer came.
        case unavailable
        /// The same after a part.
        case cut
        case failed(String)
    }

    private let path: String
    private let habit: Habit
    private let questions: [KnownQuestion]
    private let calls: Int
    private let silence: Duration
    private let threads: Int
    private let begun = Atomic(0)
    private let ended = Atomic(0)
    private let outcomes = Mutex<[Outcome: Int]>([:])

    /// - Parameters:
    ///   - calls: of all of them together; `nil`: until ``stop()``
    ///   - silence: after which they take a daemon for dead
    package init(
        _ count: Int, _ habit: Habit, at path: String, asking questions: [KnownQuestion], calls: Int?, silence: Duration
    ) {
        (self.path, self.habit, self.questions, threads) = (path, habit, questions, count)
        // Each thread counts one more before it ends.
        self.calls = calls ?? .max / 2
        self.silence = silence
        for _ in 0..<count {
            Thread.detachNewThread { [self] in
                work()
                ended.add(1, ordering: .relaxed)
            }
        }
    }

    /// No more calls are made.
    package func stop() { begun.store(calls, ordering: .relaxed) }

    /// How many calls were ended.
    package var done: Int {
        outcomes.withLock {
            $0.filter { habit == .connectingEachTime || $0.key != .unavailable }
                .values.reduce(0, +)
        }
    }

    /// How the calls ended, when all have; those that were asked again are in it as unavailable.
    package var tally: [Outcome: Int] {
        _ = eventually(within: .seconds(1800)) { ended.load(ordering: .relaxed) == threads }
        return outcomes.withLock { $0 }
    }

    private func work() {
        var kept: Client?
        while case let number = begun.add(1, ordering: .relaxed).oldValue, number < calls {
            let question = questions[number % questions.count]
            while true {
                let outcome = ask(question, &kept)
                outcomes.withLock { $0[outcome, default: 0] += 1 }
                if outcome != .right || habit == .connectingEachTime { kept = nil }
                if outcome != .unavailable || habit == .connectingEachTime { break }
            }
        }
    }

    private func ask(_ question: KnownQuestion, _ kept: inout Client?) -> Outcome {
        let client: Client
        do {
            client = try kept ?? Client(path: path, silenceLimit: silence)
        } catch {
            return .refused("\(error)")
        }
        kept = client
        var parts = 0
        do {
            let answer = try KnownQuestion.answer(to: question.request, by: client) { parts += 1 }
            return answer == question.answer ? .right : .wrong
        } catch {
            guard let status = error as? RPCStatus, status.code == .unavailable else { return .failed("\(error)") }
            return parts == 0 ? .unavailable : .cut
        }
    }
}

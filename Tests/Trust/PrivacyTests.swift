import Foundation
import RPC
import Support
import Testing

/// The time of an answer does not tell what another user asked before.
@Suite(
    .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil && OtherUser.isPossible))
struct PrivacyTests {
    /// What a question is about that another user may have asked: `ask(number)` asks about the `number`th, and the same
    /// number again is the same question.
    struct Subject: CustomStringConvertible {
        let description: String
        /// Python; `labels` and `vocabulary` are at hand, and `known`, a handle of the user's own.
        let ask: String

        static let all = [
            Subject(
                description: "pictures",
                ask: "segment(handle=look(picture + b\"%08d\" % number), labels=labels(\"boat\", \"sheep\"))"),
            Subject(
                description: "words of a picture", ask: "segment(handle=known, labels=labels(\"thing %d\" % number))"),
            Subject(
                description: "candidates",
                ask: """
                    segment(handle=known, vocabulary=segmenter.Vocabulary(candidates=[
                            segmenter.Candidate(name="thing %d %d" % (number, place)) for place in range(8)]))
                    """),
        ]
    }

    private static let count = 60

    /// - Parameter body: Python that calls `ask`
    private func run(_ user: UInt32, _ subject: Subject, _ daemon: Daemon, _ body: String) -> String {
        OtherUser(user: user, group: user, groups: []).run(
            """
            import random, time
            random.seed(7)
            connection = Connection("\(daemon.socket)")
            picture = open("\(Repository.scenePath(8))", "rb").read()
            def look(file):
                return connection.look(file).handle
            def labels(*names):
                return [segmenter.Label(name=name) for name in names]
            def segment(**fields):
                for _ in connection.segment(segmenter.SegmentRequest(mask=True, **fields)):
                    pass
            def ask(number):
                \(subject.ask)
            known = look(picture)
            segment(handle=known, labels=labels("boat"))
            segment(handle=known, vocabulary=segmenter.Vocabulary(candidates=[segmenter.Candidate(name="boat")]))
            \(body)
            """)
    }

    /// Mann and Whitney's rank sum of `first` among both as a standard normal deviate: positive where `first` is the
    /// larger.
    private func deviate(_ first: [Double], _ second: [Double]) -> Double {
        let sum = first.reduce(0.0) { sum, value in
            sum + second.reduce(0.0) { $0 + ($1 < value ? 1 : $1 == value ? 0.5 : 0) }
        }
        let (m, n) = (Double(first.count), Double(second.count))
        return (sum - m * n / 2) / (m * n * (m + n + 1) / 12).squareRoot()
    }

    @Test(arguments: Subject.all)
    func `what another user asked is answered in the time of what nobody asked`(subject: Subject) throws {
        // On disk, too, is what was asked for.
        let cache = try TemporaryDirectory()
        let daemon = try Daemon(answering: [], environment: ["CACHE_DIRECTORY": cache.path])
        daemon.admitEveryone()
        let asked = run(61010, subject, daemon, "for number in range(\(Self.count)): ask(2 * number)\nprint(\"asked\")")
        try #require(asked == "asked\n", "\(asked)")
        let output = run(
            61011, subject, daemon,
            """
            def seconds(number):
                start = time.monotonic()
                ask(number)
                return time.monotonic() - start
            order = list(range(2 * \(Self.count)))
            random.shuffle(order)
            times = {number: [seconds(number), seconds(number)] for number in order}
            print(json.dumps([times[number] for number in range(len(order))]))
            """)
        let times = try JSONDecoder().decode([[Double]].self, from: Data(output.utf8))
        let first = times.map { $0[0] }
        let others = first.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        let nobodys = first.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        let (z, control) = (deviate(others, nobodys), deviate(first, times.map { $0[1] }))
        func median(_ values: [Double]) -> String {
            String(format: "%.2f", values.sorted()[values.count / 2] * 1000)
        }
        print(
            """
            privacy of \(subject): asked by another \(median(others)) ms, by nobody \(median(nobodys)) ms, z \
            \(String(format: "%.2f", z)); one's own again \(median(times.map { $0[1] })) ms, z \
            \(String(format: "%.1f", control)); \(Machine.description)
            """)
        #expect(abs(z) < 3.3, "one of a thousand runs is farther off by chance")
        #expect(control > 5, "the test sees what is remembered")
    }
}

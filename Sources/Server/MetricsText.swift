/// A metric in Prometheus' text format 0.0.4.
struct Metric {
    private enum Kind: String {
        case counter, gauge, histogram
    }

    /// A line: what follows the metric's name, its labels, its value.
    private struct Sample {
        let suffix: String
        let labels: Labels
        let value: String
    }

    typealias Labels = [(name: String, value: String)]

    private let name: String
    private let kind: Kind
    private let help: String
    private let samples: [Sample]

    private init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        (self.name, self.kind, self.help, self.samples) = (name, kind, help, samples)
    }

    private init(_ name: String, _ kind: Kind, _ help: String, values: [(labels: Labels, value: String)]) {
        self.init(name, kind, help, values.map { Sample(suffix: "", labels: $0.labels, value: $0.value) })
    }

    static func counter(_ name: String, _ help: String, _ values: [(labels: Labels, value: UInt64)]) -> Metric {
        Metric(name, .counter, help, values: values.map { ($0.labels, "\($0.value)") })
    }

    static func counter(_ name: String, _ help: String, _ value: UInt64) -> Metric {
        counter(name, help, [([], value)])
    }

    static func counter(_ name: String, _ help: String, _ time: Duration) -> Metric {
        Metric(name, .counter, help, values: [([], time.secondsText)])
    }

    static func gauge(_ name: String, _ help: String, _ values: [(labels: Labels, value: Int)]) -> Metric {
        Metric(name, .gauge, help, values: values.map { ($0.labels, "\($0.value)") })
    }

    static func gauge(_ name: String, _ help: String, _ value: Int) -> Metric {
        gauge(name, help, [([], value)])
    }

    static func gauge(_ name: String, _ help: String, _ time: Duration) -> Metric {
        Metric(name, .gauge, help, values: [([], time.secondsText)])
    }

    static func histogram(
        _ name: String, _ help: String, _ values: [(labels: Labels, value: DurationHistogram)]
    ) -> Metric {
        Metric(
            name, .histogram, help,
            values.flatMap { labels, histogram in
                histogram.buckets.map { bucket in
                    Sample(suffix: "_bucket", labels: labels + [("le", bucket.bound)], value: "\(bucket.count)")
                } + [
                    Sample(suffix: "_sum", labels: labels, value: histogram.sum.secondsText),
                    Sample(suffix: "_count", labels: labels, value: "\(histogram.count)"),
                ]
            })
    }

    /// The metric's lines, each with its line end.
    var text: String {
        let lines = samples.map { sample in
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            let braced = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
            return "\(name)\(sample.suffix)\(braced) \(sample.value)\n"
        }
        return "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
            + lines.joined()
    }

    /// A text on one line, as the format escapes it.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        // Nearly always nothing is: this is done for each line, on the event loop.
        guard text.utf8.contains(where: { [0x5C, 0x0A, 0x22].contains($0) }) else { return text }
        return text.unicodeScalars.map { scalar in
            switch scalar {
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\"" where quotes: "\\\""
            default: String(scalar)
            }
        }.joined()
    }
}

/// How many durations were up to each of some bounds, and what they add up to.
struct DurationHistogram {
    /// Steps of 1, 2.5 and 5, so that a percentile read off them is wrong by a factor of 2.5 at most: from what a
    /// remembered answer takes, to more than a call may (`Limit.callSeconds`), so that what is above is of calls
    /// whose limit an administrator raised.
    static let bounds: [Duration] =
        (0..<6).flatMap { decade in [1.0, 2.5, 5].map { .milliseconds($0) * pow10(decade) } } + [.seconds(1000)]

    private static func pow10(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { power, _ in power * 10 } }

    /// Of each bound, those above the one before; then those above all.
    private var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// 128 bits of attoseconds, for ten thousand million years.
    private(set) var sum = Duration.zero

    mutating func observe(_ duration: Duration) {
        counts[Self.bounds.firstIndex { duration <= $0 } ?? Self.bounds.count] += 1
        sum += duration
    }

    var count: UInt64 { counts.reduce(0, +) }

    /// For each bound how many were up to it; the last bound is infinite.
    var buckets: [(bound: String, count: UInt64)] {
        var total: UInt64 = 0
        return zip(Self.bounds.map(\.secondsText) + ["+Inf"], counts).map { bound, count in
            total += count
            return (bound, total)
        }
    }
}

extension Duration {
    /// Seconds as a decimal number, to the nanosecond: "0.0025", "1000".
    fileprivate var secondsText: String {
        let nanoseconds = components.attoseconds / 1_000_000_000
        guard nanoseconds != 0 else { return "\(components.seconds)" }
        let digits = String(nanoseconds)
        let padded = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        let end = padded.utf8.lastIndex { $0 != UInt8(ascii: "0") } ?? padded.startIndex
        return "\(components.seconds).\(padded[...end])"
    }
}

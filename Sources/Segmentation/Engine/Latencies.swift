/// How long calls, or jobs, took, of the last ones.
struct Latencies {
    /// Samples that are kept.
    private let limit: Int
    /// Calls, those included whose samples are gone.
    private(set) var count = 0
    /// A ring of milliseconds.
    private var samples: [Float] = []

    init(keeping limit: Int) { self.limit = limit }

    mutating func add(_ milliseconds: Float) {
        if samples.count < limit {
            samples.append(milliseconds)
        } else {
            samples[count % limit] = milliseconds
        }
        count += 1
    }

    /// 0 where there are none.
    var mean: Float { samples.isEmpty ? 0 : samples.reduce(0, +) / Float(samples.count) }

    /// The time that a share of the samples does not exceed (nearest rank); 0 where there are none.
    ///
    /// - Parameter share: in 0...1
    func percentile(_ share: Double) -> Float {
        guard !samples.isEmpty else { return 0 }
        let rank = Int((share * Double(samples.count)).rounded(.up))
        return samples.sorted()[min(max(rank, 1), samples.count) - 1]
    }
}

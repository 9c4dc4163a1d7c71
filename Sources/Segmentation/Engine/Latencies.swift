/// How long a model's calls took, of the last ones.
struct Latencies {
    /// Samples that are kept.
    static let limit = 512

    /// Calls, those included whose samples are gone.
    private(set) var count = 0
    /// A ring of milliseconds.
    private var samples: [Float] = []

    mutating func add(_ milliseconds: Float) {
        if samples.count < Self.limit {
            samples.append(milliseconds)
        } else {
            samples[count % Self.limit] = milliseconds
        }
        count += 1
    }

    /// The time that a share of the samples does not exceed (nearest rank); 0 where there are none.
    ///
    /// - Parameter share: in 0...1
    func percentile(_ share: Double) -> Float {
        guard !samples.isEmpty else { return 0 }
        let rank = Int((share * Double(samples.count)).rounded(.up))
        return samples.sorted()[min(max(rank, 1), samples.count) - 1]
    }
}

import Foundation

/// How fast something grows, by measurements with noise: the median of the slopes between all pairs of them (Theil and
/// Sen), which a few wild ones do not move, and what it is at least, as surely as a normal deviate of `sureness` says
/// (Sen 1968, by the variance of Kendall's rank statistic).
struct Slope {
    let median: Double
    let least: Double

    /// - Parameters:
    ///   - points: at least three, at different times
    ///   - sureness: 3: in 999 of 1,000 cases of noise that does not depend on the time
    init(_ points: [(time: Double, value: Double)], sureness: Double) {
        let slopes = points.indices.flatMap { first in
            points[(first + 1)...].map { ($0.value - points[first].value) / ($0.time - points[first].time) }
        }.sorted()
        let count = Double(points.count)
        let spread = sureness * (count * (count - 1) * (2 * count + 5) / 18).squareRoot()
        let place = Int(((Double(slopes.count) - spread) / 2).rounded(.down)) - 1
        median = (slopes[(slopes.count - 1) / 2] + slopes[slopes.count / 2]) / 2
        // Of too few points nothing is sure.
        least = place >= 0 ? slopes[place] : -.infinity
    }
}

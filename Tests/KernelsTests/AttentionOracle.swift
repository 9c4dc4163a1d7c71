import CKernels
import Glibc

/// Attention by its definition, in double precision.
struct AttentionOracle {
    let queries: Framed
    let keys: Framed
    let heads: Int
    let causal: Bool

    private var width: Int { queries.columns / heads }

    /// softmax(q kᵀ / √D) of a head, `[N, L]`.
    ///
    /// An exponent's error is that of its score (one rounding for each product and sum) and four roundings of the
    /// distance and the scale (a root, a quotient, a difference, a product); e^x turns it into a relative one and
    /// adds 2e-7 of its own; the sum, its reciprocal and the product with that have the errors of the sum's terms and
    /// one rounding for each step. Exponentials below e^-87.3 are 0.
    private func probabilities(head: Int) -> [Bounded] {
        let scale = 1 / Double(width).squareRoot()
        return (0..<queries.rows).flatMap { row -> [Bounded] in
            let seen = causal ? min(row + 1, keys.rows) : keys.rows
            let scores = (0..<seen).map { score(row, $0, head: head, scale: scale) }
            let top = scores.map(\.value).max() ?? 0
            let topError = scores.map(\.slack).max() ?? 0
            let powers = scores.map { exp($0.value - top) }
            let sum = powers.reduce(0, +)
            let errors = scores.map {
                $0.slack + topError + 4 * roundoff * ($0.value - top).magnitude + 2e-7
            }
            let sumError =
                zip(powers, errors).reduce(0) { $0 + $1.0 * $1.1 } / sum
                + Double(seen / 16 + 8) * roundoff
            return zip(powers, errors).map { power, error in
                let value = power / sum
                let relative = expm1(min(error + sumError, 10))
                return Bounded(value: value, slack: min(value * relative, 1) + 0x1p-125)
            } + [Bounded](repeating: Bounded(value: 0, slack: 0), count: keys.rows - seen)
        }
    }

    private func score(_ row: Int, _ key: Int, head: Int, scale: Double) -> Bounded {
        var (sum, magnitude) = (0.0, 0.0)
        for column in (head * width)..<((head + 1) * width) {
            let term = Double(queries[row, column]) * Double(keys[key, column])
            sum += term
            magnitude += term.magnitude
        }
        let roundings = Double(width + 1)
        return Bounded(value: sum * scale, slack: roundings * roundoff * magnitude * scale)
    }

    /// `[N, C]`: each head's probabilities times its columns of the values.
    func output(values: Framed) -> [Bounded] {
        let (rows, columns) = (queries.rows, values.columns)
        var y = [Bounded](repeating: Bounded(value: 0, slack: 0), count: rows * columns)
        for head in 0..<heads {
            let p = probabilities(head: head)
            for row in 0..<rows {
                for column in (head * width)..<((head + 1) * width) {
                    for key in 0..<keys.rows {
                        let value = Double(values[key, column])
                        let weight = p[row * keys.rows + key]
                        y[row * columns + column].value += weight.value * value
                        // One rounding for each key, relative to the terms' magnitudes.
                        let rounding = Double(keys.rows + 1) * roundoff * weight.value
                        y[row * columns + column].slack +=
                            (weight.slack + rounding) * value.magnitude
                    }
                }
            }
        }
        return y
    }

    /// `[N, L]`: `before` plus the probabilities' mean over heads, times `share`.
    func mean(share: Float, before: [Float]) -> [Bounded] {
        var mean = before.map { Bounded(value: Double($0), slack: 0) }
        for head in 0..<heads {
            for (place, p) in probabilities(head: head).enumerated() {
                mean[place].value += p.value * Double(share) / Double(heads)
                mean[place].slack += p.slack * Double(share.magnitude) / Double(heads)
            }
        }
        // Share and sum are rounded once for each head, and once more.
        return zip(mean, before).map { mean, before in
            let magnitude = Double(share.magnitude) + Double(before).magnitude
            let rounding = Double(heads + 3) * roundoff * magnitude
            return Bounded(value: mean.value, slack: mean.slack + rounding)
        }
    }

    /// `[N]`: `before` plus the mean over heads and `positions`, times `share`.
    func map(positions: [Int32], share: Float, before: [Float]) -> [Bounded] {
        let zeros = [Float](repeating: 0, count: queries.rows * keys.rows)
        let means = mean(share: share, before: zeros)
        return before.indices.map { row in
            let chosen = positions.map { means[row * keys.rows + Int($0)] }
            let count = Double(positions.count)
            let value = chosen.reduce(0) { $0 + $1.value } / count
            let slack = chosen.reduce(0) { $0 + $1.slack } / count
            // One more rounding for each position, head and share.
            let magnitude = value.magnitude + Double(before[row]).magnitude
            let roundings = Double(heads * positions.count + 4)
            return Bounded(
                value: Double(before[row]) + value, slack: slack + roundings * roundoff * magnitude)
        }
    }
}

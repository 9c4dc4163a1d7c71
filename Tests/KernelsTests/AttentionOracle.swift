import CKernels
import Glibc
import Testing

/// Attention by its definition, in double precision.
struct AttentionOracle {
    let queries: Framed
    let keys: Framed
    let heads: Int
    let causal: Bool
    /// Whether queries, keys, values and, for these, probabilities are quantized.
    var isFixed = false

    /// Keys whose probabilities share a scale.
    private static let block = 512

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

    /// In fixed point a sum is exact: there are the quantization errors, and three roundings, of the sum, of both
    /// scales' product and of the product with it.
    private func score(_ row: Int, _ key: Int, head: Int, scale: Double) -> Bounded {
        var (sum, magnitude) = (0.0, 0.0)
        for column in (head * width)..<((head + 1) * width) {
            let term = Double(queries[row, column]) * Double(keys[key, column])
            sum += term
            magnitude += term.magnitude
        }
        let roundings = Double(isFixed ? 3 : width + 1)
        let miss = isFixed ? grains(queries, row, head).miss(grains(keys, key, head)) : 0
        return Bounded(value: sum * scale, slack: (miss + roundings * roundoff * magnitude) * scale)
    }

    private func grains(_ matrix: Framed, _ row: Int, _ head: Int) -> Grains {
        Grains((0..<width).map { Double(matrix[row, head * width + $0]) }, length: Grains.length)
    }

    /// The largest quantization error of each of a query's probabilities `p`.
    ///
    /// A block's integers add up to `65000 - count / 2`, or the largest that there can be, a probability of the top
    /// score, has 32767 of them: half a unit, and what the scale's roundings are of so large a number.
    private func misses(_ p: [Bounded]) -> [Double] {
        let most = p.map { $0.value + $0.slack }
        let top = most.max() ?? 0
        return stride(from: 0, to: p.count, by: AttentionOracle.block).flatMap { first in
            let keys = first..<min(first + AttentionOracle.block, p.count)
            let total = 65_000 - Double(keys.count) / 2
            let unit = max(most[keys].reduce(0, +) / total, top / 32767)
            return keys.map { _ in 0.51 * unit }
        }
    }

    /// Half a unit of a column of values, the largest of which has 32767.
    private func valueMiss(_ values: Framed, _ column: Int) -> Double {
        guard isFixed else { return 0 }
        return 0.51 * ((0..<values.rows).map { Double(values[$0, column].magnitude) }.max() ?? 0) / 32767
    }

    /// `[N, C]`: each head's probabilities times its columns of the values.
    func output(values: Framed) -> [Bounded] {
        let (rows, columns, count) = (queries.rows, values.columns, keys.rows)
        var y = [Bounded](repeating: Bounded(value: 0, slack: 0), count: rows * columns)
        // One rounding for each key, relative to the terms' magnitudes; in fixed point two for each block's scale, two
        // for its sum, and one to add it.
        let blocks = (count + AttentionOracle.block - 1) / AttentionOracle.block
        let roundings = Double(isFixed ? blocks + 6 : count + 1)
        for head in 0..<heads {
            let p = probabilities(head: head)
            let valueMisses = (0..<columns).map { valueMiss(values, $0) }
            for row in 0..<rows {
                let weights = Array(p[(row * count)..<((row + 1) * count)])
                let misses = isFixed ? misses(weights) : weights.map { _ in 0 }
                for column in (head * width)..<((head + 1) * width) {
                    for (key, weight) in weights.enumerated() {
                        let value = Double(values[key, column])
                        let slack = weight.slack + misses[key]
                        y[row * columns + column].value += weight.value * value
                        y[row * columns + column].slack +=
                            (slack + roundings * roundoff * weight.value) * value.magnitude
                            + (weight.value + slack) * valueMisses[column]
                    }
                }
            }
        }
        return y
    }

    /// `[N, L]`: `before` plus the probabilities' mean over heads, times `share`.
    func mean(share: Float, before: [Float]) -> [Bounded] {
        sum(shares: shares(share, heads: heads), before: before)
    }

    /// `[N, L]`: `before` plus the probabilities of each head, times its share.
    func sum(shares: [Float], before: [Float]) -> [Bounded] {
        var mean = before.map { Bounded(value: Double($0), slack: 0) }
        for (head, share) in shares.enumerated() {
            for (place, p) in probabilities(head: head).enumerated() {
                mean[place].value += p.value * Double(share)
                mean[place].slack += p.slack * Double(share.magnitude)
            }
        }
        let most = shares.reduce(0) { $0 + Double($1.magnitude) }
        // Share and sum are rounded once for each head, and once more.
        return zip(mean, before).map { mean, before in
            let magnitude = most + Double(before).magnitude
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

struct AttentionShape {
    var rows: Int
    var keys: Int
    var heads: Int
    var width: Int
}

/// What each head's probabilities count for in their mean, times `share`.
func shares(_ share: Float, heads: Int) -> [Float] { [Float](repeating: share / Float(heads), count: heads) }

/// A share for each head, no two alike, and that of every third 0.
func unequalShares(heads: Int) -> [Float] { (0..<heads).map { $0 % 3 == 1 ? 0 : 0.7 / Float($0 + 1) } }

/// Fresh scratch for as many keys of as many columns.
func attentionScratch(keys: Int, columns: Int, heads: Int) -> Scratch {
    _ = startedThreads
    return Scratch(dseg_attention_scratch(keys, columns, heads))
}

/// Holds attention to drawn numbers against its definition, and what it captures.
func expectAttention(_ shape: AttentionShape, causal: Bool, magnitude: Float, fixed: Bool) {
    var draw = Draw(seed: shape.rows * 1000 + shape.keys)
    let columns = shape.heads * shape.width
    let make = { (draw: inout Draw, rows: Int) in
        Framed(draw.floats(rows * columns).map { $0 * magnitude }, rows: rows, columns: columns)
    }
    let (q, k) = (make(&draw, shape.rows), make(&draw, shape.keys))
    let v = draw.matrix(shape.keys, columns)
    let oracle = AttentionOracle(queries: q, keys: k, heads: shape.heads, causal: causal, isFixed: fixed && !causal)
    let situation = "\(shape), causal \(causal), magnitude \(magnitude), fixed \(fixed)"
    let room = attentionScratch(keys: shape.keys, columns: columns, heads: shape.heads)

    let y = Framed(unwritten: shape.rows, columns)
    unsafe dseg_attention(q.c, k.c, v.c, shape.heads, causal, y.c, nil, nil, fixed, room.floats)
    expect(y, within: oracle.output(values: v), situation)

    let before = draw.floats(shape.rows * shape.keys)
    let mean = Framed(before, rows: shape.rows, columns: shape.keys)
    let again = Framed(unwritten: shape.rows, columns)
    var captured = unsafe mean.c
    let shares = unequalShares(heads: shape.heads)
    unsafe dseg_attention(q.c, k.c, v.c, shape.heads, causal, again.c, &captured, shares, fixed, room.floats)
    #expect(again.values == y.values && again.isFrameIntact, "\(situation), capturing")
    expect(mean, within: oracle.sum(shares: shares, before: before), "\(situation), the mean")
    #expect(room.isIntact && q.isFrameIntact && k.isFrameIntact && v.isFrameIntact)
}

/// Holds the mean of attention's probabilities, without values, against its definition.
func expectScores(_ shape: AttentionShape, magnitude: Float, fixed: Bool) {
    var draw = Draw(seed: shape.rows * 1000 + shape.keys + 1)
    let columns = shape.heads * shape.width
    let q = Framed(rows: shape.rows, columns: columns) { _, _ in draw.next() * magnitude }
    let k = Framed(rows: shape.keys, columns: columns) { _, _ in draw.next() * magnitude }
    let oracle = AttentionOracle(queries: q, keys: k, heads: shape.heads, causal: false, isFixed: fixed)
    let room = attentionScratch(keys: shape.keys, columns: columns, heads: shape.heads)

    let before = draw.floats(shape.rows * shape.keys)
    let mean = Framed(before, rows: shape.rows, columns: shape.keys)
    let shares = unequalShares(heads: shape.heads)
    unsafe dseg_attention_mean(q.c, k.c, shape.heads, mean.c, shares, fixed, room.floats)
    expect(mean, within: oracle.sum(shares: shares, before: before), "\(shape), fixed \(fixed), the mean")
    #expect(room.isIntact)
}

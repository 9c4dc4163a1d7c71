import CKernels
import Testing

/// Attention in fixed point of drawn numbers: what it gives, and the mean that it captures.
private func attend(
    _ q: Framed, _ k: Framed, _ v: Framed, heads: Int, causal: Bool = false
) -> (y: Framed, mean: Framed) {
    let (y, mean) = (Framed(unwritten: q.rows, v.columns), Framed(rows: q.rows, columns: k.rows) { _, _ in 0 })
    let room = attentionScratch(keys: k.rows, columns: k.columns, heads: heads)
    var captured = unsafe mean.c
    unsafe dseg_attention(q.c, k.c, v.c, heads, causal, y.c, &captured, shares(1, heads: heads), true, room.floats)
    #expect(room.isIntact && y.isFrameIntact && mean.isFrameIntact)
    return (y, mean)
}

@Suite struct FixedAttentionTests {
    @Test func `dseg_attention in fixed point keeps its definition at every number of keys`() {
        for keys in tails + [77, 300] {
            expectAttention(
                AttentionShape(rows: 3, keys: keys, heads: 2, width: 3), causal: false, magnitude: 2, fixed: true)
        }
    }

    /// A tile has 96 queries of up to 682 keys; products take 16 or 6 rows at once, then 4, then 1.
    @Test func `dseg_attention in fixed point keeps its definition around the borders of its tiles`() {
        for rows in Array(1...26) + [95, 96, 97, 191, 193] {
            expectAttention(
                AttentionShape(rows: rows, keys: 7, heads: 1, width: 2), causal: false, magnitude: 2, fixed: true)
        }
    }

    /// A block has 512 keys, whose probabilities share a scale; of so many keys a tile has few queries.
    @Test(arguments: [511, 512, 513, 1023, 1025, 2049])
    func `dseg_attention in fixed point keeps its definition over more keys than a block has`(keys: Int) {
        expectAttention(
            AttentionShape(rows: 33, keys: keys, heads: 1, width: 3), causal: false, magnitude: 3, fixed: true)
    }

    @Test(arguments: [1, 2, 5], [1, 2, 7, 15, 16, 17, 40, 80, 160])
    func `dseg_attention in fixed point keeps its definition for heads of every width`(heads: Int, width: Int) {
        for keys in [11, 33] {
            expectAttention(
                AttentionShape(rows: 9, keys: keys, heads: heads, width: width), causal: false, magnitude: 1,
                fixed: true)
        }
    }

    @Test(arguments: [15, 16, 17, 77, 257], [8, 15, 40, 80])
    func `attention in fixed point and its scores keep their definitions for keys and widths together`(
        keys: Int, width: Int
    ) {
        let shape = AttentionShape(rows: 26, keys: keys, heads: 1, width: width)
        expectAttention(shape, causal: false, magnitude: 1, fixed: true)
        expectScores(shape, magnitude: 1, fixed: true)
    }

    @Test func `dseg_attention_mean in fixed point adds what attention sees`() {
        for keys in tails {
            expectScores(AttentionShape(rows: 3, keys: keys, heads: 2, width: 3), magnitude: 2, fixed: true)
        }
        for rows in borders {
            expectScores(AttentionShape(rows: rows, keys: 7, heads: 3, width: 2), magnitude: 2, fixed: true)
        }
    }

    @Test(arguments: [0, 1e-12, 1e-3, 20] as [Float])
    func `scores of every magnitude become probabilities in fixed point`(magnitude: Float) {
        let shape = AttentionShape(rows: 66, keys: 19, heads: 2, width: 4)
        expectAttention(shape, causal: false, magnitude: magnitude, fixed: true)
        expectScores(shape, magnitude: magnitude, fixed: true)
    }

    /// One key has a probability of all but one, in the first block or the last, and the others next to none: the
    /// answer is that key's value, within half a unit of its column.
    @Test func `a key that outweighs all others gives its own value`() {
        for (keys, chosen) in [(1, 0), (17, 16), (600, 3), (1025, 1024), (1025, 512)] {
            let q = Framed(rows: 5, columns: 4) { row, _ in Float(row + 1) * 40 }
            let k = Framed(rows: keys, columns: 4) { key, _ in key == chosen ? 1 : -1 }
            var draw = Draw(seed: keys)
            let v = draw.matrix(keys, 4)
            let (y, mean) = attend(q, k, v, heads: 1)
            for (row, column) in (0..<5).flatMap({ row in (0..<4).map { (row, $0) } }) {
                let most = (0..<keys).map { v[$0, column].magnitude }.max() ?? 0
                // Half a unit of the values, and half of one of so large a probability.
                let slack = 0.51 / 32767 * (most + v[chosen, column].magnitude)
                #expect((y[row, column] - v[chosen, column]).magnitude <= slack, "\(chosen) of \(keys)")
            }
            #expect((0..<5).allSatisfy { mean[$0, chosen] > 0.99999 })
        }
    }

    /// All integers have the same sign and the largest magnitude: the sum of a block is as large as it can be.
    @Test(arguments: [1, 2, 3, 100, 511, 512, 1024, 1500])
    func `equal values of equal keys come back, whatever their number`(keys: Int) {
        for value in [1, -3] as [Float] {
            let q = Framed(rows: 7, columns: 6) { row, column in Float(row - column) }
            let k = Framed(rows: keys, columns: 6) { _, column in Float(column) }
            let v = Framed(rows: keys, columns: 6) { _, _ in value }
            let (y, _) = attend(q, k, v, heads: 2)
            // All probabilities of 1 / keys are rounded the same way: by half a unit, of which a block has at least
            // 64744, and a probability at most 32767. Half a unit of the values, and roundings of exponentials.
            let unit = max(Double(min(keys, 512)) / Double(keys) / 64_744, 1 / Double(keys) / 32767)
            let slack = Float(0.51 * unit * Double(keys) + 0.51 / 32767 + 1e-6)
            #expect(y.values.allSatisfy { ($0 / value - 1).magnitude <= slack }, "\(keys) keys of \(value)")
        }
    }

    /// The expected variance of an answer y: each probability p is rounded to the step of its block, each value v to
    /// that of its column, and an error e in a score moves y by p (v - y) e.
    @Test(arguments: [(77, 40), (256, 80), (500, 40)])
    func `the errors of attention in fixed point are those of independent roundings`(keys: Int, width: Int) {
        var draw = Draw(seed: keys)
        let (q, k, v) = (draw.matrix(40, width), draw.matrix(keys, width), draw.matrix(keys, width))
        let oracle = AttentionOracle(queries: q, keys: k, heads: 1, causal: false)
        let zeros = [Float](repeating: 0, count: 40 * keys)
        let p = oracle.mean(share: 1, before: zeros).map(\.value)
        let values = oracle.output(values: v).map(\.value)
        let rows = { (x: Framed) in
            (0..<x.rows).map { row in Grains((0..<width).map { Double(x[row, $0]) }, length: Grains.length) }
        }
        let (queryGrains, keyGrains) = (rows(q), rows(k))
        let units = (0..<width).map { column in
            Double((0..<keys).map { v[$0, column].magnitude }.max() ?? 0) / 32767
        }
        let variances = values.enumerated().map { place, y in
            let (row, column) = place.quotientAndRemainder(dividingBy: width)
            let ofRow = p[(row * keys)..<((row + 1) * keys)]
            let unit = max(1 / (65_000 - Double(keys) / 2), (ofRow.max() ?? 0) / 32767)
            return ofRow.enumerated().reduce(0.0) { sum, weight in
                let value = Double(v[weight.offset, column])
                let score = queryGrains[row].variance(keyGrains[weight.offset]) / Double(width)
                let ofValue = units[column] * units[column] / 12 + (value - y) * (value - y) * score
                let ofProbability = unit * unit / 12 * value * value
                return sum + ofProbability + weight.element * weight.element * ofValue
            }
        }
        expectIndependent(attend(q, k, v, heads: 1).y.values, values, variances, "\(keys) keys of \(width)")
    }

    @Test func `the bits of an answer in fixed point depend on its query, the keys and the values alone`() {
        for (rows, keys, width) in [(250, 77, 40), (130, 600, 15)] {
            var draw = Draw(seed: keys)
            let columns = 2 * width
            let (q, k, v) = (draw.matrix(rows, columns), draw.matrix(keys, columns), draw.matrix(keys, columns))
            let answer = { (range: Range<Int>) in
                let some = Framed(rows: range.count, columns: columns) { q[range.lowerBound + $0, $1] }
                return attend(some, k, v, heads: 2).y.values.map(\.bitPattern)
            }
            let all = answer(0..<rows)
            for range in [0..<1, 0..<5, 24..<30, 95..<97, 1..<rows, (rows - 1)..<rows] {
                let places = (range.lowerBound * columns)..<(range.upperBound * columns)
                #expect(answer(range) == Array(all[places]), "\(range) of \(rows)")
            }
        }
    }

    /// The scale of a column of values would carry the later ones to every query, so causal attention is f32. Prompts
    /// that begin alike share the states of their beginning.
    @Test func `the bits of a causal query's answer do not depend on what is behind its own position`() {
        let (rows, seen, columns) = (77, 40, 10)
        var draw = Draw(seed: 7)
        let (q, k, v) = (draw.matrix(rows, columns), draw.matrix(rows, columns), draw.matrix(rows, columns))
        let bits = ([1, 1000] as [Float]).map { factor in
            let others = [k, v].map { x in
                Framed(rows: rows, columns: columns) { row, column in x[row, column] * (row < seen ? 1 : factor) }
            }
            let (y, mean) = attend(q, others[0], others[1], heads: 2, causal: true)
            return (y.values.prefix(seen * columns) + mean.values.prefix(seen * rows)).map(\.bitPattern)
        }
        #expect(bits[0] == bits[1])
    }

    @Test func `a query that is not finite in fixed point has NaN for an answer, and no other query has`() {
        for (keys, bad) in [(1, Float.nan), (15, .infinity), (17, .nan), (600, .nan)] {
            let q = Framed(rows: 70, columns: 4) { row, column in row == 66 && column == 1 ? bad : Float(row) * 0.01 }
            var draw = Draw(seed: keys)
            let (y, mean) = attend(q, draw.matrix(keys, 4), draw.matrix(keys, 4), heads: 1)
            let spoilt = (0..<70).filter { row in (0..<4).allSatisfy { y[row, $0].isNaN } }
            let some = (0..<70).filter { row in (0..<4).contains { y[row, $0].isNaN } }
            let seen = (0..<70).filter { row in (0..<keys).contains { mean[row, $0].isNaN } }
            #expect(spoilt == [66] && some == [66] && seen == [66], "\(keys) keys")
        }
    }

    @Test func `a key that is not finite in fixed point spoils every answer rather than hide`() {
        for keys in [2, 16, 17, 40, 600] {
            for (place, bad) in [(0, Float.nan), (keys - 1, .nan), (keys / 2, .infinity)] {
                var draw = Draw(seed: keys)
                let k = Framed(rows: keys, columns: 4) { key, _ in key == place ? bad : 1 }
                let (y, mean) = attend(draw.matrix(3, 4), k, draw.matrix(keys, 4), heads: 1)
                #expect((y.values + mean.values).allSatisfy { $0.isNaN }, "key \(place) of \(keys)")
            }
        }
    }

    @Test func `a value that is not finite in fixed point spoils its own column and no other`() {
        for keys in [1, 2, 17, 600] {
            for (place, bad) in [(0, Float.nan), (keys - 1, .infinity)] {
                var draw = Draw(seed: keys)
                let v = Framed(rows: keys, columns: 21) { $0 == place && $1 == 17 ? bad : 1 }
                let (y, mean) = attend(draw.matrix(9, 21), draw.matrix(keys, 21), v, heads: 1)
                let spoilt = (0..<21).filter { column in (0..<9).contains { y[$0, column].isNaN } }
                #expect(spoilt == [17] && mean.values.allSatisfy { !$0.isNaN }, "\(place) of \(keys)")
            }
        }
    }
}

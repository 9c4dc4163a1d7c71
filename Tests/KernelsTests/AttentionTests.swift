import CKernels
import Testing

@Suite struct AttentionTests {
    @Test func `dseg_attention keeps its definition at every number of keys`() {
        for keys in tails + [77, 300] {
            expectAttention(
                AttentionShape(rows: 3, keys: keys, heads: 2, width: 3), causal: false, magnitude: 2, fixed: false)
        }
    }

    /// A tile has 128 queries of up to 4096 keys.
    @Test func `dseg_attention keeps its definition around the borders of its tiles`() {
        for rows in Array(1...26) + [48, 97, 127, 128, 129, 255, 256, 257, 385] {
            for causal in [false, true] {
                expectAttention(
                    AttentionShape(rows: rows, keys: 7, heads: 1, width: 2), causal: causal, magnitude: 2, fixed: false)
            }
        }
    }

    /// Of more keys a tile has 112, 96 and 16 queries.
    @Test func `dseg_attention keeps its definition around the borders of the tiles of many keys`() {
        for (rows, keys) in [(129, 1030), (113, 4097), (97, 5000), (17, 20_000)] {
            expectAttention(
                AttentionShape(rows: rows, keys: keys, heads: 1, width: 1), causal: false, magnitude: 2, fixed: false)
        }
        expectAttention(
            AttentionShape(rows: 130, keys: 1025, heads: 1, width: 2), causal: true, magnitude: 2, fixed: false)
    }

    @Test(arguments: [1, 2, 5, 8], [1, 8, 15, 16, 24, 40, 80])
    func `dseg_attention keeps its definition for heads of every width`(heads: Int, width: Int) {
        for keys in [11, 33] {
            expectAttention(
                AttentionShape(rows: 9, keys: keys, heads: heads, width: width), causal: false, magnitude: 2,
                fixed: false)
        }
    }

    @Test(arguments: [15, 16, 17, 77, 257, 300], [8, 15, 40, 80])
    func `attention and its scores keep their definitions for keys and widths together`(keys: Int, width: Int) {
        let shape = AttentionShape(rows: 26, keys: keys, heads: 1, width: width)
        expectAttention(shape, causal: false, magnitude: 1, fixed: false)
        expectAttention(shape, causal: true, magnitude: 1, fixed: false)
        expectScores(shape, magnitude: 1, fixed: false)
    }

    @Test(arguments: [(77, 77), (1, 1), (3, 20), (70, 5)])
    func `a causal query sees the keys up to its own position`(rows: Int, keys: Int) {
        expectAttention(
            AttentionShape(rows: rows, keys: keys, heads: 2, width: 4), causal: true, magnitude: 2, fixed: false)
        var draw = Draw(seed: rows)
        let (q, k, v) = (draw.matrix(rows, 4), draw.matrix(keys, 4), draw.matrix(keys, 4))
        let y = Framed(unwritten: rows, 4)
        let mean = Framed(rows: rows, columns: keys) { _, _ in 0 }
        var captured = unsafe mean.c
        let room = attentionScratch(keys: keys, columns: 4, heads: 1)
        unsafe dseg_attention(q.c, k.c, v.c, 1, true, y.c, &captured, shares(1, heads: 1), false, room.floats)
        #expect((0..<4).allSatisfy { y[0, $0] == v[0, $0] })
        let isBlind = (0..<rows).allSatisfy { row in
            (0..<keys).allSatisfy { $0 <= row || mean[row, $0] == 0 }
        }
        #expect(isBlind)
    }

    @Test func `dseg_attention_mean adds what attention sees`() {
        for keys in tails {
            expectScores(AttentionShape(rows: 3, keys: keys, heads: 2, width: 3), magnitude: 2, fixed: false)
        }
        for rows in borders {
            expectScores(AttentionShape(rows: rows, keys: 7, heads: 3, width: 2), magnitude: 2, fixed: false)
        }
    }

    @Test(arguments: [0, 1e-3, 20, 100] as [Float])
    func `scores of every magnitude become probabilities`(magnitude: Float) {
        let shape = AttentionShape(rows: 66, keys: 19, heads: 2, width: 4)
        expectAttention(shape, causal: false, magnitude: magnitude, fixed: false)
        expectScores(shape, magnitude: magnitude, fixed: false)
    }

    /// The products of small whole numbers are exact, so the scores ±10⁴ and beyond are too.
    @Test func `scores of ten thousand choose one key and overflow nothing`() {
        for size in [1e4, 1e9, 1e18] as [Float] {
            let q = Framed(rows: 2, columns: 4) { row, _ in row == 0 ? size : -size }
            let k = Framed(rows: 17, columns: 4) { key, _ in Float(key) - 8 }
            let v = Framed(rows: 17, columns: 4) { key, column in Float(key * 4 + column) }
            let y = Framed(unwritten: 2, 4)
            let room = attentionScratch(keys: 17, columns: 4, heads: 1)
            unsafe dseg_attention(q.c, k.c, v.c, 1, false, y.c, nil, nil, false, room.floats)
            #expect(y.values == [64, 65, 66, 67, 0, 1, 2, 3], "\(size)")
        }
    }

    /// Where a query stands, and how many there are, decides in which order its sums are added up. What the others are
    /// does not.
    @Test func `the bits of a query's answer do not depend on the numbers of other queries`() {
        for (rows, keys, width) in [(250, 77, 40), (130, 300, 15), (40, 4500, 3)] {
            var draw = Draw(seed: keys)
            let columns = 2 * width
            let (q, k, v) = (draw.matrix(rows, columns), draw.matrix(keys, columns), draw.matrix(keys, columns))
            let others = Framed(rows: rows, columns: columns) { $0 % 3 == 1 ? q[$0, $1] : .nan }
            let answers = [q, others].map { q in
                let room = attentionScratch(keys: keys, columns: columns, heads: 2)
                let y = Framed(unwritten: rows, columns)
                unsafe dseg_attention(q.c, k.c, v.c, 2, false, y.c, nil, nil, false, room.floats)
                return y
            }
            let isSame = stride(from: 1, to: rows, by: 3).allSatisfy { row in
                (0..<columns).allSatisfy { answers[0][row, $0].bitPattern == answers[1][row, $0].bitPattern }
            }
            #expect(isSame, "[\(rows), \(columns)], \(keys) keys")
        }
    }

    @Test func `a head whose share is 0 is not added, and its output is the same`() {
        for fixed in [false, true] {
            var draw = Draw(seed: 6)
            let (q, k, v) = (draw.matrix(40, 12), draw.matrix(21, 12), draw.matrix(21, 12))
            let spoilt = Framed(rows: 40, columns: 12) { $1 / 4 == 1 ? .nan : q[$0, $1] }
            let room = attentionScratch(keys: 21, columns: 12, heads: 3)
            let shares: [Float] = [0.5, 0, 0.25]
            let sums = [q, spoilt].flatMap { q in
                let (y, seen) = (Framed(unwritten: 40, 12), Framed(rows: 40, columns: 21) { _, _ in 0 })
                let alone = Framed(rows: 40, columns: 21) { _, _ in 0 }
                var captured = unsafe seen.c
                unsafe dseg_attention(q.c, k.c, v.c, 3, false, y.c, &captured, shares, fixed, room.floats)
                unsafe dseg_attention_mean(q.c, k.c, 3, alone.c, shares, fixed, room.floats)
                #expect((0..<40).allSatisfy { y[$0, 4].isNaN == q[$0, 4].isNaN && !y[$0, 0].isNaN })
                return [seen.values, alone.values]
            }
            #expect(sums.allSatisfy { $0 == sums[0] } && room.isIntact, "fixed \(fixed)")
        }
    }

    @Test func `softmax shares one among the keys, whatever their number`() {
        for keys in tails {
            var draw = Draw(seed: keys)
            let (q, k) = (draw.matrix(65, 4), draw.matrix(keys, 4))
            let mean = Framed(rows: 65, columns: keys) { _, _ in 0 }
            let room = attentionScratch(keys: keys, columns: 4, heads: 2)
            unsafe dseg_attention_mean(q.c, k.c, 2, mean.c, shares(1, heads: 2), false, room.floats)
            // The sum's roundings and those of two heads' quotients.
            let slack = Double(keys / 16 + 16) * roundoff
            let sums = (0..<65).map { row in
                (0..<keys).reduce(0) { $0 + Double(mean[row, $1]) }
            }
            #expect(sums.allSatisfy { ($0 - 1).magnitude <= slack }, "\(keys) keys")
            #expect(mean.values.allSatisfy { $0 >= 0 && $0 <= 1 + Float(slack) })
        }
    }

    @Test func `equal keys get equal shares`() {
        let q = Framed(rows: 3, columns: 2) { row, _ in Float(row) * 100 }
        let k = Framed(rows: 33, columns: 2) { _, _ in 1 }
        let mean = Framed(rows: 3, columns: 33) { _, _ in 0 }
        let room = attentionScratch(keys: 33, columns: 2, heads: 1)
        unsafe dseg_attention_mean(q.c, k.c, 1, mean.c, shares(1, heads: 1), false, room.floats)
        let first = mean[0, 0]
        #expect(mean.values.allSatisfy { $0 == first })
        #expect((first - 1.0 / 33).magnitude <= Float(4 * roundoff / 33))
    }

    @Test func `a query that is NaN has NaN for an answer, and no other query has`() {
        for keys in [1, 15, 16, 17, 40] {
            let q = Framed(rows: 70, columns: 4) { row, _ in row == 66 ? .nan : Float(row) * 0.01 }
            var draw = Draw(seed: keys)
            let (k, v) = (draw.matrix(keys, 4), draw.matrix(keys, 4))
            let y = Framed(unwritten: 70, 4)
            let mean = Framed(rows: 70, columns: keys) { _, _ in 0 }
            var captured = unsafe mean.c
            let room = attentionScratch(keys: keys, columns: 4, heads: 2)
            unsafe dseg_attention(q.c, k.c, v.c, 2, false, y.c, &captured, shares(1, heads: 2), false, room.floats)
            let spoilt = (0..<70).filter { row in (0..<4).contains { y[row, $0].isNaN } }
            let seen = (0..<70).filter { row in (0..<keys).contains { mean[row, $0].isNaN } }
            #expect(spoilt == [66] && seen == [66], "\(keys) keys")
        }
    }

    @Test func `a key that is NaN spoils every answer rather than hide`() {
        for keys in [2, 16, 17, 40] {
            for place in [0, keys - 1] {
                var draw = Draw(seed: keys)
                let q = draw.matrix(3, 4)
                let k = Framed(rows: keys, columns: 4) { key, _ in key == place ? .nan : 1 }
                let mean = Framed(rows: 3, columns: keys) { _, _ in 0 }
                let room = attentionScratch(keys: keys, columns: 4, heads: 1)
                unsafe dseg_attention_mean(q.c, k.c, 1, mean.c, shares(1, heads: 1), false, room.floats)
                #expect(mean.values.allSatisfy { $0.isNaN }, "key \(place) of \(keys)")
            }
        }
    }
}

import CKernels
import Testing

private struct Shape {
    var rows: Int
    var keys: Int
    var heads: Int
    var width: Int
}

/// Fresh scratch for as many keys, and a mark behind it.
private func scratch(keys: Int) -> [Float] {
    _ = startedThreads
    return [Float](repeating: .nan, count: dseg_attention_scratch(keys) + 1)
}

private func expectAttention(_ shape: Shape, causal: Bool, magnitude: Float) {
    var draw = Draw(seed: shape.rows * 1000 + shape.keys)
    let columns = shape.heads * shape.width
    let make = { (draw: inout Draw, rows: Int) in
        Framed(draw.floats(rows * columns).map { $0 * magnitude }, rows: rows, columns: columns)
    }
    let (q, k) = (make(&draw, shape.rows), make(&draw, shape.keys))
    let v = draw.matrix(shape.keys, columns)
    let oracle = AttentionOracle(queries: q, keys: k, heads: shape.heads, causal: causal)
    let situation = "\(shape), causal \(causal), magnitude \(magnitude)"
    var room = scratch(keys: shape.keys)

    let y = Framed(unwritten: shape.rows, columns)
    unsafe dseg_attention(q.c, k.c, v.c, shape.heads, causal, y.c, nil, 0, &room)
    let expected = oracle.output(values: v)
    expect(y, within: expected, situation)

    let before = draw.floats(shape.rows * shape.keys)
    let mean = Framed(before, rows: shape.rows, columns: shape.keys)
    let again = Framed(unwritten: shape.rows, columns)
    var captured = unsafe mean.c
    unsafe dseg_attention(q.c, k.c, v.c, shape.heads, causal, again.c, &captured, 0.3, &room)
    #expect(again.values == y.values && again.isFrameIntact, "\(situation), capturing")
    expect(mean, within: oracle.mean(share: 0.3, before: before), "\(situation), the mean")
    #expect(room.last?.isNaN == true && q.isFrameIntact && k.isFrameIntact && v.isFrameIntact)
}

private func expectScores(_ shape: Shape, magnitude: Float) {
    var draw = Draw(seed: shape.rows * 1000 + shape.keys + 1)
    let columns = shape.heads * shape.width
    let q = Framed(rows: shape.rows, columns: columns) { _, _ in draw.next() * magnitude }
    let k = Framed(rows: shape.keys, columns: columns) { _, _ in draw.next() * magnitude }
    let oracle = AttentionOracle(queries: q, keys: k, heads: shape.heads, causal: false)
    var room = scratch(keys: shape.keys)

    let before = draw.floats(shape.rows * shape.keys)
    let mean = Framed(before, rows: shape.rows, columns: shape.keys)
    unsafe dseg_attention_mean(q.c, k.c, shape.heads, mean.c, 0.7, &room)
    expect(mean, within: oracle.mean(share: 0.7, before: before), "\(shape), the mean")

    let last = Int32(shape.keys - 1)
    for positions in [[last], [0, last], [last, 0, last / 2]] {
        let start = draw.floats(shape.rows)
        var map = start + [.nan]
        unsafe dseg_attention_map(
            q.c, k.c, shape.heads, positions, positions.count, 0.7, &map, &room)
        expect(
            Array(map.dropLast()),
            within: oracle.map(positions: positions, share: 0.7, before: start),
            "\(shape), the map of \(positions)")
        #expect(map.last?.isNaN == true)
    }
    #expect(room.last?.isNaN == true)
}

@Suite struct AttentionTests {
    @Test func `dseg_attention keeps its definition at every number of keys`() {
        for keys in tails {
            expectAttention(
                Shape(rows: 3, keys: keys, heads: 2, width: 3), causal: false, magnitude: 2)
        }
    }

    @Test func `dseg_attention keeps its definition around the borders of its tiles`() {
        for rows in borders {
            for causal in [false, true] {
                expectAttention(
                    Shape(rows: rows, keys: 7, heads: 1, width: 2), causal: causal, magnitude: 2)
            }
        }
    }

    @Test(arguments: [1, 2, 5, 8], [1, 8, 40])
    func `dseg_attention keeps its definition for heads of every width`(heads: Int, width: Int) {
        expectAttention(
            Shape(rows: 9, keys: 11, heads: heads, width: width), causal: false, magnitude: 2)
    }

    @Test(arguments: [(77, 77), (1, 1), (3, 20), (70, 5)])
    func `a causal query sees the keys up to its own position`(rows: Int, keys: Int) {
        expectAttention(
            Shape(rows: rows, keys: keys, heads: 2, width: 4), causal: true, magnitude: 2)
        var draw = Draw(seed: rows)
        let (q, k, v) = (draw.matrix(rows, 4), draw.matrix(keys, 4), draw.matrix(keys, 4))
        let y = Framed(unwritten: rows, 4)
        let mean = Framed(rows: rows, columns: keys) { _, _ in 0 }
        var captured = unsafe mean.c
        var room = scratch(keys: keys)
        unsafe dseg_attention(q.c, k.c, v.c, 1, true, y.c, &captured, 1, &room)
        #expect((0..<4).allSatisfy { y[0, $0] == v[0, $0] })
        let isBlind = (0..<rows).allSatisfy { row in
            (0..<keys).allSatisfy { $0 <= row || mean[row, $0] == 0 }
        }
        #expect(isBlind)
    }

    @Test func `dseg_attention_mean and dseg_attention_map add what attention sees`() {
        for keys in tails {
            expectScores(Shape(rows: 3, keys: keys, heads: 2, width: 3), magnitude: 2)
        }
        for rows in borders {
            expectScores(Shape(rows: rows, keys: 7, heads: 3, width: 2), magnitude: 2)
        }
    }

    @Test(arguments: [0, 1e-3, 20, 100] as [Float])
    func `scores of every magnitude become probabilities`(magnitude: Float) {
        let shape = Shape(rows: 66, keys: 19, heads: 2, width: 4)
        expectAttention(shape, causal: false, magnitude: magnitude)
        expectScores(shape, magnitude: magnitude)
    }

    /// The products of small whole numbers are exact, so the scores ±10⁴ and beyond are too.
    @Test func `scores of ten thousand choose one key and overflow nothing`() {
        for size in [1e4, 1e9, 1e18] as [Float] {
            let q = Framed(rows: 2, columns: 4) { row, _ in row == 0 ? size : -size }
            let k = Framed(rows: 17, columns: 4) { key, _ in Float(key) - 8 }
            let v = Framed(rows: 17, columns: 4) { key, column in Float(key * 4 + column) }
            let y = Framed(unwritten: 2, 4)
            var room = scratch(keys: 17)
            unsafe dseg_attention(q.c, k.c, v.c, 1, false, y.c, nil, 0, &room)
            #expect(y.values == [64, 65, 66, 67, 0, 1, 2, 3], "\(size)")
        }
    }

    @Test func `softmax shares one among the keys, whatever their number`() {
        for keys in tails {
            var draw = Draw(seed: keys)
            let (q, k) = (draw.matrix(65, 4), draw.matrix(keys, 4))
            let mean = Framed(rows: 65, columns: keys) { _, _ in 0 }
            var room = scratch(keys: keys)
            unsafe dseg_attention_mean(q.c, k.c, 2, mean.c, 1, &room)
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
        var room = scratch(keys: 33)
        unsafe dseg_attention_mean(q.c, k.c, 1, mean.c, 1, &room)
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
            var room = scratch(keys: keys)
            unsafe dseg_attention(q.c, k.c, v.c, 2, false, y.c, &captured, 1, &room)
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
                var map: [Float] = [0, 0, 0]
                var room = scratch(keys: keys)
                unsafe dseg_attention_map(q.c, k.c, 1, [1], 1, 1, &map, &room)
                #expect(map.allSatisfy { $0.isNaN }, "key \(place) of \(keys)")
            }
        }
    }
}

import CKernels
import Kernels
import Testing

/// A head's width, odd ones among them, and how many numbers of queries and keys.
private struct Shape: Sendable {
    var rows: Int
    var keys: Int
    var heads: Int
    var width: Int
}

private let shapes = [
    Shape(rows: 1, keys: 1, heads: 1, width: 4), Shape(rows: 17, keys: 5, heads: 2, width: 5),
    Shape(rows: 16, keys: 6, heads: 1, width: 8), Shape(rows: 129, keys: 77, heads: 2, width: 40),
    Shape(rows: 300, keys: 13, heads: 3, width: 7),
]

extension FixedPoint {
    /// The place of a number among `values`, where rows are keys.
    func key(_ row: Int, _ head: Int, _ column: Int) -> Float {
        let (f, pairs) = unsafe (c, (c.width + 1) / 2)
        let value = unsafe f.values[(head * f.rows + row) * 2 * pairs + column]
        return unsafe Float(value) * f.scales[head * f.rows + row]
    }

    /// A number where rows are queries, without the factor that a score needs.
    func query(_ row: Int, _ head: Int, _ column: Int) -> Float {
        let (f, pairs) = unsafe (c, (c.width + 1) / 2)
        let panel = unsafe row / 16 * f.heads + head
        let value = unsafe f.values[(panel * pairs + column / 2) * 32 + row % 16 * 2 + column % 2]
        let rate = unsafe Float(1.44269504) / Float(f.width).squareRoot()
        return unsafe Float(value) * f.scales[panel * 16 + row % 16] / rate
    }
}

func fixed(_ matrix: Framed, heads: Int, queries: Bool) -> FixedPoint {
    _ = startedThreads
    let packed = Matrix(stored: matrix.rows, by: matrix.columns)
    packed.fill(matrix.values)
    return queries ? FixedPoint(queries: packed, heads: heads) : FixedPoint(keys: packed, heads: heads)
}

/// The maps of phrases, scored together.
func scores(_ queries: FixedPoint, _ phrases: [PhraseQuery], share: Float) throws -> [[Float]] {
    var arena = try Arena(reserving: 1 << 36)
    return arena.scope { arena in
        let maps = arena.matrix(rows: phrases.count, columns: ScoreKernels.columns(queries: queries.rows))
        maps.fill([Float](repeating: 0, count: maps.rows * maps.columns))
        ScoreKernels.score(queries, phrases, share: share, addingTo: maps, &arena)
        return phrases.indices.map { maps.rows($0..<$0 + 1).columns(0..<queries.rows).array }
    }
}

/// The definition of what was stored: whole numbers times a scale.
private func oracle(of q: FixedPoint, _ k: FixedPoint, _ shape: Shape) -> AttentionOracle {
    let columns = shape.heads * shape.width
    return AttentionOracle(
        queries: Framed(rows: shape.rows, columns: columns) { q.query($0, $1 / shape.width, $1 % shape.width) },
        keys: Framed(rows: shape.keys, columns: columns) { k.key($0, $1 / shape.width, $1 % shape.width) },
        heads: shape.heads, causal: false)
}

@Suite struct ScoreTests {
    @Test func `dseg_quantize_queries and dseg_quantize_keys keep each number within half a unit`() {
        for shape in shapes {
            var draw = Draw(seed: shape.rows)
            let x = draw.matrix(shape.rows, shape.heads * shape.width)
            let (q, k) = (fixed(x, heads: shape.heads, queries: true), fixed(x, heads: shape.heads, queries: false))
            for row in 0..<shape.rows {
                for head in 0..<shape.heads {
                    let columns = (0..<shape.width).map { (Double(x[row, head * shape.width + $0]), $0) }
                    let length = columns.reduce(0) { $0 + $1.0 * $1.0 }.squareRoot()
                    let most = columns.map(\.0.magnitude).max() ?? 0
                    // Half a unit, and the roundings of scale and product.
                    let slack = max(length / 46000, most / 32767) * 0.501 + most * 4 * roundoff
                    let misses = columns.filter { value, column in
                        (Double(q.query(row, head, column)) - value).magnitude > slack
                            || (Double(k.key(row, head, column)) - value).magnitude > slack
                    }
                    #expect(misses.isEmpty, "\(shape), row \(row), head \(head)")
                }
            }
        }
    }

    @Test(arguments: [1e-30, 1, 1e30] as [Float])
    func `no product of two rows in fixed point leaves 32 bits`(magnitude: Float) {
        for width in [1, 2, 3, 160, 1280] {
            for columns in [{ _ in 1 }, { $0 == 0 ? 1 : 1e-9 }, { $0 % 2 == 0 ? 1 : -1 }] as [(Int) -> Float] {
                let k = fixed(
                    Framed(rows: 1, columns: width) { columns($1) * magnitude }, heads: 1, queries: false)
                let numbers = (0..<width).map { unsafe Int(k.c.values[$0]) }
                #expect(numbers.reduce(0) { $0 + $1 * $1 } < 1 << 31)
                #expect(numbers.allSatisfy { $0.magnitude <= 32767 })
                #expect((k.key(0, 0, 0) / columns(0) / magnitude - 1).magnitude < 1e-3)
            }
        }
    }

    @Test func `dseg_score keeps its definition`() throws {
        for shape in shapes {
            var draw = Draw(seed: shape.keys)
            let columns = shape.heads * shape.width
            let q = fixed(draw.matrix(shape.rows, columns), heads: shape.heads, queries: true)
            let k = fixed(draw.matrix(shape.keys, columns), heads: shape.heads, queries: false)
            let oracle = oracle(of: q, k, shape)
            let last = Int32(shape.keys - 1)
            for positions in [[last], [0, last], [last, 0, last / 2]] {
                let map = try scores(q, [PhraseQuery(keys: k, positions: positions)], share: 0.7)[0]
                let zeros = [Float](repeating: 0, count: shape.rows)
                expect(
                    map, within: oracle.map(positions: positions, share: 0.7, before: zeros),
                    "\(shape), positions \(positions)")
            }
        }
    }

    /// The maps of all tokens, `[L, N']`, added to what stands there.
    private func tokenScores(_ q: FixedPoint, _ k: FixedPoint, shares: [Float], before: [Float]) throws -> [[Float]] {
        var arena = try Arena(reserving: 1 << 36)
        return arena.scope { arena in
            let maps = arena.matrix(rows: k.rows, columns: ScoreKernels.columns(queries: q.rows))
            maps.fill(before)
            ScoreKernels.score(q, allTokensOf: k, shares: shares, addingTo: maps, &arena)
            return (0..<k.rows).map { maps.rows($0..<$0 + 1).columns(0..<q.rows).array }
        }
    }

    @Test func `dseg_score_tokens keeps its definition, heads weighed apart`() throws {
        for shape in shapes {
            var draw = Draw(seed: shape.keys + 1)
            let columns = shape.heads * shape.width
            let q = fixed(draw.matrix(shape.rows, columns), heads: shape.heads, queries: true)
            let k = fixed(draw.matrix(shape.keys, columns), heads: shape.heads, queries: false)
            let oracle = oracle(of: q, k, shape)
            let shares = unequalShares(heads: shape.heads)
            let places = ScoreKernels.columns(queries: shape.rows)
            let before = draw.floats(shape.keys * places)
            let stood = (0..<shape.rows).flatMap { row in (0..<shape.keys).map { before[$0 * places + row] } }
            let expected = oracle.sum(shares: shares, before: stood)
            let found = try tokenScores(q, k, shares: shares, before: before)
            for (key, map) in found.enumerated() {
                expect(
                    map, within: (0..<shape.rows).map { expected[$0 * shape.keys + key] }, "\(shape), token \(key)")
            }
        }
    }

    @Test func `a token's map among all is that of a phrase of this token, bit for bit`() throws {
        var draw = Draw(seed: 11)
        let q = fixed(draw.matrix(145, 24), heads: 3, queries: true)
        let k = fixed(draw.matrix(19, 24), heads: 3, queries: false)
        let zeros = [Float](repeating: 0, count: 19 * 160)
        let found = try tokenScores(q, k, shares: shares(0.3, heads: 3), before: zeros)
        let expected = try scores(
            q, (0..<19).map { PhraseQuery(keys: k, positions: [$0]) }, share: 0.3)
        #expect(found.map { $0.map(\.bitPattern) } == expected.map { $0.map(\.bitPattern) })
    }

    @Test func `a head whose share is 0 is not looked at, and what is not a number in another is not hidden`() throws {
        var draw = Draw(seed: 12)
        let sound = draw.matrix(20, 8)
        let x = Framed(rows: 20, columns: 8) { $1 / 4 == 1 ? .nan : sound[$0, $1] }
        let (q, k) = (fixed(x, heads: 2, queries: true), fixed(draw.matrix(5, 8), heads: 2, queries: false))
        let zeros = [Float](repeating: 0, count: 5 * 32)
        let first = try tokenScores(q, k, shares: [0.5, 0], before: zeros)
        #expect(first.allSatisfy { $0.allSatisfy(\.isFinite) })
        let second = try tokenScores(q, k, shares: [0, 0.5], before: zeros)
        #expect(second.allSatisfy { $0.allSatisfy(\.isNaN) })
    }

    @Test func `dseg_score_tokens stays within dseg_score_scratch and its maps`() {
        var draw = Draw(seed: 13)
        let q = fixed(draw.matrix(33, 10), heads: 2, queries: true)
        let k = fixed(draw.matrix(9, 10), heads: 2, queries: false)
        let (scratch, maps) = (Scratch(dseg_score_scratch(9)), Scratch(9 * 48))
        unsafe maps.floats.update(repeating: 1, count: 9 * 48)
        unsafe dseg_score_tokens(q.c, k.c, [0.5, 0.5], maps.floats, scratch.floats)
        #expect(scratch.isIntact && maps.isIntact)
    }

    @Test func `dseg_fixed_rows and dseg_fixed_numbers give sixteen queries and pairs their room`() {
        #expect([0, 1, 16, 17, 4096].map { dseg_fixed_rows($0) } == [0, 16, 16, 32, 4096])
        #expect(dseg_fixed_numbers(77, 8, 40) == 77 * 8 * 40)
        #expect(dseg_fixed_numbers(16, 3, 5) == 16 * 3 * 6)
    }

    @Test func `dseg_score stays within dseg_score_scratch and its maps`() throws {
        var draw = Draw(seed: 9)
        let q = fixed(draw.matrix(33, 10), heads: 2, queries: true)
        let k = fixed(draw.matrix(9, 10), heads: 2, queries: false)
        var scratch = [Float](repeating: .nan, count: dseg_score_scratch(9)) + [-5]
        var maps = [Float](repeating: 1, count: 48) + [-6]
        let position: [Int32] = [8]
        unsafe position.withUnsafeBufferPointer { position in
            guard let base = position.baseAddress else { return }
            let phrases = unsafe [dseg_phrase(keys: k.c, positions: base, position_count: 1)]
            unsafe dseg_score(q.c, phrases, 1, 0.5, &maps, &scratch)
        }
        #expect(scratch.last == -5 && maps.last == -6)
        let added = try scores(q, [PhraseQuery(keys: k, positions: position)], share: 0.5)[0]
        #expect(zip(maps, added).allSatisfy { abs($0 - 1 - $1) < 1e-6 })
    }

    @Test func `a phrase's scores do not depend on those beside it`() throws {
        var draw = Draw(seed: 3)
        let q = fixed(draw.matrix(140, 24), heads: 3, queries: true)
        var phrases = [77, 1, 6, 7, 77, 40].map { count in
            PhraseQuery(
                keys: fixed(draw.matrix(count, 24), heads: 3, queries: false),
                positions: [Int32(count / 2), Int32(count - 1)])
        }
        phrases.append(phrases[0])
        let alone = try phrases.map { try scores(q, [$0], share: 0.3)[0].map(\.bitPattern) }
        #expect(try scores(q, phrases, share: 0.3).map { $0.map(\.bitPattern) } == alone)
        #expect(try scores(q, phrases.reversed(), share: 0.3).reversed().map { $0.map(\.bitPattern) } == alone)
    }

    @Test func `scores of ten thousand choose one key, and what is not a number is not hidden`() throws {
        let q = fixed(
            Framed(rows: 20, columns: 2) { $0 == 17 ? .nan : $1 == 0 ? Float($0) * 100 : 1 }, heads: 1, queries: true)
        let k = fixed(Framed(rows: 3, columns: 2) { $1 == 0 ? Float($0) * 100 : 1 }, heads: 1, queries: false)
        let map = try scores(q, [PhraseQuery(keys: k, positions: [2])], share: 1)[0]
        #expect(map[17].isNaN && map.count { $0.isNaN } == 1)
        #expect((map[0] - 1.0 / 3).magnitude < 1e-3, "a unit is 1 / 230 beside a number of 200")
        #expect(map[1...16].allSatisfy { $0 == 1 })
        for bad in [Float.nan, .infinity] {
            let spoilt = fixed(Framed(rows: 3, columns: 2) { row, _ in row == 1 ? bad : 1 }, heads: 1, queries: false)
            let maps = try scores(
                q, [PhraseQuery(keys: spoilt, positions: [0]), PhraseQuery(keys: k, positions: [0])], share: 1)
            #expect(maps[0].allSatisfy { $0.isNaN })
            #expect(maps[1].count { $0.isNaN } == 1)
        }
    }

    @Test func `dseg_quantize_unsigned keeps each number, or each square root, within half a step`() {
        for (count, roots) in tails.flatMap({ [($0, false), ($0, true)] }) {
            var draw = Draw(seed: count)
            let x = Framed(rows: 3, columns: count) { row, _ in row == 1 ? 0 : abs(draw.next()) * 0.01 }
            var integers = [UInt16](repeating: 7, count: 3 * count + 1)
            var scales: [Float] = [-1, -1, -1]
            unsafe dseg_quantize_unsigned(x.c, roots, &integers, &scales)
            for row in 0..<3 {
                let most = (0..<count).map { x[row, $0] }.max() ?? 0
                for column in 0..<count {
                    let value = Double(x[row, column])
                    let number = Double(integers[row * count + column]) * Double(scales[row])
                    let restored = roots ? number * number : number
                    let step = 0.501 / 65535
                    let share = roots ? step * (2 * (value / max(Double(most), 1e-30)).squareRoot() + step) : step
                    #expect((restored - value).magnitude <= Double(most) * (share + 4 * roundoff))
                }
            }
            #expect(integers[3 * count] == 7 && x.isFrameIntact)
            let bad = Framed(rows: 1, columns: count) { $1 == count / 2 ? .nan : 1 }
            unsafe dseg_quantize_unsigned(bad.c, roots, &integers, &scales)
            #expect(scales[0].isNaN)
        }
    }

    @Test func `dseg_complete multiplies maps by the self-attention's rows`() {
        let shapes = [(1, 1), (7, 2), (48, 16), (49, 17), (257, 3), (520, 33)]
        for ((pixels, count), roots) in shapes.flatMap({ [($0, false), ($0, true)] }) {
            var draw = Draw(seed: pixels)
            let s = Framed(rows: pixels, columns: pixels) { _, _ in abs(draw.next()) }
            let maps = draw.floats(count * pixels)
            var integers = [UInt16](repeating: 0, count: pixels * pixels)
            var scales = [Float](repeating: 0, count: pixels)
            unsafe dseg_quantize_unsigned(s.c, roots, &integers, &scales)
            var y = [Float](repeating: .nan, count: count * pixels + 1)
            var room = [Float](repeating: .nan, count: dseg_complete_scratch(pixels))
            unsafe dseg_complete(integers, roots, scales, pixels, maps, count, &y, &room)
            #expect(y[count * pixels].isNaN)
            let expected = (0..<count * pixels).map { place in
                let (map, row) = (place / pixels * pixels, place % pixels)
                let terms = (0..<pixels).map {
                    let number = Double(integers[row * pixels + $0]) * Double(scales[row])
                    return (roots ? number * number : number) * Double(maps[map + $0])
                }
                // The square, a sum of 256 at a time, then the sums', then the scale, once or twice.
                let roundings = Double(min(pixels, 256) + pixels / 256 + (roots ? 5 : 3))
                return Bounded(
                    value: terms.reduce(0, +), slack: roundings * roundoff * terms.reduce(0) { $0 + $1.magnitude })
            }
            expect(Array(y.dropLast()), within: expected, "\(count) maps of \(pixels)")
            for map in 0..<count {
                var alone = [Float](repeating: 0, count: pixels)
                unsafe dseg_complete(
                    integers, roots, scales, pixels, Array(maps[map * pixels..<(map + 1) * pixels]), 1, &alone, &room)
                #expect(alone.map(\.bitPattern) == y[map * pixels..<(map + 1) * pixels].map(\.bitPattern))
            }
        }
    }

    /// One chain of sums would stop at 2^24: each further one is half of the last bit.
    @Test(arguments: [520, 1030, 4096])
    func `a large term takes no small ones of other chunks away`(pixels: Int) {
        let row = [UInt16(32768)] + [UInt16](repeating: 1, count: pixels - 1)
        let integers = [UInt16]((0..<pixels).map { _ in row }.joined())
        let map = [512] + [Float](repeating: 1, count: pixels - 1)
        var y = [Float](repeating: .nan, count: pixels)
        var room = [Float](repeating: .nan, count: dseg_complete_scratch(pixels))
        unsafe dseg_complete(integers, false, [Float](repeating: 1, count: pixels), pixels, map, 1, &y, &room)
        let sum = Double(32768 * 512 + pixels - 1)
        #expect(y.allSatisfy { abs(Double($0) - sum) <= Double(256 + pixels / 256 + 3) * roundoff * sum })
    }

    @Test func `an affinity is what it took over, to 16 bits`() {
        var draw = Draw(seed: 5)
        let numbers = draw.floats(33 * 33).map(abs)
        let matrix = Matrix(stored: 33, by: 33)
        matrix.fill(numbers)
        for roots in [false, true] {
            let affinity = Affinity(matrix, roots: roots, unitRows: false)
            #expect((affinity.pixels, affinity.bytes) == (33, 33 * 33 * 2 + 33 * 4))
            for row in 0..<33 {
                let pairs = zip(affinity.row(row), numbers[row * 33..<(row + 1) * 33])
                #expect(pairs.allSatisfy { abs($0 - $1) <= (roots ? 2 * $1.squareRoot() + 1e-4 : 1) / 131_000 })
            }
        }
    }
}

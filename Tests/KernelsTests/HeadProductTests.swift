import CKernels
import Kernels
import Testing

private func bits(_ maps: [[Float]]) -> [[UInt32]] { maps.map { $0.map(\.bitPattern) } }

/// Numbers whose products with each other are of the size of `magnitude`².
private func draw(_ pixels: Int, _ columns: Int, magnitude: Float, seed: Int) -> (queries: Framed, keys: Framed) {
    var draw = Draw(seed: seed)
    let make = { (draw: inout Draw) in
        Framed(draw.floats(pixels * columns).map { $0 * magnitude }, rows: pixels, columns: columns)
    }
    return (make(&draw), make(&draw))
}

private func exact(_ map: [Float]) -> [Bounded] { map.map { Bounded(value: Double($0), slack: 0) } }

private func arena() throws -> Arena { try Arena(reserving: 1 << 36) }

/// A layer in memory of its own.
private func layer(_ x: (queries: Framed, keys: Framed), heads: Int, _ precision: Precision) -> QueriesAndKeys {
    let matrices = [x.queries, x.keys].map { framed in
        let matrix = Matrix(stored: framed.rows, by: framed.columns)
        matrix.fill(framed.values)
        return matrix
    }
    return QueriesAndKeys(queries: matrices[0], keys: matrices[1], heads: heads, precision: precision)
}

@Suite struct HeadProductTests {
    /// A tile has 32 rows of 256 columns, of which 16 are skipped where 6 or 8 rows have nothing.
    @Test(arguments: [false, true])
    func `dseg_apply_head and dseg_head_row keep their definition`(fixed: Bool) {
        let shapes = [
            (1, 1, 4), (7, 2, 5), (16, 1, 8), (31, 3, 1), (32, 1, 3), (33, 2, 40), (65, 1, 17), (257, 1, 7),
        ]
        for (pixels, heads, width) in shapes {
            for magnitude in [1, 4] as [Float] {
                let x = draw(pixels, heads * width, magnitude: magnitude, seed: pixels)
                let measured = MeasuredHeads(x.queries, x.keys, heads: heads, fixed: fixed)
                var draw = Draw(seed: width)
                let maps = [draw.floats(pixels), draw.floats(pixels).map(abs)]
                for threshold in [0, 0.1, 0.6] as [Float] {
                    for (head, oracle) in measured.oracles.enumerated() {
                        let what = "\((pixels, heads, width)) times \(magnitude), head \(head), \(threshold)"
                        let completed = measured.completing(maps, head: head, threshold: threshold)
                        for (map, y) in zip(maps, completed) {
                            expect(y, within: oracle.completed(exact(map), threshold: threshold), what)
                        }
                        let row = pixels * 2 / 3
                        expect(
                            measured.row(row, head: head, threshold: threshold),
                            within: oracle.row(row, threshold: threshold), "\(what), row \(row)")
                    }
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func `what is completed is shared and added`(fixed: Bool) {
        let x = draw(50, 8, magnitude: 2, seed: 4)
        let heads = MeasuredHeads(x.queries, x.keys, heads: 1, fixed: fixed, isDefined: false)
        var draw = Draw(seed: 1)
        let map = draw.floats(50)
        let plain = heads.completing([map], head: 0, threshold: 0.1)[0]
        let added = heads.completing([map], head: 0, threshold: 0.1, share: 0.25, addingTo: 3)[0]
        #expect(zip(plain, added).allSatisfy { abs($0 / 4 + 3 - $1) < 1e-6 })
    }

    @Test(arguments: [false, true])
    func `a label's bits depend neither on the others nor on how many there are`(fixed: Bool) {
        let x = draw(70, 10, magnitude: 2, seed: 7)
        let heads = MeasuredHeads(x.queries, x.keys, heads: 2, fixed: fixed, isDefined: false)
        var draw = Draw(seed: 3)
        let maps = (0..<33).map { _ in draw.floats(70) }
        let all = bits(heads.completing(maps, head: 1, threshold: 0.2))
        #expect(bits(heads.completing(maps.reversed(), head: 1, threshold: 0.2)) == all.reversed())
        for count in [1, 2, 16, 17] {
            let some = bits(heads.completing(Array(maps.prefix(count)), head: 1, threshold: 0.2))
            #expect(some == Array(all.prefix(count)), "\(count) labels")
        }
        for (map, expected) in zip(maps, all) {
            #expect(bits(heads.completing([map], head: 1, threshold: 0.2)) == [expected])
        }
    }

    /// A map that is 1 at one pixel and 0 elsewhere shows a column of the affinity.
    @Test(arguments: [false, true])
    func `a row is what maps are multiplied by, bit for bit`(fixed: Bool) {
        let x = draw(40, 6, magnitude: 3, seed: 2)
        let heads = MeasuredHeads(x.queries, x.keys, heads: 2, fixed: fixed, isDefined: false)
        let units = (0..<40).map { pixel in (0..<40).map { $0 == pixel ? 1 as Float : 0 } }
        for head in 0..<2 {
            let columns = heads.completing(units, head: head, threshold: 0.1)
            for row in 0..<40 {
                #expect(bits([heads.row(row, head: head, threshold: 0.1)]) == bits([columns.map { $0[row] }]))
            }
        }
    }

    /// Every pixel attends to itself, but for one that attends to all alike: beside what the others have of themselves,
    /// its links are weak.
    @Test(arguments: [false, true])
    func `a row without links is zero, and a threshold of one leaves none`(fixed: Bool) {
        let pixels = 45
        let keys = Framed(rows: pixels, columns: pixels) { $0 == $1 ? 30 : 0 }
        let queries = Framed(rows: pixels, columns: pixels) { $0 != 20 && $0 == $1 ? 30 : 0 }
        let heads = MeasuredHeads(queries, keys, heads: 1, fixed: fixed, isDefined: false)
        var draw = Draw(seed: 5)
        let map = draw.floats(pixels)
        let completed = heads.completing([map], head: 0, threshold: 0.1)[0]
        for (pixel, score) in completed.enumerated() {
            // Of pixel 20 as a key that one is the most that there is: it keeps its own score.
            #expect(abs(score - map[pixel]) < 1e-3 * abs(map[pixel]), "pixel \(pixel)")
        }
        #expect(heads.row(20, head: 0, threshold: 0.1).enumerated().allSatisfy { ($1 > 0) == ($0 == 20) })
        #expect(heads.completing([map], head: 0, threshold: 1)[0].allSatisfy { $0 == 0 })
        #expect(heads.row(20, head: 0, threshold: 1).allSatisfy { $0 == 0 })

        // Another pixel attends to that key as to its own, half and half: then that one has nothing left.
        let stronger = Framed(rows: pixels, columns: pixels) { row, column in
            row == 21 && column == 20 ? 30 : queries[row, column]
        }
        let others = MeasuredHeads(stronger, keys, heads: 1, fixed: fixed, isDefined: false)
        #expect(others.completing([map], head: 0, threshold: 0.1)[0][20] == 0)
        #expect(others.row(20, head: 0, threshold: 0.1).allSatisfy { $0 == 0 })
    }

    @Test(arguments: [false, true])
    func `a query or a key that is not finite spoils every row rather than hide`(fixed: Bool) {
        for (pixels, place) in [(1, 0), (17, 16), (70, 3)] {
            for bad in [Float.nan, .infinity] {
                let x = draw(pixels, 4, magnitude: 1, seed: pixels)
                let spoilt = [x.queries, x.keys].map { good in
                    Framed(rows: pixels, columns: 4) { $0 == place && $1 == 2 ? bad : good[$0, $1] }
                }
                for (q, k) in [(spoilt[0], x.keys), (x.queries, spoilt[1])] {
                    let heads = MeasuredHeads(q, k, heads: 1, fixed: fixed, isDefined: false)
                    let map = [Float](repeating: 1, count: pixels)
                    #expect(heads.completing([map], head: 0, threshold: 0.1)[0].allSatisfy { $0.isNaN })
                    #expect(heads.row(0, head: 0, threshold: 0.1).contains { $0.isNaN })
                }
            }
        }
    }

    /// Layers with other heads: the last head of the last layer is the first to act.
    @Test(arguments: [Precision.f32, .int16])
    func `a product is that of its heads from the right, and a mean that of what each gives`(
        precision: Precision
    ) throws {
        let pixels = 40
        let operands = [draw(pixels, 10, magnitude: 2, seed: 1), draw(pixels, 8, magnitude: 3, seed: 2)]
        let counts = [2, 1]
        var arena = try arena()
        let product = HeadProduct(
            zip(operands, counts).map { layer($0, heads: $1, precision) }, &arena)
        #expect(product.count == 3 && product.pixels == pixels)
        let numbers = precision == .f32 ? 2 * pixels * 18 * 4 : 2 * 48 * (18 + 2) * 2
        #expect(product.bytes >= numbers / 2 && product.bytes <= 2 * numbers)
        let layers = zip(operands, counts).map {
            MeasuredHeads($0.queries, $0.keys, heads: $1, fixed: precision == .int16)
        }
        let oracles = layers.flatMap(\.oracles)
        var draw = Draw(seed: 3)
        let maps = (0..<18).map { _ in draw.floats(pixels) }
        for threshold in [0, 0.1, 0.2] as [Float] {
            let refined = try #require(
                product.completing(maps, threshold: threshold, combination: .product, &arena))
            let means = try #require(product.completing(maps, threshold: threshold, combination: .mean, &arena))
            #expect(refined.count == 18 && means.count == 18)
            for (label, map) in maps.enumerated() {
                let steps = oracles.reversed().reduce(exact(map)) { $1.completed($0, threshold: threshold) }
                expect(refined[label], within: steps, "label \(label) at \(threshold)")
                let parts = oracles.map { $0.completed(exact(map), threshold: threshold) }
                let mean = (0..<pixels).map { pixel in
                    let all = parts.map { $0[pixel] }
                    // A share, and for each head a product and a sum.
                    return Bounded(
                        value: all.reduce(0) { $0 + $1.value } / 3,
                        slack: all.reduce(0) { $0 + $1.slack + 8 * roundoff * $1.value.magnitude } / 3)
                }
                expect(means[label], within: mean, "label \(label) at \(threshold), the mean")
            }
            for head in 0..<3 {
                let own = (head == 2 ? layers[1] : layers[0]).row(39, head: head % 2, threshold: threshold)
                #expect(product.row(39, head: head, threshold: threshold, &arena) == own)
            }
        }
    }

    @Test func `completion ends between two heads once it is not wanted`() throws {
        var arena = try arena()
        let product = HeadProduct(
            [layer(draw(20, 12, magnitude: 1, seed: 1), heads: 3, .f32)], &arena)
        let map = [Float](repeating: 1, count: 20)
        for combination in [HeadProduct.Combination.product, .mean] {
            for allowed in 0...3 {
                var asked = 0
                let maps = product.completing(
                    [map], threshold: 0.1, combination: combination,
                    while: {
                        asked += 1
                        return asked <= allowed
                    }, &arena)
                #expect((maps == nil) == (allowed < 3) && asked == min(allowed + 1, 3))
            }
        }
    }
}

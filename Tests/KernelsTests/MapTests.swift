import CKernels
import Kernels
import Testing

@Suite struct MapTests {
    @Test func `dseg_min_max spreads a map over exactly 0 to 1 and keeps its order`() {
        for count in tails where count > 1 {
            var draw = Draw(seed: count)
            let before = draw.floats(count).map { $0 * 300 + 7 }
            var map = before + [.nan]
            unsafe dseg_min_max(&map, count)
            #expect(map[count].isNaN)
            map.removeLast()
            #expect(map.min() == 0 && map.max() == 1)
            let (least, most) = (Double(before.min() ?? 0), Double(before.max() ?? 0))
            // Difference, range and quotient are rounded once each.
            let expected = before.map {
                let value = (Double($0) - least) / (most - least)
                return Bounded(value: value, slack: 3 * roundoff * value)
            }
            expect(map, within: expected, "\(count) scores")
            let order = before.indices.sorted { before[$0] < before[$1] }
            #expect(zip(order, order.dropFirst()).allSatisfy { map[$0] <= map[$1] })
        }
    }

    @Test func `dseg_largest is the largest, wherever it stands`() {
        for count in tails {
            var draw = Draw(seed: count)
            let map = draw.floats(count).map { $0 - 2 }
            #expect(unsafe dseg_largest(map, count) == map.max() ?? -.infinity)
            guard count > 0 else { continue }
            for place in [0, count / 2, count - 1] {
                var one = map
                one[place] = 5
                #expect(ScoreKernels.largest(one) == 5)
            }
        }
    }

    @Test func `dseg_place_of_largest is the first place of the largest number, or of NaN`() {
        for count in tails + [30_524] {
            var draw = Draw(seed: count)
            let row = draw.floats(count).map { $0 - 2 }
            for place in [0, count / 3, count / 2, count - 1] {
                for top in [5, .infinity, .nan] as [Float] {
                    var numbers = row + [9]
                    numbers[place] = top
                    numbers[(place + count - 1) / 2] = top
                    let most = numbers.prefix(count).filter { !$0.isNaN }.max()
                    let expected = numbers.prefix(count).firstIndex { $0.isNaN || $0 == most }
                    #expect(unsafe dseg_place_of_largest(numbers, count) == expected)
                }
            }
        }
        #expect(unsafe dseg_place_of_largest([9], 0) == 0)
        for same in [-.infinity, .nan, 0] as [Float] {
            #expect(unsafe dseg_place_of_largest([Float](repeating: same, count: 40), 40) == 0)
        }
        #expect(unsafe dseg_place_of_largest([-1, -0.0, 0], 3) == 1)
        let logits = Matrix(stored: 2, by: 3)
        logits.fill([7, 8, 9, 1, 3, 2])
        #expect(logits.rows(1..<2).placeOfLargest == 1)
        #expect(logits.rows(1..<2).columns(2..<3).placeOfLargest == 0)
    }

    @Test(arguments: [0, -0.0, 1, -3e38, .leastNonzeroMagnitude] as [Float])
    func `dseg_min_max turns a constant map into zeros`(constant: Float) {
        for count in tails {
            var map = [Float](repeating: constant, count: count)
            ScoreKernels.minMax(&map)
            #expect(map.allSatisfy { $0 == 0 })
        }
    }

    @Test func `dseg_min_max of two neighbouring floats is still 0 and 1`() {
        for low in [0, 1, -1, .leastNonzeroMagnitude, 1e30] as [Float] {
            var map = [low.nextUp, low, low.nextUp]
            ScoreKernels.minMax(&map)
            #expect(map == [1, 0, 1])
        }
        var none: [Float] = []
        ScoreKernels.minMax(&none)
        #expect(none.isEmpty)
    }

    @Test func `dseg_normalize_sums makes each map add up to one, from its least score on where it is shifted`() {
        for (count, shifted) in tails.flatMap({ [($0, false), ($0, true)] }) where count > 1 {
            var draw = Draw(seed: count)
            let before = (0..<3).map { k in (0..<count).map { _ in (draw.next() + 1.5) * [1, 1e-8, 1e5][k] } }
            let maps = Framed(before.flatMap(\.self), rows: 3, columns: count)
            unsafe dseg_normalize_sums(maps.c, shifted)
            let expected = before.flatMap { map in
                let numbers = map.map(Double.init)
                let least = shifted ? numbers.min() ?? 0 : 0
                let sum = numbers.reduce(0) { $0 + ($1 - least) }
                // Difference and quotient are rounded; the sum has the differences' errors.
                return numbers.map {
                    Bounded(value: ($0 - least) / sum, slack: ($0 - least) / sum * (shifted ? 3 : 1) * 1.001 * roundoff)
                }
            }
            expect(maps, within: expected, "\(count) scores, shifted \(shifted)")
        }
    }

    @Test func `a map of zeros, or shifted a constant one, becomes zeros, and NaN stays in its own map`() {
        let constants: [Float] = [0, -0.0, 1, -3e38, .leastNonzeroMagnitude]
        for count in tails {
            let maps = Framed(rows: constants.count + 1, columns: count) { row, column in
                row < constants.count ? constants[row] : column == count / 2 ? .nan : 1
            }
            unsafe dseg_normalize_sums(maps.c, true)
            let values = maps.values
            #expect(values.dropLast(count).allSatisfy { $0 == 0 })
            #expect(values.suffix(count).allSatisfy { $0.isNaN })
            #expect(maps.isFrameIntact)
        }
        let matrix = Matrix(stored: 3, by: 4)
        matrix.fill([0, 0, 0, 0, 1, 3, 0, 4, 0.25, 0.25, 0.25, 0.25])
        ScoreKernels.normalizeSums(matrix.columns(0..<3), shifted: false)
        let third = Float(1) / 3
        let expected: [Float] = [0, 0, 0, 0, 0.25, 0.75, 0, 4, third, third, third, 0.25]
        #expect(matrix.array == expected)
    }

    /// An affinity that averages leaves a map nearly constant: what is left of it must not drown in the sum.
    @Test func `a small range on a large map is not lost`() {
        let before = (0..<4096).map { 1 + Float($0 % 5) * 0x1p-23 }
        let maps = Framed(before, rows: 1, columns: 4096)
        unsafe dseg_normalize_sums(maps.c, true)
        let sum = before.reduce(0.0) { $0 + (Double($1) - 1) }
        let expected = before.map {
            Bounded(value: (Double($0) - 1) / sum, slack: (Double($0) - 1) / sum * 1.001 * roundoff)
        }
        expect(maps, within: expected, "a range of 2^-21")
    }

    @Test func `dseg_differing counts the places where two masks differ`() {
        for count in tails + [70_000] {
            let x = (0..<count).map { UInt8(truncatingIfNeeded: $0 * $0) }
            for step in [1, 3, 7] {
                var y = x
                for place in stride(from: 0, to: count, by: step) { y[place] &+= 1 }
                #expect(unsafe dseg_differing(x, y, count) == (count + step - 1) / step)
                #expect(Difference.places(x, y) == (count + step - 1) / step)
            }
            #expect(Difference.places(x, x) == 0)
            #expect(Difference.places(x, Array(x.dropLast())) == count)
        }
    }

    @Test func `dseg_interleave sets planes side by side, and dseg_separate takes them apart`() {
        for (rows, columns) in tails.map({ ($0, 3) }) + [(5, 1), (7, 40), (1, 1)] {
            let planes = (0..<(rows * columns)).map { Float($0) }
            let y = Framed(unwritten: rows, columns)
            unsafe dseg_interleave(planes, y.c)
            let expected = (0..<(rows * columns)).map {
                planes[$0 % columns * rows + $0 / columns]
            }
            #expect(y.values == expected && y.isFrameIntact)
            var apart = [Float](repeating: -1, count: rows * columns + 1)
            unsafe dseg_separate(y.c, &apart)
            #expect(apart == planes + [-1])
        }
    }

    @Test func `dseg_distance finds the largest difference and the largest reference anywhere`() {
        for count in tails {
            for place in Set([0, count / 2, count - 1]) {
                let y = (0..<count).map { $0 == place ? -8 as Float : 2 }
                var x = y
                x[place] = -5
                var (difference, magnitude): (Float, Float) = (-1, -1)
                unsafe dseg_distance(x, y, count, &difference, &magnitude)
                #expect(difference == 3 && magnitude == 8)
                #expect(Difference.relativeError(x, to: y) == 0.375)
                #expect(Difference.relativeError(y, to: y) == 0)
            }
        }
    }

    @Test func `a NaN in either is infinitely far, wherever it stands and whatever follows`() {
        for place in 0..<20 {
            let y = [Float](repeating: 1, count: 20)
            var x = y
            x[place] = .nan
            #expect(Difference.relativeError(x, to: y) == .infinity)
            #expect(Difference.relativeError(y, to: x) == .infinity)
            x[place] = .infinity
            #expect(Difference.relativeError(x, to: y) == .infinity)
            #expect(Difference.relativeError(x, to: x) == .infinity)
        }
    }

    @Test func `scores are added in their proportion`() {
        var sum: [Float] = [1, 2, 3]
        ScoreKernels.add([10, 20, -40], times: 0.5, to: &sum)
        #expect(sum == [6, 12, -17])
    }
}

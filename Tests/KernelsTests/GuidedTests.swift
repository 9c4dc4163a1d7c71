import CKernels
import Kernels
import Testing

extension GuidedFilter {
    /// Filtered maps, `[H·W]` each, in memory that was used before.
    func filtered(_ maps: [[Float]], interpolatedBy enlargement: Enlargement) -> [[Float]] {
        var filtered = FilteredMaps()
        for _ in 0..<2 { filter(maps[...], interpolatedBy: enlargement, into: &filtered) }
        let pixels = enlargement.pixels
        return maps.indices.map { Array(filtered.scores[$0 * pixels..<($0 + 1) * pixels]) }
    }
}

/// A guide and its filter by the definition, in double precision.
private struct Case: Sendable {
    enum Picture: CaseIterable { case noise, flat, grey, edges }

    let width: Int
    let height: Int
    let radius: Int
    var picture = Picture.noise
    var epsilon: Float = 1e-4

    static let all =
        [
            Case(width: 1, height: 1, radius: 1), Case(width: 40, height: 1, radius: 3),
            Case(width: 1, height: 45, radius: 4), Case(width: 7, height: 5, radius: 9),
            Case(width: 19, height: 23, radius: 1), Case(width: 8, height: 70, radius: 2),
            Case(width: 70, height: 8, radius: 2), Case(width: 17, height: 3, radius: 2),
            Case(width: 3, height: 17, radius: 1),
            Case(width: 31, height: 24, radius: 5, epsilon: 1e-2),
            Case(width: 30, height: 33, radius: 4, epsilon: 1e-6),
        ] + Picture.allCases.map { Case(width: 29, height: 26, radius: 3, picture: $0) }

    var guide: [UInt8] {
        var draw = Draw(seed: width + height)
        func sample() -> UInt8 { UInt8((draw.next() + 1) * 127.9) }
        return switch picture {
        case .noise: (0..<width * height * 3).map { _ in sample() }
        case .flat: [[UInt8]](repeating: [40, 250, 3], count: width * height).flatMap { $0 }
        case .grey:
            (0..<width * height).flatMap { _ in [UInt8](repeating: sample(), count: 3) }
        case .edges:
            (0..<width * height).flatMap { pixel -> [UInt8] in
                pixel % width > width / 3 ? [200, 30, 90] : [10, 35, 255]
            }
        }
    }

    var filter: GuidedFilter {
        GuidedFilter(guide: guide, width: width, height: height, radius: radius, epsilon: epsilon)
    }

    /// Means over the part of the box around each pixel that is inside the picture.
    func means(_ x: [Double]) -> [Double] {
        (0..<width * height).map { pixel in
            let rows = max(pixel / width - radius, 0)...min(pixel / width + radius, height - 1)
            let columns = max(pixel % width - radius, 0)...min(pixel % width + radius, width - 1)
            var sum = 0.0
            for row in rows {
                for column in columns { sum += x[row * width + column] }
            }
            return sum / Double(rows.count * columns.count)
        }
    }

    func filtered(_ p: [Double]) -> [Double] {
        let guide = guide
        let colours = (0..<3).map { c in (0..<width * height).map { Double(guide[3 * $0 + c]) / 255 } }
        func products(_ x: [Double], _ y: [Double]) -> [Double] { zip(x, y).map { $0 * $1 } }
        let (mean, meanP) = (colours.map(means), means(p))
        let squares = colours.map { x in colours.map { means(products(x, $0)) } }
        let mixed = colours.map { means(products($0, p)) }
        var a = [[Double]](repeating: [Double](repeating: 0, count: p.count), count: 3)
        var b = meanP
        for i in p.indices {
            var (covariance, right) = ([[Double]](), [Double]())
            for j in 0..<3 {
                covariance.append((0..<3).map { k -> Double in squares[j][k][i] - mean[j][i] * mean[k][i] })
                covariance[j][j] += Double(epsilon)
                right.append(mixed[j][i] - mean[j][i] * meanP[i])
            }
            let slopes = solved(covariance, right)
            for c in 0..<3 {
                a[c][i] = slopes[c]
                b[i] -= slopes[c] * mean[c][i]
            }
        }
        let slopes = a.map(means)
        var answer = means(b)
        for i in p.indices {
            for c in 0..<3 { answer[i] += slopes[c][i] * colours[c][i] }
        }
        return answer
    }

    /// Gauss's elimination, of a positive definite matrix.
    private func solved(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
        var rows = zip(matrix, right).map { $0 + [$1] }
        for pivot in 0..<3 {
            rows[pivot] = rows[pivot].map { $0 / rows[pivot][pivot] }
            for row in 0..<3 where row != pivot {
                let factor = rows[row][pivot]
                rows[row] = zip(rows[row], rows[pivot]).map { $0 - factor * $1 }
            }
        }
        return rows.map { $0[3] }
    }
}

/// Of `count` numbers onto themselves.
private func same(_ count: Int) -> SampleLine {
    SampleLine(length: count, first: (0..<count).map { UInt32($0) }, weights: [Float](repeating: 0, count: count))
}

/// The largest difference; infinite where a number is NaN.
private func distance(_ x: [Float], _ y: [Double]) -> Double {
    zip(x, y).map { $0.isNaN ? .infinity : (Double($0) - $1).magnitude }.max() ?? 0
}

private func maps(_ count: Int, of numbers: Int, _ draw: inout Draw) -> [[Float]] {
    (0..<count).map { _ in draw.floats(numbers).map(abs) }
}

@Suite struct GuidedTests {
    /// Steps of 2^-20 of four coefficients, and those of p times a slope.
    private static let limit = 5e-6

    @Test func `dseg_guided keeps its definition`() {
        _ = startedThreads
        for (index, shape) in Case.all.enumerated() {
            var draw = Draw(seed: index)
            let enlargement = Enlargement(columns: line(5, shape.width, &draw), rows: line(4, shape.height, &draw))
            let maps = maps(6, of: 20, &draw)
            let filtered = shape.filter.filtered(maps, interpolatedBy: enlargement)
            for (map, found) in [(maps[0], filtered[0]), (maps[5], filtered[5])] {
                let expected = shape.filtered(resized(map, by: enlargement))
                #expect(found.count == expected.count && distance(found, expected) < Self.limit, "\(shape)")
            }
        }
    }

    @Test func `a picture of one colour leaves means of means`() {
        _ = startedThreads
        let shape = Case(width: 29, height: 26, radius: 3, picture: .flat)
        var draw = Draw(seed: 1)
        let p = maps(1, of: 29 * 26, &draw)
        let found = shape.filter.filtered(p, interpolatedBy: Enlargement(columns: same(29), rows: same(26)))
        #expect(distance(found[0], shape.means(shape.means(p[0].map(Double.init)))) < Self.limit)
    }

    /// As many pixels a box as there may be in a row: sums run without drift.
    @Test(arguments: [(20, 21, 4), (1500, 40, 700), (9, 2000, 700)])
    func `a constant map stays what it is`(width: Int, height: Int, radius: Int) {
        _ = startedThreads
        let shape = Case(width: width, height: height, radius: radius)
        let constants: [Float] = [0, 0.3, 1]
        let found = shape.filter.filtered(
            constants.map { [$0] },
            interpolatedBy: Enlargement(
                columns: SampleLine(
                    length: 1, first: [UInt32](repeating: 0, count: width),
                    weights: [Float](repeating: 0, count: width)),
                rows: SampleLine(
                    length: 1, first: [UInt32](repeating: 0, count: height),
                    weights: [Float](repeating: 0, count: height))))
        for (constant, map) in zip(constants, found) {
            #expect(map.allSatisfy { abs($0 - constant) < Float(Self.limit) })
        }
    }

    @Test func `what is filtered together adds up as what is filtered apart`() {
        _ = startedThreads
        let shape = Case(width: 30, height: 33, radius: 4)
        let enlargement = Enlargement(columns: same(30), rows: same(33))
        var draw = Draw(seed: 4)
        var p = maps(2, of: 30 * 33, &draw)
        p.append(zip(p[0], p[1]).map { (x: Float, y: Float) -> Float in 0.25 * x + 0.75 * y })
        let found = shape.filter.filtered(p, interpolatedBy: enlargement)
        let expected = zip(found[0], found[1]).map { x, y -> Double in 0.25 * Double(x) + 0.75 * Double(y) }
        #expect(distance(found[2], expected) < 2 * Self.limit)
    }

    @Test func `a map's bits depend neither on the maps beside it nor on their order`() {
        _ = startedThreads
        let shape = Case(width: 31, height: 40, radius: 3)
        var draw = Draw(seed: 5)
        let enlargement = Enlargement(columns: line(6, 31, &draw), rows: line(7, 40, &draw))
        let maps = maps(11, of: 42, &draw) + [[Float](repeating: .nan, count: 42)]
        let alone = maps.map { shape.filter.filtered([$0], interpolatedBy: enlargement)[0].map(\.bitPattern) }
        func bits(_ maps: [[Float]]) -> [[UInt32]] {
            shape.filter.filtered(maps, interpolatedBy: enlargement).map { $0.map(\.bitPattern) }
        }
        #expect(alone[..<11].allSatisfy { $0.allSatisfy { Float(bitPattern: $0).isFinite } })
        #expect(Array(bits(maps)[..<11]) == Array(alone[..<11]))
        #expect(Array(bits(maps.reversed()).reversed()[..<11]) == Array(alone[..<11]))
        #expect(bits([]).isEmpty)
    }

    @Test func `dseg_guided stays within dseg_guided_scratch, its guide and its maps`() {
        _ = startedThreads
        for shape in Case.all {
            var draw = Draw(seed: shape.width)
            let (columns, rows) = (line(3, shape.width, &draw), line(2, shape.height, &draw))
            let (guide, maps) = (Fenced(shape.guide), Fenced(numbers: draw.floats(5 * 6).map(abs)))
            let pixels = shape.width * shape.height
            let y = (0..<5).map { _ in Scratch(pixels) }
            let pointers = unsafe y.map(\.floats)
            unsafe columns.first.withUnsafeBufferPointer { first in
                unsafe columns.weights.withUnsafeBufferPointer { weights in
                    unsafe rows.first.withUnsafeBufferPointer { rowFirst in
                        unsafe rows.weights.withUnsafeBufferPointer { rowWeights in
                            guard let x = first.baseAddress, let u = weights.baseAddress,
                                let z = rowFirst.baseAddress, let v = rowWeights.baseAddress
                            else { return }
                            let across = unsafe dseg_line(first: x, weight: u, count: shape.width, length: 3)
                            let down = unsafe dseg_line(first: z, weight: v, count: shape.height, length: 2)
                            let doubles = unsafe dseg_guided_scratch(across, down, 5, shape.radius)
                            var scratch = [Double](repeating: .nan, count: doubles) + [-5]
                            unsafe dseg_guided(
                                maps.base.assumingMemoryBound(to: Float.self), 5, across, down,
                                guide.base.assumingMemoryBound(to: UInt8.self), shape.radius, shape.epsilon,
                                pointers, &scratch)
                            #expect(scratch.last == -5)
                        }
                    }
                }
            }
            for map in y {
                let isWritten = (0..<pixels).allSatisfy { unsafe map.floats[$0].isFinite }
                #expect(isWritten && map.isIntact)
            }
        }
    }
}

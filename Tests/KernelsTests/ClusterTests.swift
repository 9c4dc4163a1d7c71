import CKernels
import Glibc
import Kernels
import Testing

/// k-means by the definition, in doubles.
private struct ClusterOracle {
    /// `[T][N]`
    let maps: [[Double]]
    private var pixels: Int { maps[0].count }

    private func vector(_ pixel: Int) -> [Double] { maps.map { $0[pixel] == 0 ? 1e-6 : $0[pixel] } }

    /// A vector beside its logarithms, 1e-5 added.
    private struct Numbers {
        let numbers: [Double]
        let logarithms: [Double]

        init(_ vector: [Double]) {
            numbers = vector.map { $0 + 1e-5 }
            logarithms = numbers.map { log($0) }
        }

        func distance(_ x: Numbers) -> Double {
            numbers.indices.reduce(0) { sum, t in
                sum + (numbers[t] - x.numbers[t]) * (logarithms[t] - x.logarithms[t])
            } / 2
        }
    }

    /// The clusters of each round, and how near, relative to the distance, a pixel's second centre comes to its first.
    func clusters(from starts: [Int], rounds: Int) -> (clusters: [Int], margin: Double) {
        let vectors = (0..<pixels).map(vector)
        let numbers = vectors.map { Numbers($0) }
        var centres = starts.map { numbers[$0] }
        var (clusters, margin) = ([Int](), Double.infinity)
        for _ in 0..<rounds {
            let chosen = numbers.map { x -> Int in
                let distances = centres.map { $0.distance(x) }
                let least = distances.min() ?? 0
                let others = distances.filter { $0 != least }
                margin = min(margin, others.map { ($0 - least) / $0 }.min() ?? .infinity)
                return distances.firstIndex(of: least) ?? 0
            }
            let used = Set(chosen).sorted()
            clusters = chosen.map { used.firstIndex(of: $0) ?? 0 }
            centres = used.map { k in
                Numbers(mean(vectors.indices.filter { chosen[$0] == k }.map { vectors[$0] }))
            }
        }
        return (clusters, margin)
    }

    private func mean(_ vectors: [[Double]]) -> [Double] {
        vectors[0].indices.map { t in vectors.reduce(0) { $0 + $1[t] } / Double(vectors.count) }
    }

    /// Each map with the mean over a pixel's cluster.
    func averaged(_ clusters: [Int]) -> [Double] {
        maps.flatMap { map in
            let sums = map.indices.reduce(into: [Int: (sum: Double, count: Double)]()) { sums, pixel in
                let before = sums[clusters[pixel], default: (0, 0)]
                sums[clusters[pixel]] = (before.sum + map[pixel], before.count + 1)
            }
            return clusters.map { sums[$0].map { $0.sum / $0.count } ?? .nan }
        }
    }
}

/// Scores as a picture's are: some of few things, each with tokens of its own; every seventh is 0.
private func scene(tokens: Int, pixels: Int, things: Int) -> Framed {
    var draw = Draw(seed: tokens * 1000 + pixels)
    return Framed(rows: tokens, columns: pixels) { token, pixel in
        let own = (token + pixel / max(pixels / things, 1)) % things == 0
        return (token + pixel) % 7 == 3 ? 0 : (own ? 4e-3 : 3e-4) * (1 + 0.4 * draw.next())
    }
}

private func clusters(_ maps: Framed, from starts: [Int], rounds: Int) -> (clusters: [Int32], count: Int) {
    _ = startedThreads
    let doubles = dseg_cluster_scratch(maps.columns, maps.rows, starts.count)
    let scratch = Scratch(2 * doubles)
    var found = [Int32](repeating: -1, count: maps.columns) + [-7]
    let count = unsafe scratch.floats.withMemoryRebound(to: Double.self, capacity: doubles) {
        unsafe dseg_cluster(maps.c, starts.map(Int32.init), starts.count, rounds, &found, $0)
    }
    #expect(scratch.isIntact && maps.isFrameIntact && found.last == -7)
    return (Array(found.dropLast()), count)
}

@Suite struct ClusterTests {
    /// Vectors of sixteen pixels, eight or four centres at a time.
    @Test func `dseg_cluster keeps its definition at every number of pixels, tokens and centres`() {
        let pixels = Array(1...18) + [31, 32, 33, 47, 64, 65, 144]
        for (index, pixels) in pixels.enumerated() {
            let tokens = [1, 2, 7, 16, 17, 40][index % 6]
            let maps = scene(tokens: tokens, pixels: pixels, things: 3)
            let oracle = ClusterOracle(
                maps: (0..<tokens).map { t in (0..<pixels).map { Double(maps[t, $0]) } })
            for count in Set([1, 2, 4, 5, 8, 9, 17].map { min($0, pixels) }) {
                let starts = (0..<count).map { $0 * pixels / count }
                for rounds in [1, 4] {
                    let expected = oracle.clusters(from: starts, rounds: rounds)
                    let found = clusters(maps, from: starts, rounds: rounds)
                    // Of centres as near as a float can tell either may be taken.
                    guard expected.margin > 1e-4 else { continue }
                    #expect(
                        found.clusters.map(Int.init) == expected.clusters,
                        "\(pixels) pixels, \(tokens) tokens, \(count) centres, \(rounds) rounds")
                    #expect(found.count == (expected.clusters.max() ?? 0) + 1)
                }
            }
        }
    }

    @Test func `most scenes of these tests have no pixel between two centres`() {
        let margins = [(7, 65), (16, 144), (40, 257)].map { tokens, pixels in
            let maps = scene(tokens: tokens, pixels: pixels, things: 3)
            return ClusterOracle(maps: (0..<tokens).map { t in (0..<pixels).map { Double(maps[t, $0]) } })
                .clusters(from: (0..<9).map { $0 * pixels / 9 }, rounds: 6).margin
        }
        #expect(margins.allSatisfy { $0 > 1e-4 }, "\(margins)")
    }

    @Test func `the first of equal centres takes a pixel, and one without pixels vanishes`() {
        let maps = Framed(rows: 2, columns: 20) { token, pixel in token == pixel % 2 ? 0.5 : 0 }
        let found = clusters(maps, from: [2, 4, 1, 6, 3], rounds: 1)
        let (even, odd) = ((0..<20).map { Int32($0 % 2) }, (1..<21).map { Int32($0 % 2) })
        #expect(found.count == 2 && found.clusters == even)
        #expect(clusters(maps, from: [1, 2, 1], rounds: 20).clusters == odd)
        #expect(clusters(maps, from: [7], rounds: 3).clusters == [Int32](repeating: 0, count: 20))
    }

    /// The divergence of numbers that are nearly alike: as a sum of logarithms' products it would be rounding alone.
    @Test func `scores that differ in their last digits still have clusters`() {
        let maps = Framed(rows: 30, columns: 50) { token, pixel in
            0.01 + (pixel % 2 == 0 ? 1e-6 : 0) + Float((token * 7 + pixel * 3) % 5) * 1e-8
        }
        let expected = (0..<50).map { Int32($0 % 2) }
        #expect(clusters(maps, from: [0, 1], rounds: 20).clusters == expected)
    }

    @Test func `dseg_average gives each pixel its cluster's mean, zeros included`() throws {
        for pixels in tails {
            let maps = scene(tokens: 5, pixels: pixels, things: 2)
            let numbers = (0..<5).map { t in (0..<pixels).map { Double(maps[t, $0]) } }
            let clusters = (0..<pixels).map { Int32($0 * $0 % min(pixels, 6)) }
            let scratch = Scratch(2 * dseg_average_scratch(6))
            unsafe scratch.floats.withMemoryRebound(to: Double.self, capacity: dseg_average_scratch(6)) {
                unsafe dseg_average(maps.c, clusters, 6, $0)
            }
            let expected = ClusterOracle(maps: numbers).averaged(clusters.map(Int.init)).map {
                Bounded(value: $0, slack: $0 * 1.001 * roundoff)
            }
            expect(maps, within: expected, "\(pixels) pixels")
            #expect(scratch.isIntact)
        }
    }

    @Test func `clusters average the maps that they are made of`() throws {
        var arena = try Arena(reserving: 1 << 30)
        let framed = scene(tokens: 9, pixels: 100, things: 4)
        let maps = Matrix(stored: 9, by: 104).columns(0..<100)
        maps.fill(framed.values)
        let starts = Clusters.starts(height: 10, width: 10, target: 9)
        let clusters = Clusters(of: maps, from: starts, rounds: 20, &arena)
        #expect(maps.array == framed.values)
        #expect(clusters == Clusters(ofPixels: clusters.ofPixels))
        clusters.average(maps, &arena)
        let firsts = (0..<clusters.count).map { k in clusters.ofPixels.firstIndex(of: Int32(k)) ?? 0 }
        for token in 0..<9 {
            let before = framed.values[token * 100..<(token + 1) * 100].reduce(0, +)
            let after = maps.rows(token..<token + 1).array
            #expect(abs(before - after.reduce(0, +)) < 1e-5 * before)
            #expect(after == clusters.ofPixels.map { after[firsts[Int($0)]] })
        }
    }

    @Test func `iSeg starts from a grid of 6 x 6 of 64 x 64 pixels`() {
        let axis = [0, 11, 22, 33, 44, 55]
        let grid = axis.flatMap { row in axis.map { row * 64 + $0 } }
        #expect(Clusters.starts(height: 64, width: 64, target: 32) == grid)
        #expect(Clusters.starts(height: 16, width: 16, target: 32).count == 64)
        #expect(Clusters.starts(height: 1, width: 1, target: 32) == [0])
        #expect(Clusters.starts(height: 2, width: 32, target: 4) == [0, 4, 8, 12, 16, 20, 24, 28])
    }

    @Test func `a score that is not a number spoils its own cluster alone`() {
        let maps = Framed(rows: 3, columns: 40) { token, pixel in
            pixel == 25 && token == 1 ? .nan : token == pixel % 2 ? 0.5 : 0.1
        }
        let found = clusters(maps, from: [0, 1], rounds: 1)
        let scratch = Scratch(2 * dseg_average_scratch(2))
        unsafe scratch.floats.withMemoryRebound(to: Double.self, capacity: dseg_average_scratch(2)) {
            unsafe dseg_average(maps.c, found.clusters, 2, $0)
        }
        let spoilt = (0..<40).filter { maps[1, $0].isNaN }
        let beside = (0..<40).filter { found.clusters[$0] == found.clusters[25] }
        #expect(spoilt == beside && spoilt.count < 40)
    }

    @Test func `logarithms keep their accuracy over all normal numbers`() {
        _ = startedThreads
        var draw = Draw(seed: 14)
        var numbers = (1..<255).flatMap { exponent in
            (0..<40).map { _ in Float(bitPattern: UInt32(exponent) << 23 | UInt32((draw.next() + 1) * 0x1p22)) }
        }
        numbers += (0...4000).map { 1 + (Float($0) - 2000) * 0x1p-22 }
        numbers += [.leastNormalMagnitude, .greatestFiniteMagnitude, 1, Float(0.5).squareRoot(), 2]
        for count in tails + [numbers.count] {
            let x = Framed(Array(numbers.prefix(count)), rows: 1, columns: count)
            let y = Framed(unwritten: 1, count)
            unsafe dseg_logarithm(x.c, y.c)
            let expected = x.values.map { x -> Bounded in
                let value = log(Double(x))
                return Bounded(value: value, slack: 2e-7 * abs(value))
            }
            expect(y, within: expected, "\(count) numbers")
        }
        let ends = Framed([0, .leastNonzeroMagnitude, .infinity, .nan], rows: 1, columns: 4)
        unsafe dseg_logarithm(ends.c, ends.c)
        #expect(ends[0, 0] < -86 && ends[0, 1] < -86 && ends[0, 2] == .infinity && ends[0, 3].isNaN)
    }
}

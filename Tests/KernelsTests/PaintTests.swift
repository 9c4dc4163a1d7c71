import CKernels
import Kernels
import Testing

/// (numbers of a map, pixels) of columns and rows: smaller and larger, and around the borders of tiles.
private let sizes = [(1, 1), (1, 5), (7, 3), (8, 31), (8, 33), (5, 64), (9, 1023), (9, 1025), (3, 2049)]

@Suite struct PaintTests {
    @Test func `dseg_enlarge samples and stretches a map`() {
        _ = startedThreads
        var draw = Draw(seed: 1)
        for (index, size) in sizes.enumerated() {
            let other = sizes[(index * 4 + 2) % sizes.count]
            guard size.1 * other.1 < 1 << 17 else { continue }
            let enlargement = Enlargement(
                columns: line(size.0, size.1, &draw), rows: line(other.0, other.1, &draw))
            let map = draw.floats(size.0 * other.0)
            let resized = resized(map, by: enlargement)
            let (least, most) = (resized.min() ?? 0, resized.max() ?? 0)
            let found = enlargement.enlarged(map)
            guard most - least > 1e-3 else { continue }
            // x + w (z - x) of numbers up to 1, whose difference may be 2: ten roundings at each end, seen through the
            // stretch.
            let slack = 44 * roundoff / (most - least)
            expect(
                found, within: resized.map { Bounded(value: ($0 - least) / (most - least), slack: slack) },
                "\(size) by \(other)")
            #expect(found.min() == 0 && found.max() == 1)
        }
    }

    @Test func `a map gets a top of its own, or a range of more than its scores`() {
        _ = startedThreads
        var draw = Draw(seed: 3)
        let (columns, rows) = (line(8, 31, &draw), line(9, 33, &draw))
        let maps = (0..<2).map { _ in draw.floats(72).map(abs) }
        let tops = [Float(0.6), 0.3]
        let topped = Enlargement(
            columns: columns, rows: rows, rescaling: Rescaling(target: .top, epsilon: 1e-2))
        let wide = Enlargement(columns: columns, rows: rows, rescaling: Rescaling(target: .unit, epsilon: 0.5))
        var best = [Float](repeating: 0, count: topped.pixels)
        var labels = [UInt8](repeating: 0, count: topped.pixels)
        topped.paint(maps.flatMap(\.self), count: 2, tops: tops, from: 1, best: &best, index: &labels)
        let enlarged = zip(maps, tops).map { topped.enlarged($0, top: $1) }
        for (map, (top, found)) in zip(maps, zip(tops, enlarged)) {
            let resized = resized(map, by: topped)
            let (least, most) = (resized.min() ?? 0, resized.max() ?? 0)
            expect(
                found, within: resized.map { Bounded(value: $0 * Double(top) / (most + 1e-2), slack: 44 * roundoff) },
                "to a top of \(top)")
            expect(
                wide.enlarged(map),
                within: resized.map { Bounded(value: ($0 - least) / (most - least + 0.5), slack: 44 * roundoff) },
                "to more than the range")
        }
        for pixel in 0..<topped.pixels {
            #expect(best[pixel] == max(enlarged[0][pixel], enlarged[1][pixel]))
            #expect(labels[pixel] == (enlarged[1][pixel] > enlarged[0][pixel] ? 2 : 1))
        }
        #expect(topped.enlarged([Float](repeating: 0, count: 72), top: 0) == [Float](repeating: 0, count: 31 * 33))
    }

    @Test func `dseg_paint lets the first of equal and the larger of other scores claim a pixel`() {
        _ = startedThreads
        var draw = Draw(seed: 2)
        for (index, size) in sizes.enumerated() {
            let other = sizes[(index * 4 + 2) % sizes.count]
            guard size.1 * other.1 < 1 << 17 else { continue }
            let enlargement = Enlargement(
                columns: line(size.0, size.1, &draw), rows: line(other.0, other.1, &draw))
            var maps = (0..<4).map { _ in draw.floats(size.0 * other.0) }
            maps.append(maps[1])
            maps.append([Float](repeating: 3, count: size.0 * other.0))
            var best = [Float](repeating: 0.4, count: enlargement.pixels)
            var labels = [UInt8](repeating: 0, count: enlargement.pixels)
            enlargement.paint(maps[0] + maps[1], count: 2, from: 250, best: &best, index: &labels)
            enlargement.paint(maps[2...].flatMap(\.self), count: 4, from: 252, best: &best, index: &labels)
            let enlarged = maps.map { enlargement.enlarged($0) }
            for pixel in 0..<enlargement.pixels {
                var (most, label): (Float, UInt8) = (0.4, 0)
                for (index, map) in enlarged.enumerated() where map[pixel] > most {
                    (most, label) = (map[pixel], UInt8(250 + index))
                }
                guard best[pixel] == most && labels[pixel] == label else {
                    Issue.record("pixel \(pixel) of \(size) by \(other)")
                    break
                }
            }
        }
    }

    /// Rows of the same length are not sampled.
    @Test func `maps of the picture's columns claim pixels by their own numbers`() {
        _ = startedThreads
        var draw = Draw(seed: 3)
        for (width, height, rows) in [(1, 1, 1), (33, 5, 5), (1030, 3, 40), (17, 40, 9)] {
            let same = SampleLine(
                length: width, first: (0..<UInt32(width)).map(\.self), weights: [Float](repeating: 0, count: width))
            let enlargement = Enlargement(columns: same, rows: line(height, rows, &draw))
            let maps = (0..<3).map { _ in draw.floats(width * height) }
            var best = [Float](repeating: 0.3, count: enlargement.pixels)
            var labels = [UInt8](repeating: 0, count: enlargement.pixels)
            enlargement.paint(maps.flatMap(\.self), count: 3, from: 1, best: &best, index: &labels)
            let enlarged = maps.map { map -> [Float] in
                let resized = resized(map, by: enlargement)
                let (least, most) = (resized.min() ?? 0, resized.max() ?? 0)
                return resized.map { most > least ? Float(($0 - least) / (most - least)) : 0 }
            }
            for pixel in 0..<enlargement.pixels {
                let most = max(0.3, enlarged.map { $0[pixel] }.max() ?? 0)
                guard (best[pixel] - most).magnitude < 1e-4, labels[pixel] == 0 || best[pixel] > 0.3 else {
                    Issue.record("pixel \(pixel) of \(width) by \(rows)")
                    break
                }
            }
        }
    }

    @Test func `dseg_paint stays within dseg_paint_scratch and its picture`() {
        _ = startedThreads
        let (first, weight) = ([UInt32](repeating: 1, count: 1030), [Float](repeating: 0.5, count: 1030))
        let maps: [Float] = [0, 1, 2, 5, 4, 3, 9, 9, 9, 0, 0, 1]
        unsafe first.withUnsafeBufferPointer { first in
            unsafe weight.withUnsafeBufferPointer { weight in
                guard let first = first.baseAddress, let weight = weight.baseAddress else { return }
                let columns = unsafe dseg_line(first: first, weight: weight, count: 1030, length: 3)
                let rows = unsafe dseg_line(first: first, weight: weight, count: 34, length: 2)
                var scratch = unsafe [Float](repeating: .nan, count: dseg_paint_scratch(columns, rows, 2)) + [-5]
                var best = [Float](repeating: -1, count: 1030 * 34) + [-6]
                var index = [UInt8](repeating: 0, count: 1030 * 34) + [77]
                unsafe dseg_paint(maps, 2, dseg_scale(tops: nil, epsilon: 0), columns, rows, 8, &best, &index, &scratch)
                #expect(scratch.last == -5 && best.last == -6 && index.last == 77)
                #expect(index.dropLast().allSatisfy { $0 == 8 })
            }
        }
    }

    @Test func `a constant map, and one that is no number, claim nothing`() {
        _ = startedThreads
        let line = SampleLine(length: 2, first: [0, 0, 1], weights: [0, 0.5, 0])
        let enlargement = Enlargement(columns: line, rows: line)
        var best = [Float](repeating: 0, count: 9)
        var labels = [UInt8](repeating: 0, count: 9)
        enlargement.paint([5, 5, 5, 5, .nan, .nan, .nan, .nan], count: 2, from: 1, best: &best, index: &labels)
        #expect(labels.allSatisfy { $0 == 0 })
        #expect(enlargement.enlarged([5, 5, 5, 5]) == [Float](repeating: 0, count: 9))
    }

    @Test(arguments: [0.1, 0.7, 5, 1e-30] as [Float])
    func `a constant map is constant between its pixels`(value: Float) {
        _ = startedThreads
        var draw = Draw(seed: 9)
        let weights = draw.floats(500).map { abs($0).truncatingRemainder(dividingBy: 1) }
        let line = SampleLine(length: 64, first: (0..<500).map { UInt32($0 % 63) }, weights: weights)
        let enlarged = Enlargement(columns: line, rows: line)
            .enlarged([Float](repeating: value, count: 64 * 64))
        #expect(enlarged.allSatisfy { $0 == 0 })
    }
}

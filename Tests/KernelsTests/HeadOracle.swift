import CKernels
import Kernels
import Testing

/// One head's affinity by its definition, in double precision: what its links are, and how far from it they may lie.
struct HeadOracle {
    let pixels: Int
    /// `softmax(q kᵀ / √D)` over each column's largest plus 1e-5, `[N, N]`.
    private let links: [Bounded]

    private static let epsilon = Double(Float(1e-5))

    /// - Parameters:
    ///   - queries: one head's, `[N, D]`
    ///   - keys: the same
    init(queries: Framed, keys: Framed) {
        let pixels = keys.rows
        let p = AttentionOracle(queries: queries, keys: keys, heads: 1, causal: false)
            .mean(share: 1, before: [Float](repeating: 0, count: pixels * pixels))
        let columns = (0..<pixels).map { column in (0..<pixels).map { p[$0 * pixels + column] } }
        let most = columns.map { $0.map(\.value).max() ?? 0 }
        let mostSlack = columns.map { $0.map(\.slack).max() ?? 0 }
        self.pixels = pixels
        links = p.enumerated().map { place, p in
            let column = place % pixels
            let value = p.value / (most[column] + Self.epsilon)
            let least = max(most[column] - mostSlack[column], 0) + Self.epsilon
            // Sum, quotient and three products.
            return Bounded(value: value, slack: (p.slack + value * mostSlack[column]) / least + 6 * roundoff * value)
        }
    }

    /// A row's links with those below the threshold cut; where that is within their slack they may be there or not.
    private func cut(_ row: Int, threshold: Float) -> [Bounded] {
        let limit = Double(threshold)
        return links[(row * pixels)..<((row + 1) * pixels)].map { link in
            if link.value + link.slack < limit { return Bounded(value: 0, slack: 0) }
            if link.value - link.slack >= limit { return link }
            return Bounded(value: 0, slack: link.value + link.slack)
        }
    }

    /// `[N]`: the links of a row over their sum plus 1e-5.
    func row(_ row: Int, threshold: Float) -> [Bounded] {
        let links = cut(row, threshold: threshold)
        let (sum, slack) = sum(links)
        return links.map { link in
            let value = link.value / sum
            let miss = (link.slack + value * slack) / max(sum - slack, Self.epsilon / 2) + 3 * roundoff * value
            return Bounded(value: value, slack: min(miss, 1))
        }
    }

    /// Links are added in sixteen lanes, and the lanes one after another.
    private func sum(_ links: [Bounded]) -> (sum: Double, slack: Double) {
        let sum = links.reduce(Self.epsilon) { $0 + $1.value }
        return (sum, links.reduce(0) { $0 + $1.slack } + Double(pixels / 16 + 18) * roundoff * sum)
    }

    /// `[N]`: the mean of a map over each row's links; 256 terms are added at a time, then the sums.
    func completed(_ map: [Bounded], threshold: Float) -> [Bounded] {
        let reach = map.map { $0.value.magnitude + $0.slack }
        let roundings = Double(min(pixels, 256) + pixels / 256 + 5) * roundoff
        return (0..<pixels).map { row in
            let links = cut(row, threshold: threshold)
            let (sum, sumSlack) = sum(links)
            var (total, slack) = (0.0, 0.0)
            for (place, link) in links.enumerated() where link.value + link.slack > 0 {
                total += link.value * map[place].value
                slack += (link.slack + roundings * link.value) * reach[place] + link.value * map[place].slack
            }
            let value = total / sum
            let miss = (slack + value.magnitude * sumSlack) / max(sum - sumSlack, Self.epsilon / 2)
            // A mean of a map is no farther from another than the map reaches.
            return Bounded(value: value, slack: min(miss, 2 * (reach.max() ?? 0)) + 0x1p-125)
        }
    }
}

/// The heads of a layer as the kernels take them, measured, and the definition of each.
@safe final class MeasuredHeads {
    let pixels: Int
    let count: Int
    let oracles: [HeadOracle]
    private let width: Int
    private let fixedQueries: FixedPoint?
    private let fixedKeys: FixedPoint?
    private let queries: Fenced
    private let keys: Fenced
    /// Tops, rates and gains.
    private let normalisers: [Scratch]

    /// - Parameters:
    ///   - queries: `[N, C]`
    ///   - keys: `[N, C]`
    ///   - isDefined: whether the definition is wanted, too
    init(_ queries: Framed, _ keys: Framed, heads: Int, fixed isFixed: Bool, isDefined: Bool = true) {
        (pixels, count, width) = (keys.rows, heads, keys.columns / heads)
        let (pixels, width) = (pixels, width)
        self.queries = Fenced(numbers: queries.values)
        self.keys = Fenced(numbers: keys.values)
        normalisers = (0..<3).map { _ in Scratch(heads * keys.rows) }
        // Queries lie as keys do elsewhere, keys in panels as queries do.
        let (q, k) = (
            isFixed ? fixed(queries, heads: heads, queries: false) : nil,
            isFixed ? fixed(keys, heads: heads, queries: true) : nil
        )
        (fixedQueries, fixedKeys) = (q, k)
        // The definition of what was stored: whole numbers times a scale.
        oracles = (0..<(isDefined ? heads : 0)).map { head in
            HeadOracle(
                queries: Framed(rows: pixels, columns: width) {
                    q?.key($0, head, $1) ?? queries[$0, head * width + $1]
                },
                keys: Framed(rows: pixels, columns: width) { k?.query($0, head, $1) ?? keys[$0, head * width + $1] })
        }
        let room = Scratch(dseg_heads_scratch(pixels, 0))
        unsafe dseg_measure_heads(c, room.floats)
        #expect(room.isIntact && normalisers.allSatisfy { $0.isIntact })
    }

    var c: dseg_heads {
        let (q, k) = unsafe (fixedQueries?.c, fixedKeys?.c)
        let (floats, others) = unsafe (queries.base, keys.base)
        return unsafe dseg_heads(
            pixels: pixels, heads: count, width: width, queries: q.map { unsafe UnsafeRawPointer($0.values) } ?? floats,
            keys: k.map { unsafe UnsafeRawPointer($0.values) } ?? others,
            query_scales: q.map { unsafe UnsafePointer($0.scales) },
            key_scales: k.map { unsafe UnsafePointer($0.scales) }, tops: normalisers[0].floats,
            rates: normalisers[1].floats, gains: normalisers[2].floats)
    }

    /// Maps, `[N]` each, completed by one head: times `share`, added to what lies there if that is given.
    func completing(
        _ maps: [[Float]], head: Int, threshold: Float, share: Float = 1, addingTo before: Float? = nil
    ) -> [[Float]] {
        let groups = (maps.count + 15) / 16
        let lanes = { (maps: [[Float]]) in
            (0..<groups * self.pixels * 16).map { place in
                let (label, pixel) = (place / 16 / self.pixels * 16 + place % 16, place / 16 % self.pixels)
                return label < maps.count ? maps[label][pixel] : 0
            }
        }
        let (y, room) = (Scratch(groups * pixels * 16), Scratch(dseg_heads_scratch(pixels, groups)))
        if let before {
            for place in 0..<groups * pixels * 16 { unsafe y.floats[place] = before }
        }
        unsafe dseg_apply_head(
            c, head, threshold, lanes(maps), groups, share, before != nil, y.floats, room.floats)
        #expect(y.isIntact && room.isIntact)
        return maps.indices.map { label in
            (0..<pixels).map { unsafe y.floats[(label / 16 * pixels + $0) * 16 + label % 16] }
        }
    }

    func row(_ row: Int, head: Int, threshold: Float) -> [Float] {
        let (y, room) = (Scratch(pixels), Scratch(dseg_heads_scratch(pixels, 0)))
        unsafe dseg_head_row(c, head, threshold, row, y.floats, room.floats)
        #expect(y.isIntact && room.isIntact)
        return (0..<pixels).map { unsafe y.floats[$0] }
    }
}

import CKernels

/// The heads of self-attention layers over the same N pixels as affinities, each of its own (CLIPer's refinement). None
/// is stored as a matrix: tiles are computed anew from queries and keys whenever maps are multiplied.
///
/// A link from a pixel to another is the probability `softmax(q kᵀ / √D)` over the largest that the other has anywhere,
/// plus 1e-5. Links below a threshold are cut, and what is left of a row is divided by its sum plus 1e-5; a row without
/// links is 0.
@safe package final class HeadProduct {
    /// What several heads make of a map.
    package enum Combination: String, Sendable {
        /// One head after the other completes what the one behind it made, the last head first.
        case product
        /// The mean of what each makes of the map.
        case mean
    }

    /// N
    package let pixels: Int
    package let bytes: Int
    private let heads: [(layer: HeadLinks, index: Int)]

    /// The number of heads.
    package var count: Int { heads.count }

    /// Keeps copies of queries and keys, quantized where their products are, and computes what normalises the links.
    ///
    /// - Parameter layers: queries and keys `[N, C]`, at least one layer, in the order of their product: the last head
    ///   of the last layer is the first to complete a map
    package init(_ layers: [QueriesAndKeys], _ arena: inout Arena) {
        precondition(!layers.isEmpty, "no layers")
        pixels = layers[0].keys.rows
        let links = layers.map { HeadLinks($0, &arena) }
        precondition(links.allSatisfy { [pixels] in $0.pixels == pixels }, "layers of different sizes")
        bytes = links.reduce(0) { $0 + $1.bytes }
        heads = zip(links, layers).flatMap { links, layer in (0..<layer.heads).map { (links, $0) } }
    }

    /// Completion: a pixel's score becomes the mean of all, weighted by its links, head by head.
    ///
    /// - Parameters:
    ///   - maps: `[N]` each, at least one, finite
    ///   - threshold: links below it are cut, 0...1
    ///   - range: the heads that do so; `nil`: all
    ///   - isWanted: asked before each head; `false` ends it
    /// - Returns: as many maps; the bits of one do not depend on the others; `nil` once `isWanted` says `false`
    package func completing(
        _ maps: [[Float]], threshold: Float, combination: Combination, heads range: Range<Int>? = nil,
        while isWanted: () -> Bool = { true }, _ arena: inout Arena
    ) -> [[Float]]? {
        precondition(!maps.isEmpty && maps.allSatisfy { $0.count == pixels }, "\(maps.count) maps of \(pixels)")
        return arena.scope { arena -> [[Float]]? in
            var (x, y) = (LabelGroups(maps.count, pixels, &arena), LabelGroups(maps.count, pixels, &arena))
            x.fill(maps)
            let scratch = unsafe arena.floats(dseg_heads_scratch(pixels, x.groups))
            let isMean = combination == .mean
            let acting = heads[range ?? heads.indices]
            let share = isMean ? 1 / Float(acting.count) : 1
            for (place, head) in acting.reversed().enumerated() {
                guard isWanted() else { return nil }
                unsafe dseg_apply_head(
                    head.layer.c, head.index, threshold, x.base, x.groups, share, isMean && place > 0, y.base, scratch)
                if !isMean { swap(&x, &y) }
            }
            return (isMean ? y : x).maps
        }
    }

    /// The weights of one pixel in a head, `[N]`, with which `completing` multiplies.
    package func row(_ row: Int, head: Int, threshold: Float, _ arena: inout Arena) -> [Float] {
        precondition(row >= 0 && row < pixels && head >= 0 && head < count, "row \(row) of head \(head)")
        return arena.scope { arena in
            let weights = arena.matrix(rows: 1, columns: pixels)
            let scratch = unsafe arena.floats(dseg_heads_scratch(pixels, 0))
            let (layer, index) = heads[head]
            unsafe dseg_head_row(layer.c, index, threshold, row, weights.c.base, scratch)
            return weights.array
        }
    }
}

/// A layer's heads as the kernels take them.
@safe private final class HeadLinks {
    let pixels: Int
    let bytes: Int
    private let heads: Int
    private let width: Int
    /// Tops, rates and gains, `[heads, N]` each.
    private let normalisers: [Matrix]
    private let operands: Operands

    private enum Operands {
        case f32(queries: Matrix, keys: Matrix)
        /// Queries lie in rows, keys in panels.
        case int16(queries: FixedPoint, keys: FixedPoint)
    }

    init(_ layer: QueriesAndKeys, _ arena: inout Arena) {
        precondition(layer.queries.rows == layer.keys.rows, "the affinity of a self-attention is square")
        (pixels, heads) = (layer.keys.rows, layer.heads)
        width = layer.keys.columns / heads
        let store = MatrixStore([(heads, pixels), (heads, pixels), (heads, pixels)])
        normalisers = store.matrices
        switch layer.precision {
        case .f32:
            let columns = layer.keys.columns
            let copies = MatrixStore([(pixels, columns), (pixels, columns)])
            let (queries, keys) = (copies.matrices[0], copies.matrices[1])
            queries.copy(from: layer.queries)
            keys.copy(from: layer.keys)
            operands = .f32(queries: queries, keys: keys)
            bytes = store.bytes + copies.bytes
        case .int16:
            let queries = FixedPoint(keys: layer.queries, heads: heads)
            let keys = FixedPoint(queries: layer.keys, heads: heads)
            operands = .int16(queries: queries, keys: keys)
            bytes = store.bytes + queries.bytes + keys.bytes
        }
        arena.scope { arena in
            unsafe dseg_measure_heads(c, arena.floats(dseg_heads_scratch(pixels, 0)))
        }
    }

    var c: dseg_heads {
        switch operands {
        case .f32(let queries, let keys): unsafe c(queries.c.base, keys.c.base, nil, nil)
        case .int16(let queries, let keys): unsafe c(queries.c.values, keys.c.values, queries.c.scales, keys.c.scales)
        }
    }

    private func c(
        _ queries: UnsafeRawPointer, _ keys: UnsafeRawPointer, _ queryScales: UnsafePointer<Float>?,
        _ keyScales: UnsafePointer<Float>?
    ) -> dseg_heads {
        unsafe dseg_heads(
            pixels: pixels, heads: heads, width: width, queries: queries, keys: keys, query_scales: queryScales,
            key_scales: keyScales, tops: normalisers[0].c.base, rates: normalisers[1].c.base,
            gains: normalisers[2].c.base)
    }
}

/// Maps by sixteen labels, `[groups, N, 16]`, a label in each lane.
@safe private struct LabelGroups {
    private static let lanes = 16
    private let matrix: Matrix
    private let labels: Int
    private let pixels: Int

    var groups: Int { matrix.rows / pixels }
    var base: UnsafeMutablePointer<Float> { unsafe matrix.c.base }

    init(_ labels: Int, _ pixels: Int, _ arena: inout Arena) {
        (self.labels, self.pixels) = (labels, pixels)
        matrix = arena.matrix(rows: (labels + Self.lanes - 1) / Self.lanes * pixels, columns: Self.lanes)
    }

    /// The labels of each group, and its rows and columns.
    private var parts: [(labels: Range<Int>, matrix: Matrix)] {
        (0..<groups).map { group in
            let range = group * Self.lanes..<min((group + 1) * Self.lanes, labels)
            return (range, matrix.rows(group * pixels..<(group + 1) * pixels).columns(0..<range.count))
        }
    }

    /// Writes maps; lanes without one become zeros.
    func fill(_ maps: [[Float]]) {
        matrix.clear()
        for part in parts { part.matrix.interleave(Array(maps[part.labels].joined())) }
    }

    var maps: [[Float]] {
        parts.flatMap { part in
            let planes = part.matrix.planes
            return (0..<part.labels.count).map { Array(planes[$0 * pixels..<($0 + 1) * pixels]) }
        }
    }
}

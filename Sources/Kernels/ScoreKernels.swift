import CKernels

/// A phrase to score: the keys of its prompt in one layer, and the positions of its tokens among them.
package struct PhraseQuery {
    package let keys: FixedPoint
    package let positions: [Int32]

    package init(keys: FixedPoint, positions: [Int32]) {
        precondition(!positions.isEmpty && positions.allSatisfy { $0 >= 0 && $0 < keys.rows }, "positions")
        self.keys = keys
        self.positions = positions
    }
}

/// Kernels on score maps, `[N]` each.
package enum ScoreKernels {
    /// Adds to each phrase's map `softmax(q kᵀ / √D)`, averaged over heads and its positions, times `share`.
    ///
    /// - Parameter maps: `[K, N']`, where N' is ``columns(queries:)``
    package static func score(
        _ queries: FixedPoint, _ phrases: [PhraseQuery], share: Float, addingTo maps: Matrix, _ arena: inout Arena
    ) {
        check(queries, phrases, maps)
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_score_scratch(keys(phrases)))
            unsafe withList(of: phrases) { list in
                unsafe dseg_score(queries.c, list, phrases.count, share, maps.c.base, scratch)
            }
        }
    }

    /// The same, where other labels' tokens join the softmax of a phrase as if they were keys of its prompt: of each
    /// label the mean over its phrases. A label alone has the bits of `score`, and no bit depends on the labels' order.
    ///
    /// - Parameters:
    ///   - labels: the phrases of each, at least one; 2^14 positions in all
    ///   - maps: `[K, N']`, K phrases in the order of their labels
    package static func score(
        _ queries: FixedPoint, joining labels: [[PhraseQuery]], share: Float, addingTo maps: Matrix,
        _ arena: inout Arena
    ) {
        let phrases = labels.flatMap(\.self)
        guard labels.count > 1 else { return score(queries, phrases, share: share, addingTo: maps, &arena) }
        check(queries, phrases, maps)
        precondition(labels.allSatisfy { !$0.isEmpty }, "a label without phrases")
        precondition(phrases.reduce(0) { $0 + $1.positions.count } <= 1 << 14, "too many positions")
        let ends = labels.indices.map { labels[...$0].reduce(0) { $0 + $1.count } }
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_score_jointly_scratch(keys(phrases), phrases.count))
            unsafe withList(of: phrases) { list in
                unsafe dseg_score_jointly(queries.c, list, ends, ends.count, share, maps.c.base, scratch)
            }
        }
    }

    /// Adds to the map of every key `softmax(q kᵀ / √D)` of each head, times the head's share.
    ///
    /// - Parameters:
    ///   - shares: one for each head; a head whose share is 0 is not computed
    ///   - maps: `[L, N']`, where N' is ``columns(queries:)``
    package static func score(
        _ queries: FixedPoint, allTokensOf keys: FixedPoint, shares: [Float], addingTo maps: Matrix,
        _ arena: inout Arena
    ) {
        check(queries, [keys], maps)
        precondition(shares.count == queries.heads, "\(shares.count) shares of \(queries.heads) heads")
        precondition(maps.rows == keys.rows, "\(keys.rows) tokens for \(maps.rows) maps")
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_score_scratch(keys.rows))
            unsafe dseg_score_tokens(queries.c, keys.c, shares, maps.c.base, scratch)
        }
    }

    /// The keys of the longest prompt.
    private static func keys(_ phrases: [PhraseQuery]) -> Int { phrases.map(\.keys.rows).max() ?? 0 }

    private static func check(_ queries: FixedPoint, _ phrases: [PhraseQuery], _ maps: Matrix) {
        check(queries, phrases.map(\.keys), maps)
        precondition(maps.rows == phrases.count, "\(phrases.count) phrases for \(maps.rows) maps")
    }

    private static func check(_ queries: FixedPoint, _ keys: [FixedPoint], _ maps: Matrix) {
        precondition(maps.isPacked && maps.columns == queries.paddedRows, "maps of other queries")
        precondition(
            keys.allSatisfy { $0.heads == queries.heads && $0.columns == queries.columns }, "queries and keys differ")
    }

    /// The phrases as C reads them, at least one.
    private static func withList(of phrases: [PhraseQuery], _ body: ([dseg_phrase]) -> Void) {
        let positions = phrases.flatMap(\.positions)
        unsafe positions.withUnsafeBufferPointer { positions in
            guard var next = positions.baseAddress else { return }
            var list: [dseg_phrase] = unsafe []
            for phrase in phrases {
                unsafe list.append(
                    dseg_phrase(keys: phrase.keys.c, positions: next, position_count: phrase.positions.count))
                unsafe next += phrase.positions.count
            }
            unsafe body(list)
        }
    }

    /// Columns of the maps that `score` adds to: the number of queries, rounded up to a multiple of 16.
    package static func columns(queries: Int) -> Int { dseg_fixed_rows(queries) }

    /// The largest score.
    package static func largest(_ map: [Float]) -> Float { unsafe dseg_largest(map, map.count) }

    /// `map ← (map - min) / (max - min)`; a constant map becomes zeros.
    package static func minMax(_ map: inout [Float]) {
        unsafe dseg_min_max(&map, map.count)
    }

    /// `map ← map / Σ map`, so that each map adds up to one; a map that adds up to 0 becomes zeros.
    ///
    /// - Parameters:
    ///   - maps: `[K, N]`, none negative unless they are shifted
    ///   - shifted: whether each map's least score is first taken away: iSeg's state between two completions. A
    ///     constant map then becomes zeros.
    package static func normalizeSums(_ maps: Matrix, shifted: Bool) {
        unsafe dseg_normalize_sums(maps.c, shifted)
    }

    /// Gives each map its share of a pixel: `m ← m · m^γ / max(Σ m^γ, 1e-9)`, summed over the maps.
    ///
    /// Powers are added in fixed point, as whole multiples of 2^-50: neither the order of maps nor the number of
    /// threads changes a bit.
    ///
    /// - Parameters:
    ///   - maps: `[K, N]` in 0...1, up to 4096 maps
    ///   - gamma: γ in 0...64
    package static func share(_ maps: Matrix, gamma: Int) {
        precondition((0...64).contains(gamma), "a power of \(gamma)")
        precondition(maps.rows <= 4096, "\(maps.rows) maps")
        unsafe dseg_share(maps.c, UInt32(gamma))
    }

    /// `sum ← sum + a map`
    package static func add(_ map: [Float], times a: Float, to sum: inout [Float]) {
        precondition(map.count == sum.count, "\(map.count) scores to \(sum.count)")
        unsafe map.withUnsafeBufferPointer { map in
            unsafe sum.withUnsafeMutableBufferPointer { sum in
                guard let map = map.baseAddress, let base = sum.baseAddress else { return }
                let x = unsafe Matrix(base: UnsafeMutablePointer(mutating: map), rows: 1, columns: sum.count)
                unsafe Matrix(base: base, rows: 1, columns: sum.count).blend(x, times: a, keeping: 1)
            }
        }
    }
}

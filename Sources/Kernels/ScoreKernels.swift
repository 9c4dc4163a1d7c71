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
        precondition(maps.rows == phrases.count && maps.isPacked, "\(phrases.count) phrases for \(maps.rows) maps")
        precondition(maps.columns == queries.paddedRows, "\(maps.columns) places for \(queries.rows) queries")
        precondition(
            phrases.allSatisfy { $0.keys.heads == queries.heads && $0.keys.columns == queries.columns },
            "queries and keys differ")
        let positions = phrases.flatMap(\.positions)
        arena.scope { arena in
            let scratch = unsafe arena.floats(dseg_score_scratch(phrases.map(\.keys.rows).max() ?? 0))
            unsafe positions.withUnsafeBufferPointer { positions in
                guard var next = positions.baseAddress else { return }
                var list: [dseg_phrase] = unsafe []
                for phrase in phrases {
                    unsafe list.append(
                        dseg_phrase(
                            keys: phrase.keys.c, positions: next, position_count: phrase.positions.count))
                    unsafe next += phrase.positions.count
                }
                unsafe dseg_score(queries.c, list, list.count, share, maps.c.base, scratch)
            }
        }
    }

    /// Columns of the maps that `score` adds to: the number of queries, rounded up to a multiple of 16.
    package static func columns(queries: Int) -> Int { dseg_fixed_rows(queries) }

    /// `map ← (map - min) / (max - min)`; a constant map becomes zeros.
    package static func minMax(_ map: inout [Float]) {
        unsafe dseg_min_max(&map, map.count)
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

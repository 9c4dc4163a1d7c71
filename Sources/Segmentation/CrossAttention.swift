import Images
package import Kernels
package import Networks

/// A recipe's reading of the cross-attention of one U-Net.
package struct CrossAttention {
    private struct Resolution {
        let level: Int
        let weight: Float
        /// Of each layer, by its index among the cross-attention layers, the share of every head in their mean.
        let shares: [(layer: Int, heads: [Float])]
    }

    let aggregation: Aggregation
    /// In what the U-Net falls short of the recipe, in sentences.
    private(set) var notes: [String] = []
    private var resolutions: [Resolution] = []
    private let layout: Layout

    /// Indices among the cross-attention layers of those that count.
    var layers: Set<Int> { Set(resolutions.flatMap { $0.shares.map(\.layer) }) }

    /// How often the latent's sides are halved to those of each resolution that counts, coarse to fine.
    var levels: [Int] { resolutions.map(\.level) }

    /// Indices among the cross-attention layers of those that count at a level.
    func layers(at level: Int) -> [Int] {
        resolutions.filter { $0.level == level }.flatMap { $0.shares.map(\.layer) }
    }

    /// The level of a layer that counts.
    func level(of layer: Int) -> Int {
        guard let found = resolutions.first(where: { $0.shares.contains { $0.layer == layer } }) else {
            preconditionFailure("layer \(layer) counts")
        }
        return found.level
    }

    /// - Throws: `noWeights` or `noCrossAttention` where the recipe does not fit the U-Net's layers
    init(_ unet: UNet, recipe: Recipe, _ layout: Layout) throws(SegmentationError) {
        aggregation = recipe.aggregation
        self.layout = layout
        let cross = unet.attentionLayers.filter { $0.kind == .crossAttention }
        let levels = Set(cross.map(\.level)).sorted(by: >)
        guard let weights = aggregation.weights.first(where: { $0.count == levels.count }) else {
            throw .recipe(.noWeights(recipe: recipe.name, resolutions: levels.count))
        }
        for (level, weight) in zip(levels, weights) where weight != 0 {
            let layers = aggregation.maps.layers(level).indices(among: cross, .crossAttention, level: level)
            guard let first = layers.first else { throw .recipe(.noCrossAttention(recipe: recipe.name, level: level)) }
            let heads = cross[first].heads
            let counted = counted(level, of: layers.count * heads, recipe)
            let shares = layers.enumerated().map { place, layer in
                (layer, (0..<heads).map { counted.contains(place * heads + $0) ? 1 / Float(counted.count) : 0 })
            }
            resolutions.append(Resolution(level: level, weight: weight, shares: shares))
        }
    }

    /// Which of a level's maps count, all heads of all layers being `count`; notes those that are left out.
    private mutating func counted(_ level: Int, of count: Int, _ recipe: Recipe) -> Set<Int> {
        guard let listed = aggregation.maps.heads(level) else { return Set(0..<count) }
        let found = Set(listed.filter { $0 < count })
        if found.count < listed.count {
            notes.append(
                "recipe \(recipe.name) lists \(listed.count) cross-attention maps of Stable Diffusion 2.1-base at "
                    + "level \(level) of the U-Net: of those that this model has, "
                    + "\(found.isEmpty ? count : found.count) are read")
        }
        return found.isEmpty ? Set(0..<count) : found
    }

    /// The fused maps of all labels' phrases, `[H·W]` each, in 0...1.
    func fused(_ labels: [[AskedPhrase]], in features: [AttentionFeatures], _ arena: inout Arena) -> [[Float]] {
        var sums = labels.flatMap { $0.map { _ in [Float](repeating: 0, count: layout.grid.pixels) } }
        for resolution in resolutions {
            let maps = attention(to: labels, in: features, resolution.shares.map(\.layer), resolution.level, &arena)
            for (index, map) in maps.enumerated() {
                var resized = Self.resized(map, from: layout.grid.level(resolution.level), to: layout.grid)
                ScoreKernels.minMax(&resized)
                ScoreKernels.add(resized, times: resolution.weight, to: &sums[index])
            }
        }
        return sums
    }

    /// The mean over heads, some layers and each phrase's tokens of cross-attention probabilities, `[h·w]` each.
    ///
    /// - Parameters:
    ///   - layers: indices among the cross-attention layers
    ///   - level: the same for all of them
    package func attention(
        to labels: [[AskedPhrase]], in features: [AttentionFeatures], _ layers: [Int], _ level: Int,
        _ arena: inout Arena
    ) -> [[Float]] {
        let count = labels.reduce(0) { $0 + $1.count }
        return maps(count, level, &arena) { tile, maps, arena in
            for layer in layers {
                ScoreKernels.score(
                    features[tile].queries(layer), joining: labels.map { $0.map { $0.query(layer) } },
                    share: 1 / Float(layers.count), addingTo: maps, &arena)
            }
        }
    }

    /// The fused maps of phrases, `[H·W]` each, from those of all tokens of their prompts.
    func fused(
        _ phrases: [AskedPhrase], _ clustering: Clustering?, in features: [AttentionFeatures], _ arena: inout Arena
    ) -> [[Float]] {
        var fused = phrases.map { _ in [Float]() }
        let prompts = Dictionary(grouping: phrases.indices) { ObjectIdentifier(phrases[$0].text) }
        for indices in prompts.values {
            var tokens = tokenMaps(of: phrases[indices[0]].text, in: features, &arena)
            if let clustering { clustering.clusters(of: tokens, layout.grid, &arena).average(&tokens, &arena) }
            for index in indices { fused[index] = Self.mean(of: tokens, at: phrases[index].positions) }
        }
        return fused
    }

    /// The fused maps of all tokens of a prompt, `[H·W]` each.
    package func tokenMaps(
        of text: EncodedText, in features: [AttentionFeatures], _ arena: inout Arena
    ) -> [[Float]] {
        var sums = (0..<text.context.rows).map { _ in [Float](repeating: 0, count: layout.grid.pixels) }
        for resolution in resolutions {
            let maps = maps(sums.count, resolution.level, &arena) { tile, maps, arena in
                for (layer, shares) in resolution.shares {
                    ScoreKernels.score(
                        features[tile].queries(layer), allTokensOf: text.keys[layer], shares: shares, addingTo: maps,
                        &arena)
                }
            }
            let normalized = arena.changed(maps) { joined, _ in ScoreKernels.normalizeSums(joined, shifted: false) }
            for (index, map) in normalized.enumerated() {
                let resized = Self.resized(map, from: layout.grid.level(resolution.level), to: layout.grid)
                ScoreKernels.add(resized, times: resolution.weight, to: &sums[index])
            }
        }
        return sums
    }

    /// The mean of some tokens' maps.
    package static func mean(of tokens: [[Float]], at positions: [Int32]) -> [Float] {
        var sum = [Float](repeating: 0, count: tokens[0].count)
        for position in positions {
            ScoreKernels.add(tokens[Int(position)], times: 1 / Float(positions.count), to: &sum)
        }
        return sum
    }

    /// Maps at a level of the U-Net, `[h·w]` each, blended of those of all tiles.
    ///
    /// - Parameter add: adds a tile's to `[K, N']`, where N' is `ScoreKernels.columns(queries:)`
    private func maps(
        _ count: Int, _ level: Int, _ arena: inout Arena, add: (_ tile: Int, Matrix, inout Arena) -> Void
    ) -> [[Float]] {
        Tiling(layout, level: level).blended(count, &arena) { index, arena in
            arena.scope { arena in
                let pixels = layout.tiles[index].level(level).grid.pixels
                let maps = arena.matrix(rows: count, columns: ScoreKernels.columns(queries: pixels))
                maps.clear()
                add(index, maps, &arena)
                return (0..<count).map { maps.rows($0..<$0 + 1).columns(0..<pixels).array }
            }
        }
    }

    /// A map at another size: bilinear, half-pixel centres.
    package static func resized(_ map: [Float], from grid: Grid, to newGrid: Grid) -> [Float] {
        guard newGrid != grid else { return map }
        return unsafe [Float](unsafeUninitializedCapacity: newGrid.pixels) { buffer, count in
            guard let target = buffer.baseAddress else { return }
            unsafe map.withUnsafeBufferPointer { source in
                guard let source = source.baseAddress else { return }
                unsafe Bilinear.resize(
                    source, width: grid.width, height: grid.height, channels: 1,
                    to: (width: newGrid.width, height: newGrid.height), into: target)
            }
            count = newGrid.pixels
        }
    }
}

extension Aggregation.Maps {
    fileprivate func layers(_ level: Int) -> LayerSelection {
        if case .ofTokens(let maps) = self { maps.layers[level] ?? .all } else { .all }
    }

    /// The list of heads that count at a level; `nil`: all.
    fileprivate func heads(_ level: Int) -> [Int]? {
        if case .ofTokens(let maps) = self { maps.heads[level] } else { nil }
    }
}

extension Clustering {
    /// Clusters of pixels by the maps of all tokens, `[H·W]` each.
    package func clusters(of tokens: [[Float]], _ grid: Grid, _ arena: inout Arena) -> Clusters {
        arena.scope { arena in
            Clusters(
                of: arena.matrix(joining: tokens),
                from: Clusters.starts(height: grid.height, width: grid.width, target: count), rounds: rounds, &arena)
        }
    }
}

extension Clusters {
    /// Gives each pixel its cluster's mean in each map, `[H·W]`.
    package func average(_ maps: inout [[Float]], _ arena: inout Arena) {
        maps = arena.changed(maps) { joined, arena in average(joined, &arena) }
    }
}

import Images
package import Kernels
package import Networks

/// From attention to a score map (DiffSegmenter, "cross-attention fusion" and "mask completion").
///
///     layers of a resolution    mean of the label's tokens over heads and layers      [r·r]
///     up                        bilinear to the latent's size, min-max                a_r
///     fused                     Σ w_r a_r, coarse to fine .3 .5 .1 .1                 A
///     completed                 S A: a pixel takes the score of those it belongs to   M
package struct AttentionFusion {
    private struct Resolution {
        let side: Int
        let weight: Float
        /// Indices among the cross-attention layers.
        let layers: [Int]
    }

    private let resolutions: [Resolution]
    private let layers: [AttentionLayer]
    private let side: Int

    package init(_ unet: UNet, recipe: Recipe) throws(SegmentationError) {
        layers = unet.attentionLayers.filter { $0.kind == .cross }
        side = unet.configuration.sampleSize
        let sides = Set(layers.map(\.side)).sorted()
        guard let weights = recipe.weights[sides.count] else {
            throw .noWeights(recipe: recipe.name, resolutions: sides.count)
        }
        resolutions = zip(sides, weights).map { [layers] side, weight in
            Resolution(
                side: side, weight: weight, layers: layers.indices.filter { layers[$0].side == side })
        }
    }

    /// The fused cross-attention of some tokens, `[H·W]`, in 0...1.
    ///
    /// - Parameters:
    ///   - queries: of each cross-attention layer, `[N, C]`
    ///   - keys: of each cross-attention layer, `[L, C]`
    ///   - positions: of the tokens among the keys
    package func fused(
        queries: [Matrix], keys: [Matrix], positions: [Int32], _ arena: inout Arena
    ) -> [Float] {
        var sum = [Float](repeating: 0, count: side * side)
        for resolution in resolutions {
            var map = [Float](repeating: 0, count: resolution.side * resolution.side)
            for layer in resolution.layers {
                unsafe QueriesAndKeys(
                    queries: queries[layer], keys: keys[layer], heads: layers[layer].heads
                ).add(toMap: &map, of: positions, share: 1 / Float(resolution.layers.count), &arena)
            }
            var resized = resolution.side == side
                ? map
                : Self.resize(map, width: resolution.side, height: resolution.side, toWidth: side, height: side)
            ScoreKernels.minMax(&resized)
            ScoreKernels.add(resized, times: resolution.weight, to: &sum)
        }
        return sum
    }

    /// A map at another size: bilinear, half-pixel centres.
    package static func resize(
        _ map: [Float], width: Int, height: Int, toWidth: Int, height toHeight: Int
    ) -> [Float] {
        unsafe [Float](unsafeUninitializedCapacity: toWidth * toHeight) { buffer, count in
            guard let target = buffer.baseAddress else { return }
            unsafe map.withUnsafeBufferPointer { source in
                guard let source = source.baseAddress else { return }
                unsafe Bilinear.resize(
                    source, width: width, height: height, channels: 1,
                    to: (width: toWidth, height: toHeight), into: target)
            }
            count = toWidth * toHeight
        }
    }
}

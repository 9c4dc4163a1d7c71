package import Kernels
package import Networks
import Texts

/// What determines a pass: whatever has the same key has the same features, bit for bit.
struct FeatureKey: Hashable {
    let model: String
    let picture: String
    let seed: UInt32
    let timestep: Int
    let prompt: ExactString
    let precision: String
}

/// Room for what one pass captures, in full precision; it must not leave the arena's scope that it was made in.
private struct AttentionCaptures {
    /// One for each attention layer of the U-Net, in the order of a pass.
    let captures: [AttentionCapture]
    private let queries: [(matrix: Matrix, heads: Int)]
    private let affinity: Matrix

    init(of unet: UNet, _ arena: inout Arena) {
        let layers = unet.attentionLayers
        let side = unet.configuration.sampleSize
        let cross = layers.filter { $0.kind == .crossAttention }
        let finest = layers.filter { $0.kind == .selfAttention && $0.side == side }
        var queries: [(matrix: Matrix, heads: Int)] = []
        for layer in cross {
            queries.append((arena.matrix(rows: layer.side * layer.side, columns: layer.channels), layer.heads))
        }
        let affinity = arena.matrix(rows: side * side, columns: side * side)
        affinity.clear()
        (self.queries, self.affinity) = (queries, affinity)
        var remaining = queries[...]
        captures = layers.map { layer in
            switch layer.kind {
            case .crossAttention: .queries(into: remaining.removeFirst().matrix)
            case .selfAttention where layer.side == side:
                .probabilities(addingTo: affinity, share: 1 / Float(finest.count))
            case .selfAttention: .nothing
            }
        }
    }

    /// What was captured, once the pass is over.
    func features() -> AttentionFeatures {
        AttentionFeatures(
            queries: queries.map { FixedPoint(queries: $0.matrix, heads: $0.heads) }, affinity: Affinity(affinity))
    }
}

extension Model {
    /// What a pass over a noised latent leaves behind.
    ///
    /// - Parameters:
    ///   - noised: `[H·W, 4]`
    ///   - context: `[L, width]`
    /// - Throws: `Interruption` between layers
    package func features(
        of noised: FeatureMap, timestep: Int, context: Matrix, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> AttentionFeatures {
        try arena.scope { (arena) throws(Interruption) in
            let room = AttentionCaptures(of: unet, &arena)
            try unet(
                noised, timestep: timestep, context: context, captures: room.captures, cancellation: cancellation,
                &arena)
            return room.features()
        }
    }
}

/// What a pass leaves behind: from it, any word can be scored without another pass.
package final class AttentionFeatures {
    /// The queries of each cross-attention layer, `[N, C]`, in the order of a pass.
    package let queries: [FixedPoint]
    /// The mean over heads and layers of self-attention at the latent's size.
    package let affinity: Affinity
    let bytes: Int

    fileprivate init(queries: [FixedPoint], affinity: Affinity) {
        self.queries = queries
        self.affinity = affinity
        bytes = queries.reduce(affinity.bytes) { $0 + $1.bytes }
    }
}

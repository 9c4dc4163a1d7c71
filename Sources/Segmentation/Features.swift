package import Kernels
package import Networks
import Texts

/// Everything that the features of a pass depend on: equal keys, equal features, bit for bit.
struct FeatureKey: Hashable {
    /// SHA-256 of its files.
    let model: ExactString
    /// SHA-256 of its file.
    let picture: ExactString
    let seed: UInt32
    let timestep: Int
    let prompt: ExactString
    let captures: SelfAttentionCaptures
    let precision: Precision
}

/// The matrices that a pass captures into, in f32; valid in the arena scope that they were made in.
private struct AttentionCaptures {
    /// One for each attention layer of the U-Net, in the order of a pass.
    let captures: [AttentionCapture]
    private let queries: [(matrix: Matrix, heads: Int)]
    private let affinity: Matrix

    init(of unet: UNet, _ captured: CapturedLayers, _ arena: inout Arena) {
        let layers = unet.attentionLayers
        let cross = layers.filter { $0.kind == .crossAttention }
        var queries: [(matrix: Matrix, heads: Int)] = []
        for layer in cross {
            queries.append((arena.matrix(rows: layer.side * layer.side, columns: layer.channels), layer.heads))
        }
        let pixels = captured.side * captured.side
        let affinity = arena.matrix(rows: pixels, columns: pixels)
        affinity.clear()
        (self.queries, self.affinity) = (queries, affinity)
        var remaining = queries[...]
        captures = layers.enumerated().map { index, layer in
            switch layer.kind {
            case .crossAttention: .queries(into: remaining.removeFirst().matrix)
            case .selfAttention where captured.indices.contains(index):
                .probabilities(addingTo: affinity, share: 1 / Float(captured.indices.count))
            case .selfAttention: .nothing
            }
        }
    }

    /// The captures, quantized; to be called after the pass.
    func features() -> AttentionFeatures {
        AttentionFeatures(
            queries: queries.map { FixedPoint(queries: $0.matrix, heads: $0.heads) }, affinity: Affinity(affinity))
    }
}

extension Model {
    /// Runs a U-Net pass over a noised latent and returns what it captured.
    ///
    /// - Parameters:
    ///   - noised: `[H·W, 4]`
    ///   - context: `[L, width]`
    ///   - captured: the self-attention layers that make the affinity
    /// - Throws: `Interruption` between layers
    package func features(
        of noised: FeatureMap, timestep: Int, context: Matrix, capturing captured: CapturedLayers,
        cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> AttentionFeatures {
        try arena.scope { (arena) throws(Interruption) in
            let room = AttentionCaptures(of: unet, captured, &arena)
            try unet(
                noised, timestep: timestep, context: context, captures: room.captures, cancellation: cancellation,
                &arena)
            return room.features()
        }
    }
}

/// The attention features that a U-Net pass captured. Any word can be scored against them without another pass.
package final class AttentionFeatures {
    /// The queries of each cross-attention layer, `[N, C]`, in the order of a pass.
    package let queries: [FixedPoint]
    /// The mean over heads and captured layers of self-attention, `[r·r, r·r]`: r is the side of the layers' maps.
    package let affinity: Affinity
    let bytes: Int

    fileprivate init(queries: [FixedPoint], affinity: Affinity) {
        self.queries = queries
        self.affinity = affinity
        bytes = queries.reduce(affinity.bytes) { $0 + $1.bytes }
    }
}

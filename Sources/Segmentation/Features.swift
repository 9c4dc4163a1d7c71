package import Kernels
package import Networks

/// What determines a pass: whatever has the same key has the same features, bit for bit.
struct FeatureKey: Hashable {
    let model: String
    let picture: String
    let seed: UInt32
    let timestep: Int
    let prompt: String
    let precision: String
}

/// What a pass leaves behind: from it, any word can be scored without another pass.
package final class AttentionFeatures {
    /// The queries of each cross-attention layer, `[N, C]`, in the order of a pass.
    package let queries: [Matrix]
    /// Which pixels belong together: the mean over heads and layers of self-attention at the latent's size,
    /// `[H·W, H·W]`, rows add up to 1.
    package let affinity: Matrix
    /// One for each attention layer of the U-Net.
    package let captures: [AttentionCapture]
    var bytes: Int { store.bytes }
    private let store: MatrixStore

    /// Room for the features of one pass.
    package init(of unet: UNet) {
        let layers = unet.attentionLayers
        let side = unet.configuration.sampleSize
        let cross = layers.filter { $0.kind == .cross }
        let finest = layers.filter { $0.kind == .own && $0.side == side }
        store = MatrixStore(
            cross.map { ($0.side * $0.side, $0.channels) } + [(side * side, side * side)])
        queries = Array(store.matrices.dropLast())
        affinity = store.matrices[cross.count]
        var remaining = queries[...]
        captures = layers.map { [affinity] layer in
            switch layer.kind {
            case .cross: .queries(into: remaining.removeFirst())
            case .own where layer.side == side:
                .probabilities(addingTo: affinity, share: 1 / Float(finest.count))
            case .own: .nothing
            }
        }
    }
}

/// A prompt as the networks read it.
package final class EncodedText {
    /// `[L, width]`
    package let context: Matrix
    /// The keys of each cross-attention layer, `[L, C]`, in the order of a pass.
    package let keys: [Matrix]
    var bytes: Int { store.bytes }
    private let store: MatrixStore

    /// Reads a prompt.
    ///
    /// - Throws: `Interruption` between layers
    package convenience init(
        _ prompt: String, _ model: Model, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        self.init(roomIn: model)
        let encoded = model.tokenizer.encode(prompt, length: context.rows)
        try model.textEncoder(encoded.tokens, into: context, cancellation: cancellation, &arena)
        makeKeys(model)
    }

    /// Takes over what the text encoder said, `[L, width]`, row by row.
    package convenience init(context: [Float], _ model: Model) {
        self.init(roomIn: model)
        self.context.fill(context)
        makeKeys(model)
    }

    private init(roomIn model: Model) {
        let positions = model.textEncoder.configuration.positions
        let cross = model.unet.attentionLayers.filter { $0.kind == .cross }
        store = MatrixStore(
            [(positions, model.textEncoder.configuration.width)] + cross.map { (positions, $0.channels) })
        context = store.matrices[0]
        keys = Array(store.matrices.dropFirst())
    }

    private func makeKeys(_ model: Model) {
        for (toKey, keys) in zip(model.crossKeys, keys) { toKey(context, into: keys) }
    }
}

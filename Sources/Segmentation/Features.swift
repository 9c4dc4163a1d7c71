import Kernels
import Networks

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
final class AttentionFeatures {
    /// The queries of each cross-attention layer, `[N, C]`, in the order of a pass.
    let queries: [Matrix]
    /// Which pixels belong together: the mean over heads and layers of self-attention at the latent's size,
    /// `[H·W, H·W]`, rows add up to 1.
    let affinity: Matrix
    /// One for each attention layer of the U-Net.
    let captures: [AttentionCapture]
    var bytes: Int { store.bytes }
    private let store: MatrixStore

    /// Room for the features of one pass.
    init(of unet: UNet) {
        let layers = unet.attentionLayers
        let pixels = unet.configuration.sampleSize * unet.configuration.sampleSize
        let cross = layers.filter { $0.kind == .cross }
        let finest = layers.filter { $0.kind == .own && $0.side * $0.side == pixels }
        store = MatrixStore(cross.map { ($0.side * $0.side, $0.channels) } + [(pixels, pixels)])
        queries = Array(store.matrices.dropLast())
        affinity = store.matrices[cross.count]
        var remaining = queries[...]
        captures = layers.map { [affinity] layer in
            switch layer.kind {
            case .cross: .queries(into: remaining.removeFirst())
            case .own where finest.contains(layer):
                .probabilities(addingTo: affinity, share: 1 / Float(finest.count))
            case .own: .nothing
            }
        }
    }
}

/// A prompt as the networks read it.
final class EncodedText {
    /// `[L, width]`
    let context: Matrix
    /// The keys of each cross-attention layer, `[L, C]`, in the order of a pass.
    let keys: [Matrix]
    var bytes: Int { store.bytes }
    private let store: MatrixStore

    /// Room for the keys of one prompt.
    init(of model: Model) {
        let positions = model.textEncoder.configuration.positions
        let cross = model.unet.attentionLayers.filter { $0.kind == .cross }
        store = MatrixStore(
            [(positions, model.textEncoder.configuration.width)] + cross.map { (positions, $0.channels) })
        context = store.matrices[0]
        keys = Array(store.matrices.dropFirst())
    }
}

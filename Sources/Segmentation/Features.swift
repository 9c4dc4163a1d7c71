package import Images
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
    let captured: CapturedLayers
    let precision: Precision
    let layout: Layout
    let resampling: Resampling
}

/// One of the passes that together have the features of a key.
struct PassKey: Hashable {
    let features: FeatureKey
    /// Index of the tile that the pass reads.
    let tile: Int
}

extension FeatureKey {
    var passes: [PassKey] { layout.tiles.indices.map { PassKey(features: self, tile: $0) } }
}

/// The matrices that a pass captures into, in f32; valid in the arena scope that they were made in.
private struct AttentionCaptures {
    /// One for each attention layer of the U-Net, in the order of a pass.
    let captures: [AttentionCapture]
    /// By index among the cross-attention layers.
    private var queries: [Int: (matrix: Matrix, heads: Int)] = [:]
    private let affinity: Matrix
    private let captured: CapturedLayers
    /// Of the affinity's pixels.
    private let grid: Grid

    /// - Parameter latent: of the pass
    init(of unet: UNet, _ latent: Grid, _ captured: CapturedLayers, _ arena: inout Arena) {
        self.captured = captured
        grid = latent.level(captured.level)
        affinity = arena.matrix(rows: grid.pixels, columns: grid.pixels)
        affinity.clear()
        var captures: [AttentionCapture] = []
        var cross = 0
        for (index, layer) in unet.attentionLayers.enumerated() {
            if captured.probabilities.contains(index) {
                let share = 1 / Float(captured.probabilities.count)
                captures.append(.mean(addingTo: affinity, share: share, heads: layer.heads))
            } else if captured.queries.contains(index) {
                let matrix = arena.matrix(rows: latent.level(layer.level).pixels, columns: layer.channels)
                queries[cross] = (matrix, layer.heads)
                captures.append(.queries(into: matrix))
            } else {
                captures.append(.nothing)
            }
            cross += layer.kind == .crossAttention ? 1 : 0
        }
        self.captures = captures
    }

    /// The captures, quantized; to be called after the pass.
    ///
    /// - Parameter colours: of the affinity's pixels, `[N, 3]` in 0...1, where they weigh it
    func features(_ colours: [Float]?, _ arena: inout Arena) -> AttentionFeatures {
        if let kernel = captured.colour {
            guard let colours else { preconditionFailure("no colours of the picture to weigh an affinity by") }
            kernel.weigh(affinity, colours: colours, width: grid.width, height: grid.height, &arena)
        }
        return AttentionFeatures(
            queries: queries.mapValues { FixedPoint(queries: $0.matrix, heads: $0.heads) },
            affinity: Affinity(affinity, roots: captured.colour != nil))
    }
}

extension Model {
    /// Runs a U-Net pass over a noised latent and returns what it captured.
    ///
    /// - Parameters:
    ///   - noised: `[H·W, 4]`
    ///   - context: `[L, width]`
    ///   - colours: of the picture at the affinity's grid, `[N, 3]` in 0...1, where they weigh it
    /// - Throws: `Interruption` between layers
    package func features(
        of noised: FeatureMap, timestep: Int, context: Matrix, capturing captured: CapturedLayers, colours: [Float]?,
        cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> AttentionFeatures {
        try arena.scope { (arena) throws(Interruption) in
            let room = AttentionCaptures(
                of: unet, Grid(height: noised.height, width: noised.width), captured, &arena)
            try unet(
                noised, timestep: timestep, context: context, captures: room.captures, cancellation: cancellation,
                &arena)
            return room.features(colours, &arena)
        }
    }
}

/// The attention features that a U-Net pass captured. Any word can be scored against them without another pass.
package final class AttentionFeatures {
    /// The queries of the captured cross-attention layers, `[N, C]`, by their index among all of them in the order of a
    /// pass.
    package let queries: [Int: FixedPoint]
    /// The mean over heads and captured layers of self-attention, `[N, N]`, where the recipe says so weighed by colour:
    /// N is the number of pixels of the layers' maps.
    package let affinity: Affinity
    let bytes: Int

    fileprivate init(queries: [Int: FixedPoint], affinity: Affinity) {
        self.queries = queries
        self.affinity = affinity
        bytes = queries.values.reduce(affinity.bytes) { $0 + $1.bytes }
    }
}

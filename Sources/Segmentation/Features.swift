import Images
package import Kernels
package import Networks
import Texts

/// Everything that the features of a pass depend on: equal keys, equal features, bit for bit.
struct FeatureKey: Hashable {
    let model: NetworkKey
    /// SHA-256 of its file.
    let picture: ExactString
    let seed: UInt32
    let timestep: Int
    let prompt: ReadPrompt
    let captured: CapturedLayers
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
    private(set) var captures: [AttentionCapture] = []
    /// By index among the cross-attention layers.
    private var queries: [Int: (matrix: Matrix, heads: Int)] = [:]
    private var selfAttention: SelfAttention
    private let captured: CapturedLayers
    /// Of the affinity's pixels.
    private let grid: Grid

    private enum SelfAttention {
        /// Averaged over heads and layers, `[N, N]`.
        case mean(Matrix)
        /// Of each layer, in the order of a pass.
        case operands([QueriesAndKeys])
    }

    /// - Parameter latent: of the pass
    init(of model: Model, _ latent: Grid, _ captured: CapturedLayers, _ arena: inout Arena) {
        self.captured = captured
        grid = latent.level(captured.level)
        switch captured.affinity {
        case .heads: selfAttention = .operands([])
        case .mean, .weighed, .sharpened:
            let mean = arena.matrix(rows: grid.pixels, columns: grid.pixels)
            mean.clear()
            selfAttention = .mean(mean)
        }
        var cross = 0
        for (index, layer) in model.unet.attentionLayers.enumerated() {
            if captured.selfAttention.contains(index) {
                captures.append(capture(layer, model.precision, &arena))
            } else if captured.queries.contains(index) {
                let matrix = arena.matrix(rows: latent.level(layer.level).pixels, columns: layer.channels)
                queries[cross] = (matrix, layer.heads)
                captures.append(.queries(into: matrix))
            } else {
                captures.append(.nothing)
            }
            cross += layer.kind == .crossAttention ? 1 : 0
        }
    }

    /// The capture of a self-attention layer.
    private mutating func capture(
        _ layer: AttentionLayer, _ precision: Precision, _ arena: inout Arena
    ) -> AttentionCapture {
        switch selfAttention {
        case .mean(let mean): return .probabilities(addingTo: mean, shares: captured.shares(layer))
        case .operands(let layers):
            let queries = arena.matrix(rows: grid.pixels, columns: layer.channels)
            let keys = arena.matrix(rows: grid.pixels, columns: layer.channels)
            let operands = QueriesAndKeys(queries: queries, keys: keys, heads: layer.heads, precision: precision)
            selfAttention = .operands(layers + [operands])
            return .operands(queries: queries, keys: keys)
        }
    }

    /// The captures, quantized; to be called after the pass.
    ///
    /// - Parameter colours: of the affinity's pixels, `[N, 3]` in 0...1, where they weigh it
    func features(_ colours: [Float]?, _ arena: inout Arena) -> AttentionFeatures {
        AttentionFeatures(
            queries: queries.mapValues { FixedPoint(queries: $0.matrix, heads: $0.heads) },
            affinity: affinity(colours, &arena))
    }

    private func affinity(_ colours: [Float]?, _ arena: inout Arena) -> CapturedAffinity {
        switch (captured.affinity, selfAttention) {
        case (.mean, .mean(let mean)): return .matrix(Affinity(mean, roots: false, unitRows: false))
        case (.weighed(let kernel), .mean(let mean)):
            guard let colours else { preconditionFailure("no colours of the picture to weigh an affinity by") }
            kernel.weigh(mean, colours: colours, width: grid.width, height: grid.height, &arena)
            return .matrix(Affinity(mean, roots: true, unitRows: false))
        case (.sharpened(let kernel), .mean(let mean)):
            kernel.sharpen(mean, &arena)
            return .matrix(Affinity(mean, roots: true, unitRows: true))
        case (.heads(let rule), .operands(let layers)):
            // The last layer of the pass stands first in the product: it is the last to complete a map.
            return .heads(HeadProduct(layers.reversed(), &arena), rule)
        default: preconditionFailure("captures of another affinity")
        }
    }
}

/// What completes the maps of a pass.
package enum CapturedAffinity {
    case matrix(Affinity)
    case heads(HeadProduct, HeadRule)

    var bytes: Int {
        switch self {
        case .matrix(let affinity): affinity.bytes
        case .heads(let heads, _): heads.bytes
        }
    }

    /// One round of completion of maps, `[N]` each, at least one; the bits of one do not depend on the others.
    ///
    /// - Throws: `Interruption`, of single heads also between two
    func completing(
        _ maps: [[Float]], cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> [[Float]] {
        try cancellation.check()
        switch self {
        case .matrix(let affinity): return affinity.completing(maps, &arena)
        case .heads(let heads, let rule):
            let completed = heads.completing(
                maps, threshold: rule.threshold, combination: rule.combination,
                while: { cancellation.interruption == nil }, &arena)
            guard let completed else {
                try cancellation.check()
                preconditionFailure("completion ends early only where an answer does")
            }
            return completed
        }
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
                of: self, Grid(height: noised.height, width: noised.width), captured, &arena)
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
    /// Of the captured layers' self-attention.
    package let affinity: CapturedAffinity
    let bytes: Int

    func queries(_ layer: Int) -> FixedPoint {
        guard let found = queries[layer] else { preconditionFailure("layer \(layer) is captured") }
        return found
    }

    fileprivate init(queries: [Int: FixedPoint], affinity: CapturedAffinity) {
        self.queries = queries
        self.affinity = affinity
        bytes = queries.values.reduce(affinity.bytes) { $0 + $1.bytes }
    }
}

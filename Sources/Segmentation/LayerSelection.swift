import Networks

/// Attention layers of one level of a U-Net: of each part some, in the order of a pass.
package struct LayerSelection: Sendable, Hashable {
    /// Of the layers of one part.
    package enum Layers: Sendable, Hashable {
        case all
        case none
        case first(Int)
        case last(Int)
        case allButLast
        /// The one of this index, if there is one.
        case only(Int)

        fileprivate func of(_ indices: [Int]) -> ArraySlice<Int> {
            switch self {
            case .all: indices[...]
            case .none: []
            case .first(let count): indices.prefix(count)
            case .last(let count): indices.suffix(count)
            case .allButLast: indices.dropLast()
            case .only(let index): indices.dropFirst(index).prefix(1)
            }
        }
    }

    package let down: Layers
    package let middle: Layers
    package let up: Layers

    package static let all = LayerSelection(down: .all, middle: .all, up: .all)

    package init(down: Layers, middle: Layers, up: Layers) {
        self.down = down
        self.middle = middle
        self.up = up
    }

    private func layers(of part: AttentionLayer.Part) -> Layers {
        switch part {
        case .down: down
        case .middle: middle
        case .up: up
        }
    }

    /// Indices among attention layers of those of a kind and level that are selected, ascending.
    func indices(among layers: [AttentionLayer], _ kind: AttentionLayer.Kind, level: Int) -> [Int] {
        let candidates = layers.indices.filter { layers[$0].kind == kind && layers[$0].level == level }
        return AttentionLayer.Part.allCases.flatMap { part in
            self.layers(of: part).of(candidates.filter { layers[$0].part == part })
        }
    }
}

/// The self-attention that makes the affinity: of one level of the U-Net, in each part some layers, and of these all
/// heads or some.
package struct SelfAttentionCaptures: Sendable, Hashable {
    /// How often the latent's sides are halved: at level 0 the affinity is `[H·W, H·W]`, at level 1 a sixteenth of it.
    package let level: Int
    package let layers: LayerSelection
    /// Their indices; `nil`: all. Layers without a head of the last index take part with all of theirs.
    package let heads: [Int]?

    package init(level: Int, layers: LayerSelection, heads: [Int]?) {
        self.level = level
        self.layers = layers
        self.heads = heads
    }

    /// Indices among a U-Net's attention layers, ascending.
    func indices(in unet: UNet) -> [Int] {
        layers.indices(among: unet.attentionLayers, .selfAttention, level: level)
    }
}

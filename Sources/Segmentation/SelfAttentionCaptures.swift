import Networks

/// The self-attention layers whose probabilities, averaged over heads and layers, make the affinity: of one level of
/// the U-Net, in each part all layers or the first few.
package struct SelfAttentionCaptures: Sendable, Hashable {
    /// Layers of the level in one part of the U-Net, in the order of a pass.
    package enum Layers: Sendable, Hashable {
        case all
        case first(Int)

        package static let none = Layers.first(0)
    }

    /// How often the latent's side was halved: at level 0 the affinity is `[H·W, H·W]`, at level 1 a sixteenth of it.
    package let level: Int
    package let down: Layers
    package let middle: Layers
    package let up: Layers

    package init(level: Int, down: Layers, middle: Layers, up: Layers) {
        self.level = level
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

    /// Indices among a U-Net's attention layers, ascending.
    func indices(in unet: UNet) -> [Int] {
        let candidates = unet.attentionLayers.enumerated().filter {
            $0.element.kind == .selfAttention && $0.element.level == level
        }
        return AttentionLayer.Part.allCases.flatMap { part in
            let indices = candidates.filter { $0.element.part == part }.map(\.offset)
            return switch layers(of: part) {
            case .all: indices
            case .first(let count): Array(indices.prefix(count))
            }
        }
    }
}

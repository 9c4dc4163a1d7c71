package import Kernels
import Networks

/// An upper bound of the memory that one step of an answer takes, from the sizes in a model's configuration.
///
/// In f64: products of the sizes that a configuration may name overflow integers. Models over the limit are refused
/// before anything is allocated.
struct MemoryEstimate {
    /// Bytes of one step; thirty times Stable Diffusion 1.5's largest estimate, that of its autoencoder.
    static let limit = 16 << 30

    let what: String
    let bytes: Double

    /// The estimates of all steps for a latent.
    static func all(_ model: Model, _ grid: Grid) -> [MemoryEstimate] {
        [features(model.unet, grid), prompts(model), pass(model, grid), encoding(model, grid)]
    }

    private init(_ what: String, floats: Double) {
        self.what = what
        bytes = floats * 4
    }

    /// Queries of all cross-attention layers, and the affinity of all pairs of pixels.
    private static func features(_ unet: UNet, _ grid: Grid) -> MemoryEstimate {
        let queries = unet.attentionLayers.filter { $0.kind == .crossAttention }
            .reduce(0) { $0 + pixels(grid, $1.level) * Double($1.channels) }
        return MemoryEstimate("the features of a pass", floats: queries + pixels(grid) * pixels(grid))
    }

    /// The text encoder's states of prompts that are read together, and their keys for all cross-attention layers.
    static func prompts(_ model: Model) -> MemoryEstimate {
        let text = model.textEncoder.configuration
        let keys = model.unet.attentionLayers.reduce(0) { $0 + Double($1.channels) }
        let positions = Double(Segmenter.groupPrompts) * Double(text.positions)
        return MemoryEstimate(
            "a reading of \(Segmenter.groupPrompts) prompts",
            floats: positions * (keys + 8 * Double(text.width) + Double(text.intermediate)))
    }

    /// The inputs of all layers on the way up, and what a layer takes: its feed-forward network's hidden map has four
    /// times its channels, in f32 with the gates twelve times, and some maps lie beside that.
    static func pass(_ model: Model, _ grid: Grid) -> MemoryEstimate {
        let configuration = model.unet.configuration
        let channels = configuration.blockChannels.map(Double.init)
        let layers = Double(configuration.layersPerBlock)
        let maps: Double = model.precision == .f32 ? 17 : 12
        var (joints, layer) = (0.0, 0.0)
        for level in channels.indices {
            let (finer, coarser) = (channels[max(level - 1, 0)], channels[min(level + 1, channels.count - 1)])
            joints += pixels(grid, level) * (2 * layers * channels[level] + finer + coarser)
            layer = max(layer, pixels(grid, level) * channels[level] * maps)
        }
        return MemoryEstimate("a pass of the U-Net", floats: joints + layer)
    }

    /// Two maps of each level, and three more of the largest: a residual block's hidden one and its convolutions'
    /// input.
    static func encoding(_ model: Model, _ grid: Grid) -> MemoryEstimate {
        let configuration = model.autoencoder.configuration
        let picture = grid.times(configuration.factor)
        let channels = configuration.blockChannels.map(Double.init)
        var (kept, layer) = (pixels(picture) * Double(configuration.inChannels), 0.0)
        for level in channels.indices {
            let map = pixels(picture, level) * channels[level]
            kept += level == 0 ? map : map + pixels(picture, level) * channels[level - 1]
            // Queries, keys, values and their like follow at the last level.
            layer = max(layer, map * (level == channels.count - 1 ? 10 : 2))
        }
        return MemoryEstimate("a pass of the autoencoder", floats: kept + layer)
    }

    /// Of all threads: a tile of attention's scores each, sixteen queries or more against all keys, and a convolution's
    /// part.
    static func threads(_ grid: Grid) -> MemoryEstimate {
        MemoryEstimate("the threads", floats: Double(Threads.count) * max(pixels(grid) * 32, Double(1 << 20)))
    }

    static func pixels(_ grid: Grid, _ level: Int = 0) -> Double {
        Double(grid.height >> level) * Double(grid.width >> level)
    }
}

extension Model {
    /// Bytes of address space for scratch memory at the size that the U-Net was trained on.
    package var scratchBytes: Int {
        AnswerMemory(self, Layout(latentSizes.trained), maps: SegmentationRequest.labelLimit).addressSpace
    }

    /// Scratch memory for its steps.
    package func scratch() throws(AddressSpaceError) -> Arena {
        try Arena(reserving: scratchBytes)
    }
}

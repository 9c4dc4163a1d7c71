package import Kernels
import Networks

/// An upper bound of the memory that one step of an answer takes, from the sizes in a model's configuration.
///
/// In f64: products of the sizes that a configuration may name overflow integers. Models over the limit are refused
/// before anything is allocated.
struct MemoryEstimate {
    /// Bytes of one step; almost nine times Stable Diffusion 1.5's largest estimate, that of its autoencoder.
    static let limit = 16 << 30

    let what: String
    let bytes: Double

    /// The estimates of all steps for a latent.
    static func all(_ model: Model, _ grid: Grid) -> [MemoryEstimate] {
        [
            features(model.unet, grid), prompts(model), pass(model.unet.configuration, grid),
            encoding(model.autoencoder.configuration, grid),
        ]
    }

    private init(_ what: String, floats: Double) {
        self.what = what
        bytes = floats * 4
    }

    /// Queries of all cross-attention layers, and the affinity of all pairs of pixels.
    private static func features(_ unet: UNet, _ grid: Grid) -> MemoryEstimate {
        let queries = unet.attentionLayers.reduce(0) { $0 + count(grid, halved: $1.level) * Double($1.channels) }
        let pixels = count(grid, halved: 0)
        return MemoryEstimate("the features of a pass", floats: queries + pixels * pixels)
    }

    /// The text encoder's states of prompts that are read together, and their keys for all cross-attention layers.
    private static func prompts(_ model: Model) -> MemoryEstimate {
        let text = model.textEncoder.configuration
        let keys = model.unet.attentionLayers.reduce(0) { $0 + Double($1.channels) }
        let positions = Double(Segmenter.groupPhrases) * Double(text.positions)
        return MemoryEstimate(
            "a reading of \(Segmenter.groupPhrases) prompts",
            floats: positions * (keys + 8 * Double(text.width) + Double(text.intermediate)))
    }

    /// The inputs of the layers on the way up, twice as wide as a level since skips are joined to them, and one layer's
    /// scratch.
    private static func pass(_ configuration: UNetConfiguration, _ grid: Grid) -> MemoryEstimate {
        let widest = Double(configuration.blockChannels.max() ?? 0)
        let maps = Double(configuration.layersPerBlock + 1) * 2 + 16
        let pixels = configuration.blockChannels.indices.reduce(0) { $0 + count(grid, halved: $1) }
        return MemoryEstimate("a pass of the U-Net", floats: pixels * widest * maps)
    }

    /// Eight maps of each level: more than its residual blocks and their convolutions' scratch take at once.
    private static func encoding(_ configuration: AutoencoderConfiguration, _ grid: Grid) -> MemoryEstimate {
        let floats = configuration.blockChannels.enumerated().reduce(0) { sum, level in
            sum + count(grid.times(configuration.factor), halved: level.offset) * Double(level.element) * 8
        }
        return MemoryEstimate("a pass of the autoencoder", floats: floats)
    }

    private static func count(_ grid: Grid, halved times: Int) -> Double {
        Double(grid.height >> times) * Double(grid.width >> times)
    }
}

extension Model {
    /// Bytes of address space for scratch memory: twice the sum of all steps' estimates, and some for each thread. A
    /// pass of Stable Diffusion uses a tenth.
    package var scratchBytes: Int {
        let bytes = MemoryEstimate.all(self, latentSizes.trained).reduce(0) { $0 + $1.bytes }
        return Int(2 * bytes) + (64 << 20) + Threads.count * (4 << 20)
    }

    /// Scratch memory for its steps.
    package func scratch() throws(AddressSpaceError) -> Arena {
        try Arena(reserving: scratchBytes)
    }
}

import Limits
package import Kernels
package import Networks

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
    static func all(_ model: some DiffusionNetworks, _ grid: Grid) -> [MemoryEstimate] {
        [features(model.unet, grid), prompts(model), pass(model, grid), encoding(model, grid)]
    }

    /// For scratch memory: twice what is thought to be enough, since a step that wants more ends the process. A page
    /// that is not written takes no memory.
    static func addressSpace(_ bytes: Double) -> Int { Int(min(2 * bytes, 0x1p60)) + smallestSpace }

    /// What is thought to be enough, of what ``addressSpace(_:)`` says.
    static func bytes(of addressSpace: Int) -> Int { (addressSpace - smallestSpace) / 2 }

    private static let smallestSpace = 64 << 20

    /// - Parameter directory: of the model that the estimate is of
    func check(_ directory: String) throws(ModelError) {
        guard bytes <= Double(Self.limit) else {
            throw .tooLarge(
                directory: directory, what: what, gibibytes: bytes / Double(1 << 30), limit: Self.limit >> 30)
        }
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
    static func prompts(_ model: some DiffusionNetworks) -> MemoryEstimate {
        let text = model.textEncoder.configuration
        let keys = model.unet.attentionLayers.reduce(0) { $0 + Double($1.channels) }
        let positions = Double(Segmenter.groupPrompts) * Double(text.positions)
        return MemoryEstimate(
            "a reading of \(Segmenter.groupPrompts) prompts",
            floats: positions * (keys + 8 * Double(text.width) + Double(text.sizes.intermediate)))
    }

    /// The inputs of all layers on the way up, and what a layer takes: its feed-forward network's hidden map has four
    /// times its channels, in f32 with the gates twelve times, and some maps lie beside that.
    static func pass(_ model: some DiffusionNetworks, _ grid: Grid) -> MemoryEstimate {
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
    static func encoding(_ model: some DiffusionNetworks, _ grid: Grid) -> MemoryEstimate {
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

    /// A picture's states, and what the decoder keeps and takes for a caption of it.
    static func captioning(
        _ configuration: BLIPConfiguration, _ generation: GenerationConfiguration
    ) -> MemoryEstimate {
        let (text, rows) = (configuration.text, 1 + pixels(configuration.vision.trained))
        let tokens = Double(generation.limit)
        let kept = 2 * Double(text.sizes.layers) * Double(text.width) * (rows + tokens)
        let read = tokens * (8 * Double(text.width) + Double(text.sizes.intermediate))
        return MemoryEstimate(
            "a caption",
            floats: vision(configuration.vision, trained(configuration.vision)) + kept + read
                + Double(text.vocabularyCount))
    }

    /// A picture's states and its patches' values, or the states of a group of texts: of one, where texts are read one
    /// by one.
    static func filtering(_ configuration: CLIPConfiguration, _ precision: Precision) -> MemoryEstimate {
        let text = configuration.text
        let tokens = Double(
            precision.rowsAreIndependent ? max(LabelFilter.groupTokens, text.positions) : text.positions)
        let texts =
            tokens * (10 * Double(text.width) + Double(text.sizes.intermediate) + Double(configuration.projection))
        let side = configuration.vision.side
        let whole = Grid(height: side, width: side * PictureConfiguration.Fit.longest)
        let values = Double(configuration.vision.width) * pixels(configuration.vision.patches(of: whole))
        return MemoryEstimate("an embedding", floats: max(vision(configuration.vision, whole) + values, texts))
    }

    /// The scores of all labels and background words in all patches, twice: by label and by patch.
    static func judging(_ configuration: CLIPConfiguration) -> MemoryEstimate {
        let texts = Double(Limit.labels + PatchConfiguration.wordLimit)
        let patches = pixels(configuration.vision.trained) * Double(PictureConfiguration.Fit.longest)
        return MemoryEstimate("a judgement of \(Limit.labels) labels", floats: 2 * texts * patches)
    }

    /// A picture, its layers' inputs and embeddings, the attention of all heads, links, and the scores of classes and
    /// background.
    ///
    /// - Parameter picture: as the CLIP reads it, in pixels
    static func seeding(
        _ configuration: CLIPConfiguration, _ rule: DenseRule, _ picture: Grid, classes: Int
    ) -> MemoryEstimate {
        let (vision, classes) = (configuration.vision, Double(classes))
        let (patches, layers) = (pixels(vision.patches(of: picture)), Double(vision.sizes.layers))
        let inputs = layers * (1 + patches) * Double(vision.width + configuration.projection)
        let links = (Double(vision.sizes.heads) + 3) * (1 + patches) * (1 + patches)
        let scores = patches * ((layers + 2) * classes + Double(rule.background.count) + 1)
        return MemoryEstimate(
            "the seeds of \(Int(classes)) labels", floats: self.vision(vision, picture) + inputs + links + scores)
    }

    /// The picture, the states of a layer, its normalised input, queries, keys, values and output, packed keys and
    /// values, and the hidden states of its feed-forward block; of each thread a tile of attention's scores or,
    /// before, a part of the patches' im2col.
    ///
    /// - Parameter picture: in pixels
    private static func vision(_ configuration: VisionConfiguration, _ picture: Grid) -> Double {
        let (rows, width) = (1 + pixels(configuration.patches(of: picture)), Double(configuration.width))
        let patch = Double(configuration.patch)
        let layer = rows * (12 * width + Double(configuration.sizes.intermediate))
        let thread = max(256 * (rows + 32), (min(rows, 256) + min(width, 512) + 3) * patch * patch)
        return 6 * pixels(picture) + layer + Double(Threads.count) * thread
    }

    /// The square that a network was trained on, in pixels.
    private static func trained(_ configuration: VisionConfiguration) -> Grid {
        Grid(height: configuration.side, width: configuration.side)
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

extension Captioner {
    /// Bytes of address space for scratch memory.
    package static func scratchBytes(
        _ configuration: BLIPConfiguration, _ generation: GenerationConfiguration
    ) -> Int {
        MemoryEstimate.addressSpace(MemoryEstimate.captioning(configuration, generation).bytes)
    }

    package var scratchBytes: Int { Self.scratchBytes(blip.network.configuration, generation) }
}

extension LabelFilter {
    /// Bytes of address space for scratch memory.
    package static func scratchBytes(_ configuration: CLIPConfiguration, _ precision: Precision) -> Int {
        MemoryEstimate.addressSpace(
            max(MemoryEstimate.filtering(configuration, precision).bytes, MemoryEstimate.judging(configuration).bytes))
    }

    package var scratchBytes: Int { Self.scratchBytes(clip.network.configuration, clip.precision) }

    /// Bytes that seeds of labels in a picture take at most, or the embeddings of their texts.
    func seedingBytes(_ rule: DenseRule, _ picture: PictureConfiguration.Size, classes: Int) -> Double {
        let read = reading(by: rule).size(of: picture)
        return max(
            MemoryEstimate.filtering(clip.network.configuration, clip.precision).bytes,
            MemoryEstimate.seeding(
                clip.network.configuration, rule, Grid(height: read.height, width: read.width), classes: classes
            ).bytes)
    }
}

extension Model {
    /// Scratch memory for its steps.
    package func scratch() throws(AddressSpaceError) -> Arena {
        try Arena(reserving: scratchBytes)
    }
}

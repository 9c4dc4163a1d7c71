import Kernels
import Networks

/// Bounds of the memory that an answer takes whose picture is read in a layout, in bytes.
struct AnswerMemory: Sendable {
    let layout: Layout
    /// The picture as the autoencoder reads it.
    let picture: Grid
    /// Kept of all passes: 16 bits a number.
    let queries: Double
    let affinity: Double
    /// In use at once while a part of the answer is computed, beside that of threads.
    let scratch: Double
    let ofThreads: Double
    /// All at once, beside the model and what is cached of other pictures.
    let most: Double

    /// - Parameters:
    ///   - captured: `nil`: the queries of all cross-attention layers, and an affinity of the latent's pixels
    ///   - seeding: scratch memory for a CLIP's scores of labels
    ///   - maps: score maps that are held at once
    init(
        _ model: some DiffusionNetworks, _ layout: Layout, captured: CapturedLayers? = nil, seeding: Double = 0,
        maps: Int
    ) {
        let (unet, tile, tiles) = (model.unet, layout.tiles[0].grid, Double(layout.tiles.count))
        self.layout = layout
        picture = layout.grid.times(model.latentSizes.factor)
        let kept = unet.attentionLayers.enumerated().filter { index, layer in
            captured?.queries.contains(index) ?? (layer.kind == .crossAttention)
        }
        var (floats, fixed) = (0.0, 0.0)
        for (_, layer) in kept {
            let rows = MemoryEstimate.pixels(tile, layer.level) + 16  // padding
            floats += rows * Double(layer.channels)
            fixed += rows * Double(2 * layer.channels + 6 * layer.heads)  // a scale, and pairs of odd columns
        }
        let attending = MemoryEstimate.pixels(tile, captured?.level ?? 0)
        queries = tiles * fixed
        let (probabilities, bytes) = Self.selfAttention(model, captured, pixels: attending)
        affinity = tiles * bytes
        let pixels = MemoryEstimate.pixels(layout.grid)
        // Of completion, sixteen maps' interleaved, and each thread's scores.
        let scoring = 4 * (pixels * Double(max(maps, 4 * Segmenter.groupPrompts)) + 16 * attending)
        scratch = max(
            MemoryEstimate.pass(model, tile).bytes + 4 * (floats + probabilities),
            MemoryEstimate.encoding(model, tile).bytes, MemoryEstimate.prompts(model).bytes, seeding, scoring)
        ofThreads = MemoryEstimate.threads(tile).bytes
        let samples = MemoryEstimate.pixels(picture) * 3 * 4 * (layout.tiles.count > 1 ? 2 : 1)
        most = scratch + queries + affinity + samples + 2 * scoring
    }

    /// What self-attention takes while it is captured, in floats, and what is kept of it, in bytes: of an affinity of
    /// some pixels, or of the operands of single heads.
    private static func selfAttention(
        _ model: some DiffusionNetworks, _ captured: CapturedLayers?, pixels: Double
    ) -> (captured: Double, kept: Double) {
        guard let captured, case .heads = captured.affinity else {
            return (pixels * pixels, pixels * (2 * pixels + 4))
        }
        return captured.selfAttention.reduce((0, 0)) { sum, index in
            let layer = model.unet.attentionLayers[index]
            let (channels, heads) = (Double(layer.channels), Double(layer.heads))
            let kept =
                model.precision == .f32
                ? 8 * pixels * channels : 2 * (pixels + 16) * (2 * channels + 6 * heads)
            return (sum.0 + 2 * pixels * channels, sum.1 + kept + 12 * pixels * heads)
        }
    }

    /// Bytes of address space for scratch memory.
    var addressSpace: Int { MemoryEstimate.addressSpace(scratch + ofThreads) }

    /// Bytes beside scratch memory.
    var kept: Double { most - scratch }

    /// Whether more is read than about the area that the model was trained on: half more, or several tiles. A picture's
    /// proportions round that area to whole units.
    func isLarge(_ sizes: LatentSizes) -> Bool {
        layout.tiles.count > 1 || 2 * layout.grid.pixels >= 3 * sizes.trained.pixels
    }

    /// What is to be said before a large picture is read.
    func note(_ sizes: LatentSizes) -> String? {
        guard isLarge(sizes) else { return nil }
        let tiles = layout.tiles.count
        return "the picture is read at \(picture.width) x \(picture.height) pixels, "
            + "in \(tiles) \(tiles == 1 ? "tile" : "tiles"): \(Self.text(queries)) of queries and "
            + "\(Self.text(affinity)) of affinity are kept, \(Self.text(most)) are used while it is read"
    }

    /// Bytes in the unit that suits them, rounded up.
    private static func text(_ bytes: Double) -> String {
        guard bytes >= 0x1p30 else { return "\(Int((bytes / 0x1p20).rounded(.up))) MiB" }
        return "\((bytes / 0x1p30 * 10).rounded(.up) / 10) GiB"
    }
}

extension AnswerMemory {
    init(
        _ model: Model, _ filter: LabelFilter?, _ asked: AskedPicture, _ request: SegmentationRequest,
        _ labels: [Label], capturing captured: CapturedLayers
    ) {
        let recipe = request.recipe
        let phrases = labels.reduce(0) { $0 + $1.phrases.count }
        let together = recipe.softmax == .joint ? phrases : min(phrases, recipe.groupPhrases)
        let tokens = recipe.isJoined ? model.textEncoder.configuration.positions : 0
        self.init(
            model, asked.layout, captured: captured,
            seeding: recipe.dense.flatMap { rule in
                filter?.seedingBytes(rule, asked.picture.looked.size, classes: labels.count)
            } ?? 0,
            maps: max(recipe.share == nil ? 0 : labels.count, 4 * (together + tokens)))
    }
}

extension Segmenter {
    /// Refuses an answer that takes more memory than there is, and reserves scratch memory for it. Where about the area
    /// that the U-Net was trained on is read, nothing is refused.
    ///
    /// - Throws: `memory`
    func admit(_ memory: AnswerMemory) throws(SegmentationError) {
        func check(_ bytes: Double, _ left: Int?) throws(SegmentationError) {
            guard let left, bytes > Double(left) else { return }
            throw .memory(memory.picture, bytes: Int(min(bytes, 0x1p60)), left: left)
        }
        if memory.isLarge(model.latentSizes) {
            let most = memory.most + memory.ofThreads
            if let left = AvailableMemory.left, most > Double(left) { workspace.arena.release() }
            try check(most, AvailableMemory.left)
            let more = memory.addressSpace > workspace.arena.reservedBytes ? memory.addressSpace : 0
            try check(Double(more) + memory.kept, AddressSpace.left)
        }
        try reserve(memory)
    }

    /// Reserves scratch memory for a part of an answer, where there is less: another answer may have come between.
    func reserve(_ memory: AnswerMemory) throws(SegmentationError) {
        guard memory.addressSpace > workspace.arena.reservedBytes else { return }
        do throws(AddressSpaceError) {
            try workspace.arena.reserve(memory.addressSpace)
        } catch {
            throw .memory(memory.picture, bytes: memory.addressSpace, left: AddressSpace.left ?? 0)
        }
    }
}

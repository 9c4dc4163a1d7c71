package import Kernels

/// A vision transformer: a picture's patches and a class token, position embeddings, pre-norm layers, a norm.
///
/// CLIP and BLIP name its tensors differently, CLIP has a norm before the layers, and BLIP a bias at the patches.
package struct VisionTransformer {
    /// Weights of the patches' convolution, `[C, 3·patch·patch]`.
    let patches: WeightMatrix
    let patchBias: WeightVector?
    /// `[C]`
    let classToken: WeightVector
    /// Of the class token and of the patches of the trained square, `[1 + side², C]`.
    let positions: WeightTable
    let preNorm: LayerNorm?
    let layers: [PreNormLayer]
    let postNorm: LayerNorm
    package let configuration: VisionConfiguration

    /// - Parameters:
    ///   - weights: holds `embeddings`, `encoder` and `post_layernorm`
    ///   - classToken: the shape of `class_embedding`
    ///   - positions: what `embeddings` calls the position embeddings, and what is in front of their shape
    ///   - preNorm: the name of a norm before the layers
    ///   - attention: made from the scope of a layer's `self_attn`
    init(
        _ weights: WeightScope, _ configuration: VisionConfiguration, classToken: [Int],
        positions: (name: String, batch: [Int]), hasPatchBias: Bool, preNorm: String?,
        attention: (WeightScope) throws(CheckpointError) -> Attention
    ) throws(CheckpointError) {
        let (sizes, width) = (configuration.sizes, configuration.width)
        func norm(_ name: String) throws(CheckpointError) -> LayerNorm {
            try LayerNorm(weights[name], channels: width, epsilon: sizes.epsilon)
        }
        let embeddings = weights["embeddings"]
        let patch = embeddings["patch_embedding"]
        patches = try patch.matrix("weight", outputs: width, inputs: 3, window: .patches(configuration.patch))
        patchBias = hasPatchBias ? try patch.floats("bias", shape: [width]) : nil
        self.classToken = try embeddings.floats("class_embedding", shape: classToken)
        self.positions = try embeddings.table(
            positions.name, batch: positions.batch, rows: 1 + configuration.trained.pixels, columns: width)
        self.preNorm = if let preNorm { try norm(preNorm) } else { nil }
        var layers: [PreNormLayer] = []
        for index in 0..<sizes.layers {
            let scope = weights["encoder"]["layers"][index]
            layers.append(try PreNormLayer(scope, sizes, attention: attention(scope["self_attn"])))
        }
        self.layers = layers
        postNorm = try norm("post_layernorm")
        self.configuration = configuration
    }

    /// The last hidden states of a picture's class token and patches, before the norm behind the layers.
    ///
    /// - Parameters:
    ///   - picture: `[H·W, 3]`, normalised as the network was trained
    ///   - states: `[1 + patches, C]`, the class token first
    ///   - wanted: how many of the first states are needed; the others are left unfinished
    ///   - values: `[1 + patches, C]`, see ``PreNormLayer/values(_:into:_:)``; `nil`: not wanted
    /// - Throws: `Interruption` between layers
    package func callAsFunction(
        _ picture: FeatureMap, into states: Matrix, wanted: Int, values: Matrix?, cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) {
        embed(picture, into: states, positions: .bicubic, &arena)
        preNorm?(states, into: states)
        for layer in layers.dropLast() {
            try cancellation.check()
            layer(states, wanted: states.rows, &arena)
        }
        guard let last = layers.last else { return }
        try cancellation.check()
        if let values { last.values(states, into: values, &arena) }
        last(states, wanted: wanted, &arena)
    }

    /// `x ← [class token; patches] + positions`
    ///
    /// - Parameter interpolation: of positions, for a grid of another size than the trained one
    func embed(
        _ picture: FeatureMap, into x: Matrix, positions interpolation: FeatureMap.Interpolation,
        _ arena: inout Arena
    ) {
        let grid = configuration.patches(of: Grid(height: picture.height, width: picture.width))
        precondition(x.rows == 1 + grid.pixels && x.columns == configuration.width, "the states' shape")
        let rest = x.rows(1..<x.rows)
        unsafe FeatureMap(rest, height: grid.height, width: grid.width).convolve(
            picture, patches, bias: patchBias?.base, window: .patches(configuration.patch), adding: false, &arena)
        x.rows(0..<1).fill(classToken)
        x.rows(0..<1).add(positions.rows(0..<1))
        let (side, trained) = (configuration.trained, positions.rows(1..<positions.rows))
        if grid == side {
            rest.add(trained)
            return
        }
        arena.scope { arena in
            let own = arena.featureMap(height: side.height, width: side.width, channels: x.columns)
            let resampled = arena.featureMap(height: grid.height, width: grid.width, channels: x.columns)
            own.matrix.fill(trained)
            resampled.resample(own, interpolation)
            rest.blend(resampled.matrix, times: 1, keeping: 1)
        }
    }
}

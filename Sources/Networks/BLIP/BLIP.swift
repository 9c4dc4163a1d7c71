package import Kernels

/// BLIP (transformers' BlipForConditionalGeneration): a vision tower, and a decoder that writes what it sees.
package struct BLIP: PretrainedNetwork {
    package let vision: VisionTransformer
    package let decoder: TextDecoder
    package let configuration: BLIPConfiguration

    package static var kind: NetworkKind { .captioner }

    package static func isTail(_ name: String) -> Bool {
        Checkpoint.isPositions(name) || name == "text_decoder.cls.predictions.bias"
    }

    package init(_ weights: WeightScope, _ configuration: BLIPConfiguration) throws(CheckpointError) {
        let (vision, width) = (configuration.vision, configuration.vision.width)
        self.vision = try VisionTransformer(
            weights["vision_model"], vision, classToken: [1, 1, width],
            positions: ("position_embedding", batch: [1]), hasPatchBias: true, preNorm: nil
        ) { (scope) throws(CheckpointError) in
            try Attention(fused: scope["qkv"], output: scope["projection"], vision.sizes)
        }
        decoder = try TextDecoder(weights["text_decoder"], configuration.text, picture: width)
        self.configuration = configuration
    }

    /// What the decoder looks at.
    ///
    /// - Parameters:
    ///   - picture: `[H·W, 3]`, normalised
    ///   - states: `[1 + patches, C]`
    /// - Throws: `Interruption` between layers
    package func look(
        at picture: FeatureMap, into states: Matrix, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        try vision(picture, into: states, wanted: states.rows, values: nil, cancellation: cancellation, &arena)
        vision.postNorm(states, into: states)
    }

    /// Continues a caption greedily: the likeliest token at each step.
    ///
    /// - Parameters:
    ///   - beginning: the start's token, and words that the caption begins with
    ///   - states: of the picture, `[1 + patches, C]`
    ///   - limit: the most tokens in all, of which the decoder has positions for some
    ///   - end: the token behind which nothing follows; `nil`: the caption goes on to the limit
    /// - Returns: all tokens, those of the beginning and the end included
    /// - Throws: `Interruption` between layers
    package func caption(
        continuing beginning: [Token], of states: Matrix, limit: Int, end: Token?, cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) -> [Token] {
        precondition(!beginning.isEmpty, "a caption without its start")
        let text = configuration.text
        let limit = min(limit, text.positions)
        guard beginning.count < limit else { return beginning }
        return try arena.scope { (arena) throws(Interruption) in
            var reading = try decoder.reading(states, limit: limit, cancellation: cancellation, &arena)
            let logits = arena.matrix(rows: 1, columns: text.vocabularyCount)
            var tokens = beginning
            var unread = beginning
            repeat {
                try arena.scope { (arena) throws(Interruption) in
                    let read = arena.matrix(rows: unread.count, columns: text.width)
                    try decoder.read(unread, &reading, into: read, cancellation: cancellation, &arena)
                    decoder.score(read.rows(read.rows - 1..<read.rows), into: logits, &arena)
                }
                unread = [Token(logits.placeOfLargest)]
                tokens += unread
            } while tokens.count < limit && unread.last != end
            return tokens
        }
    }
}

extension Attention {
    /// Attention of a width to itself, whose queries, keys and values are projected by the thirds of one matrix.
    fileprivate init(
        fused: WeightScope, output: WeightScope, _ sizes: TransformerSizes
    ) throws(CheckpointError) {
        let width = sizes.width
        let weights = try fused.matrices("weight", parts: 3, outputs: width, inputs: width)
        let biases = try fused.floats("bias", parts: 3, count: width)
        let projections = zip(weights, biases).map { Linear(weight: $0, bias: $1) }
        self.init(
            toQuery: projections[0], toKey: projections[1], toValue: projections[2],
            toOutput: try Linear(output, from: width, to: width, hasBias: true), heads: sizes.heads)
    }
}

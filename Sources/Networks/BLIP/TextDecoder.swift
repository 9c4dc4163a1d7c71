package import Kernels

/// BLIP's text decoder (transformers' BlipTextLMHeadModel): BERT's layers with cross-attention to a picture, each part
/// with its norm behind it, and a head that scores the words that may follow.
package struct TextDecoder {
    private let words: WeightTable
    private let positions: WeightTable
    private let norm: LayerNorm
    private let layers: [PostNormLayer]
    /// The head: `output(headNorm(activation(dense x)))`.
    private let dense: Linear
    private let headNorm: LayerNorm
    private let output: Linear
    private let configuration: TextDecoderConfiguration

    /// - Parameters:
    ///   - weights: holds `bert` and `cls`
    ///   - picture: channels of what the decoder looks at
    init(
        _ weights: WeightScope, _ configuration: TextDecoderConfiguration, picture: Int
    ) throws(CheckpointError) {
        let (sizes, width, count) = (configuration.sizes, configuration.width, configuration.vocabularyCount)
        let embeddings = weights["bert"]["embeddings"]
        let (word, predictions) = (embeddings["word_embeddings"], weights["cls"]["predictions"])
        let decoder = predictions["decoder"]
        let scores: WeightMatrix
        if configuration.isTied && !decoder.has("weight") {
            (words, scores) = try word.tableAndMatrix("weight", rows: count, columns: width)
        } else {
            words = try word.table("weight", rows: count, columns: width)
            scores = try decoder.matrix("weight", outputs: count, inputs: width)
        }
        // Where a file has both, `decoder.bias` is what transformers adds.
        let bias = decoder.has("bias") ? decoder : predictions
        output = Linear(weight: scores, bias: try bias.floats("bias", shape: [count]))
        positions = try embeddings["position_embeddings"].table(
            "weight", rows: configuration.positions, columns: width)
        norm = try LayerNorm(embeddings["LayerNorm"], channels: width, epsilon: sizes.epsilon)
        var layers: [PostNormLayer] = []
        for index in 0..<sizes.layers {
            let scope = weights["bert"]["encoder"]["layer"][index]
            layers.append(try PostNormLayer(scope, sizes, picture: picture))
        }
        self.layers = layers
        dense = try Linear(predictions["transform"]["dense"], from: width, to: width, hasBias: true)
        headNorm = try LayerNorm(predictions["transform"]["LayerNorm"], channels: width, epsilon: sizes.epsilon)
        self.configuration = configuration
    }

    /// What has been read of a caption: keys and values of its tokens, and those of the picture. Its matrices lie in
    /// the arena's scope that it was made in.
    package struct Reading {
        fileprivate var tokens = 0
        fileprivate let limit: Int
        fileprivate let layers: [PostNormLayer.Memory]
    }

    /// Begins to read a caption of a picture.
    ///
    /// - Parameters:
    ///   - picture: the vision tower's states, `[N, picture]`
    ///   - limit: the most tokens that will be read; there are at most ``TextDecoderConfiguration/positions``
    /// - Throws: `Interruption` between layers
    package func reading(
        _ picture: Matrix, limit: Int, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> Reading {
        let limit = min(limit, configuration.positions)
        var memories: [PostNormLayer.Memory] = []
        for layer in layers {
            try cancellation.check()
            memories.append(layer.memory(of: picture, limit: limit, &arena))
        }
        return Reading(limit: limit, layers: memories)
    }

    /// Reads tokens after those that have been read: several at the beginning, one later.
    ///
    /// - Parameter x: their last hidden states, `[tokens, width]`
    /// - Throws: `Interruption` between layers
    package func read(
        _ tokens: [Token], _ reading: inout Reading, into x: Matrix, cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) {
        let places = reading.tokens..<reading.tokens + tokens.count
        precondition(places.upperBound <= reading.limit, "\(places) of \(reading.limit) tokens")
        x.embed(tokens, table: words, positions: positions.rows(places))
        norm(x, into: x)
        for (layer, memory) in zip(layers, reading.layers) {
            try cancellation.check()
            layer(x, at: places, memory, &arena)
        }
        reading.tokens = places.upperBound
    }

    /// The logits of all tokens that may follow.
    ///
    /// - Parameters:
    ///   - x: last hidden states, `[N, width]`
    ///   - logits: `[N, vocabulary]`
    package func score(_ x: Matrix, into logits: Matrix, _ arena: inout Arena) {
        arena.scope { arena in
            let hidden = arena.matrix(rows: x.rows, columns: x.columns)
            dense(x, into: hidden, &arena)
            hidden.activate(configuration.sizes.activation)
            headNorm(hidden, into: hidden)
            output(hidden, into: logits, &arena)
        }
    }
}

/// BERT's layer in a decoder: `x ← norm(x + part(x))` for self-attention, cross-attention and a feed-forward block.
private struct PostNormLayer {
    let attention: Attention
    let attentionNorm: LayerNorm
    let crossAttention: Attention
    let crossNorm: LayerNorm
    let feedForward: FeedForward
    let norm: LayerNorm

    /// Keys and values of tokens that have been read, `[limit, C]`, and of a picture, `[N, C]`.
    struct Memory {
        let keys, values: Matrix
        let pictureKeys, pictureValues: Matrix
    }

    init(_ weights: WeightScope, _ sizes: TransformerSizes, picture: Int) throws(CheckpointError) {
        let width = sizes.width
        func attention(_ scope: WeightScope, context: Int) throws(CheckpointError) -> Attention {
            let own = scope["self"]
            return Attention(
                toQuery: try Linear(own["query"], from: width, to: width, hasBias: true),
                toKey: try Linear(own["key"], from: context, to: width, hasBias: true),
                toValue: try Linear(own["value"], from: context, to: width, hasBias: true),
                toOutput: try Linear(scope["output"]["dense"], from: width, to: width, hasBias: true),
                heads: sizes.heads)
        }
        func norm(_ scope: WeightScope) throws(CheckpointError) -> LayerNorm {
            try LayerNorm(scope["output"]["LayerNorm"], channels: width, epsilon: sizes.epsilon)
        }
        self.attention = try attention(weights["attention"], context: width)
        attentionNorm = try norm(weights["attention"])
        crossAttention = try attention(weights["crossattention"], context: picture)
        crossNorm = try norm(weights["crossattention"])
        feedForward = try FeedForward(
            expand: weights["intermediate"]["dense"], contract: weights["output"]["dense"], sizes)
        self.norm = try norm(weights)
    }

    /// Room for `limit` tokens, and the picture's keys and values.
    func memory(of picture: Matrix, limit: Int, _ arena: inout Arena) -> Memory {
        let width = attention.toKey.width
        let memory = Memory(
            keys: arena.matrix(rows: limit, columns: width), values: arena.matrix(rows: limit, columns: width),
            pictureKeys: arena.matrix(rows: picture.rows, columns: width),
            pictureValues: arena.matrix(rows: picture.rows, columns: width))
        crossAttention.toKey(picture, into: memory.pictureKeys, &arena)
        crossAttention.toValue(picture, into: memory.pictureValues, &arena)
        return memory
    }

    /// - Parameters:
    ///   - x: states of the tokens at `places`, `[tokens, C]`
    ///   - memory: holds the tokens before, and gets these
    func callAsFunction(_ x: Matrix, at places: Range<Int>, _ memory: Memory, _ arena: inout Arena) {
        precondition(places.lowerBound == 0 || places.count == 1, "attention to several tokens behind others")
        arena.scope { arena in
            let sum = arena.matrix(rows: x.rows, columns: x.columns)
            sum.copy(from: x)
            attention.toKey(x, into: memory.keys.rows(places), &arena)
            attention.toValue(x, into: memory.values.rows(places), &arena)
            attend(
                attention, x, keys: memory.keys.rows(0..<places.upperBound),
                values: memory.values.rows(0..<places.upperBound), causal: places.count > 1, addingTo: sum, &arena)
            attentionNorm(sum, into: x)
            sum.copy(from: x)
            attend(
                crossAttention, x, keys: memory.pictureKeys, values: memory.pictureValues, causal: false,
                addingTo: sum, &arena)
            crossNorm(sum, into: x)
            sum.copy(from: x)
            feedForward(x, addingTo: sum, &arena)
            norm(sum, into: x)
        }
    }

    /// `y ← y + attention(x)` to keys and values, `[L, C]`. In f32: in fixed point all keys and values would be packed
    /// for one query.
    private func attend(
        _ attention: Attention, _ x: Matrix, keys: Matrix, values: Matrix, causal: Bool, addingTo y: Matrix,
        _ arena: inout Arena
    ) {
        arena.scope { arena in
            let queries = arena.matrix(rows: x.rows, columns: x.columns)
            let joined = arena.matrix(rows: x.rows, columns: x.columns)
            attention.toQuery(x, into: queries, &arena)
            QueriesAndKeys(queries: queries, keys: keys, heads: attention.heads, precision: .f32).attend(
                to: values, causal: causal, into: joined, addingTo: nil, shares: [], &arena)
            attention.toOutput(joined, addingTo: y, &arena)
        }
    }
}

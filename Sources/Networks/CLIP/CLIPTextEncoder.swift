package import Kernels

/// CLIP's text encoder (transformers' CLIPTextModel): token and position embeddings, causal pre-norm layers, a final
/// norm.
package struct CLIPTextEncoder {
    private let tokens: WeightTable
    private let positions: WeightTable
    private let layers: [PreNormLayer]
    private let finalNorm: LayerNorm
    package let configuration: TextEncoderConfiguration

    /// - Parameter weights: the scope that holds `embeddings`, `encoder` and `final_layer_norm`
    package init(_ weights: WeightScope, _ configuration: TextEncoderConfiguration) throws(CheckpointError) {
        let (sizes, width) = (configuration.sizes, configuration.width)
        let embeddings = weights["embeddings"]
        tokens = try embeddings["token_embedding"].table(
            "weight", rows: configuration.vocabularyCount, columns: width)
        positions = try embeddings["position_embedding"].table(
            "weight", rows: configuration.positions, columns: width)
        var layers: [PreNormLayer] = []
        for index in 0..<sizes.layers {
            let scope = weights["encoder"]["layers"][index]
            layers.append(
                try PreNormLayer(
                    scope, sizes,
                    attention: Attention(
                        scope["self_attn"], sizes, query: "q_proj", key: "k_proj", value: "v_proj",
                        output: "out_proj")))
        }
        self.layers = layers
        finalNorm = try LayerNorm(weights["final_layer_norm"], channels: width, epsilon: sizes.epsilon)
        self.configuration = configuration
    }

    /// The last hidden states of prompts, after the final norm: the context of the U-Net's cross-attention.
    ///
    /// Attention is causal, so the tokens that all prompts begin with are encoded once, and states do not depend on
    /// what follows. Where a precision's rows are independent, the bits of a prompt's states do not depend on the other
    /// prompts.
    ///
    /// - Parameters:
    ///   - prompts: at least one, of up to `configuration.positions` tokens each
    ///   - y: `[tokens of all prompts, width]`, prompt by prompt
    /// - Throws: `Interruption` between layers
    package func callAsFunction(
        _ prompts: [[Token]], into y: Matrix, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        let rows = PromptRows(prompts)
        precondition(y.rows == rows.ends.last, "\(y.rows) rows for \(rows.ends.last ?? 0) tokens")
        try arena.scope { (arena) throws(Interruption) in
            let x = arena.matrix(rows: rows.count, columns: configuration.width)
            for (index, prompt) in prompts.enumerated() {
                arena.scope { arena in
                    let embedded = arena.matrix(rows: prompt.count, columns: x.columns)
                    embedded.embed(prompt, table: tokens, positions: positions)
                    rows.store(embedded, of: index, in: x)
                }
            }
            for layer in layers {
                try cancellation.check()
                layer(x, wanted: x.rows, &arena) { normalized, x, arena in
                    attend(layer.attention, normalized, rows, addingTo: x, &arena)
                }
            }
            let normalized = arena.matrix(rows: x.rows, columns: x.columns)
            finalNorm(x, into: normalized)
            for index in prompts.indices { rows.load(normalized, of: index, into: y.rows(rows.own(index))) }
        }
    }

    /// `y ← y + attention(x)`, within each prompt.
    ///
    /// - Parameter x: the rows of all prompts, distinct from y
    private func attend(
        _ attention: Attention, _ x: Matrix, _ rows: PromptRows, addingTo y: Matrix, _ arena: inout Arena
    ) {
        arena.scope { arena in
            let all = (0..<3).map { _ in arena.matrix(rows: x.rows, columns: x.columns) }
            for (projection, matrix) in zip([attention.toQuery, attention.toKey, attention.toValue], all) {
                projection(x, into: matrix, &arena)
            }
            let joined = arena.matrix(rows: x.rows, columns: x.columns)
            for index in rows.ends.indices {
                arena.scope { arena in
                    let own = (0..<4).map { _ in arena.matrix(rows: rows.own(index).count, columns: x.columns) }
                    for (matrix, part) in zip(all, own) { rows.load(matrix, of: index, into: part) }
                    QueriesAndKeys(
                        queries: own[0], keys: own[1], heads: attention.heads, precision: attention.precision
                    ).attend(
                        to: own[2], causal: true, into: own[3], addingTo: nil, shares: [], &arena)
                    rows.store(own[3], of: index, in: joined)
                }
            }
            attention.toOutput(joined, addingTo: y, &arena)
        }
    }
}

/// The rows of several prompts' tokens: first the common prefix, then the rest of each.
private struct PromptRows {
    /// Where each prompt's tokens end, one prompt after another, the common prefix in each.
    let ends: [Int]
    /// Tokens of the common prefix.
    private let shared: Int

    /// Rows of all prompts, the prefix once.
    var count: Int { (ends.last ?? 0) - (ends.count - 1) * shared }

    init(_ prompts: [[Token]]) {
        let first = prompts.first ?? []
        precondition(!first.isEmpty, "no prompt")
        var end = 0
        ends = prompts.map { prompt in
            end += prompt.count
            return end
        }
        shared = prompts.reduce(first.count) { shared, prompt in
            zip(first, prompt).prefix(shared).prefix { $0 == $1 }.count
        }
    }

    /// A prompt's tokens among those of all, the common prefix in each.
    func own(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : ends[index - 1])..<ends[index]
    }

    /// The rows of what follows the common prefix.
    private func rest(_ index: Int) -> Range<Int> {
        let own = own(index)
        let start = own.lowerBound - (index - 1) * shared
        return start..<start + own.count - shared
    }

    /// `x ← ` the rows of a prompt, `[L, C]`.
    func load(_ all: Matrix, of index: Int, into x: Matrix) {
        x.rows(0..<shared).copy(from: all.rows(0..<shared))
        x.rows(shared..<x.rows).copy(from: all.rows(rest(index)))
    }

    /// The rows of a prompt ← `x`, `[L, C]`; the prefix is written by the first prompt alone.
    func store(_ x: Matrix, of index: Int, in all: Matrix) {
        if index == 0 { all.rows(0..<shared).copy(from: x.rows(0..<shared)) }
        all.rows(rest(index)).copy(from: x.rows(shared..<x.rows))
    }
}

package import Kernels

/// CLIP's text encoder (transformers' CLIPTextModel): token and position embeddings, causal pre-norm layers, a final
/// norm.
package struct CLIPTextEncoder {
    private struct Layer {
        let norm1: LayerNorm
        let attention: Attention
        let norm2: LayerNorm
        let expand: Linear
        let contract: Linear
    }

    private let tokens: WeightTable
    private let positions: WeightTable
    private let layers: [Layer]
    private let finalNorm: LayerNorm
    package let configuration: TextEncoderConfiguration

    /// Whether a tensor is the buffer of positions 0, 1, 2, ... that some files contain.
    package static func isTail(_ name: String) -> Bool {
        name.hasSuffix("embeddings.position_ids")
    }

    /// - Parameter weights: the scope that holds `embeddings`, `encoder` and `final_layer_norm`
    package init(_ weights: WeightScope, _ configuration: TextEncoderConfiguration) throws(CheckpointError) {
        let width = configuration.width
        let epsilon = Float(configuration.epsilon)
        let embeddings = weights["embeddings"]
        tokens = try embeddings["token_embedding"].table(
            "weight", rows: configuration.vocabularyCount, columns: width)
        positions = try embeddings["position_embedding"].table(
            "weight", rows: configuration.positions, columns: width)
        var layers: [Layer] = []
        for index in 0..<configuration.layers {
            let scope = weights["encoder"]["layers"][index]
            func projection(_ name: String) throws(CheckpointError) -> Linear {
                try Linear(scope["self_attn"][name], from: width, to: width, hasBias: true)
            }
            layers.append(
                Layer(
                    norm1: try LayerNorm(scope["layer_norm1"], channels: width, epsilon: epsilon),
                    attention: Attention(
                        toQuery: try projection("q_proj"), toKey: try projection("k_proj"),
                        toValue: try projection("v_proj"), toOutput: try projection("out_proj"),
                        heads: configuration.heads),
                    norm2: try LayerNorm(scope["layer_norm2"], channels: width, epsilon: epsilon),
                    expand: try Linear(
                        scope["mlp"]["fc1"], from: width, to: configuration.intermediate, hasBias: true),
                    contract: try Linear(
                        scope["mlp"]["fc2"], from: configuration.intermediate, to: width, hasBias: true)))
        }
        self.layers = layers
        finalNorm = try LayerNorm(weights["final_layer_norm"], channels: width, epsilon: epsilon)
        self.configuration = configuration
    }

    /// The last hidden states of prompts, the context of the U-Net's cross-attention.
    ///
    /// Attention is causal, so the tokens that all prompts begin with are encoded once. Where a precision's rows are
    /// independent, the bits of a prompt's states do not depend on the other prompts.
    ///
    /// - Parameters:
    ///   - prompts: at least one, of `configuration.positions` tokens each
    ///   - y: `[prompts·L, width]`, prompt by prompt
    /// - Throws: `Interruption` between layers
    package func callAsFunction(
        _ prompts: [[Int32]], into y: Matrix, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        let rows = PromptRows(prompts)
        precondition(y.rows == prompts.count * rows.length, "\(y.rows) rows for \(prompts.count) prompts")
        try arena.scope { (arena) throws(Interruption) in
            let x = arena.matrix(rows: rows.count, columns: configuration.width)
            arena.scope { arena in
                let embedded = arena.matrix(rows: rows.length, columns: x.columns)
                for (index, prompt) in prompts.enumerated() {
                    embedded.embed(prompt, table: tokens, positions: positions)
                    rows.store(embedded, of: index, in: x)
                }
            }
            let normalized = arena.matrix(rows: x.rows, columns: x.columns)
            let hidden = arena.matrix(rows: x.rows, columns: configuration.intermediate)
            for layer in layers {
                try cancellation.check()
                layer.norm1(x, into: normalized)
                attend(layer.attention, normalized, rows, addingTo: x, &arena)
                layer.norm2(x, into: normalized)
                layer.expand(normalized, into: hidden, &arena)
                switch configuration.activation {
                case .quickGELU: hidden.quickGELU()
                case .gelu: hidden.gelu()
                }
                layer.contract(hidden, addingTo: x, &arena)
            }
            finalNorm(x, into: normalized)
            for index in prompts.indices {
                rows.load(normalized, of: index, into: y.rows(index * rows.length..<(index + 1) * rows.length))
            }
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
            let own = (0..<4).map { _ in arena.matrix(rows: rows.length, columns: x.columns) }
            let joined = arena.matrix(rows: x.rows, columns: x.columns)
            for index in 0..<rows.prompts {
                for (matrix, part) in zip(all, own) { rows.load(matrix, of: index, into: part) }
                QueriesAndKeys(
                    queries: own[0], keys: own[1], heads: attention.heads, precision: attention.precision
                ).attend(
                    to: own[2], causal: true, into: own[3], addingTo: nil, shares: [], &arena)
                rows.store(own[3], of: index, in: joined)
            }
            attention.toOutput(joined, addingTo: y, &arena)
        }
    }
}

/// The rows of several prompts' tokens: first the common prefix, then the rest of each.
private struct PromptRows {
    let prompts: Int
    /// Tokens of a prompt.
    let length: Int
    /// Tokens of the common prefix.
    private let shared: Int

    var count: Int { shared + prompts * (length - shared) }

    init(_ prompts: [[Int32]]) {
        let first = prompts.first ?? []
        precondition(prompts.allSatisfy { $0.count == first.count }, "prompts of different lengths")
        self.prompts = prompts.count
        length = first.count
        shared = prompts.reduce(first.count) { shared, prompt in
            zip(first, prompt).prefix(shared).prefix { $0 == $1 }.count
        }
    }

    private func rest(_ index: Int) -> Range<Int> {
        let start = shared + index * (length - shared)
        return start..<start + length - shared
    }

    /// `x ← ` the rows of a prompt, `[L, C]`.
    func load(_ all: Matrix, of index: Int, into x: Matrix) {
        x.rows(0..<shared).copy(from: all.rows(0..<shared))
        x.rows(shared..<length).copy(from: all.rows(rest(index)))
    }

    /// The rows of a prompt ← `x`, `[L, C]`; the prefix is written by the first prompt alone.
    func store(_ x: Matrix, of index: Int, in all: Matrix) {
        if index == 0 { all.rows(0..<shared).copy(from: x.rows(0..<shared)) }
        all.rows(rest(index)).copy(from: x.rows(shared..<length))
    }
}

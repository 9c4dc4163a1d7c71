package import Kernels
package import Networks

/// Everything that a prompt's states and keys depend on.
struct TextKey: Hashable {
    let model: NetworkKey
    let prompt: ReadPrompt
}

/// A prompt's text encoder states, and the cross-attention keys made from them.
package final class EncodedText {
    /// `[L, width]`
    package let context: Matrix
    /// The keys of each cross-attention layer, `[L, C]`, in the order of a pass.
    package let keys: [FixedPoint]
    let bytes: Int

    /// Runs the text encoder over prompts, at least one: as one batch, or one by one where the bits of a row depend on
    /// the others of its product. So those of one prompt do not depend on the others.
    ///
    /// - Throws: `Interruption` between layers
    package static func reading(
        _ prompts: [ReadPrompt], _ model: Model, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> [EncodedText] {
        guard model.precision.rowsAreIndependent || prompts.count == 1 else {
            var texts: [EncodedText] = []
            for prompt in prompts {
                texts += try reading([prompt], model, cancellation: cancellation, &arena)
            }
            return texts
        }
        let text = model.textEncoder.configuration
        return try arena.scope { (arena) throws(Interruption) in
            let contexts = arena.matrix(rows: prompts.count * text.positions, columns: text.width)
            let tokens = prompts.map { model.tokenizer.encode($0.text, length: text.positions).tokens }
            try model.textEncoder(tokens, into: contexts, cancellation: cancellation, &arena)
            if prompts.contains(where: { !$0.weights.isEmpty }) {
                try enhance(contexts, prompts, model, cancellation: cancellation, &arena)
            }
            return EncodedText.texts(contexts, model, &arena)
        }
    }

    /// Moves the states of enhanced tokens away from their origin.
    ///
    /// - Parameter contexts: `[prompts·L, width]`
    private static func enhance(
        _ contexts: Matrix, _ prompts: [ReadPrompt], _ model: Model, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        try arena.scope { (arena) throws(Interruption) in
            let length = model.textEncoder.configuration.positions
            let origin = arena.matrix(rows: length, columns: contexts.columns)
            if prompts.contains(where: { $0.weights.contains { $0.origin == .emptyPrompt } }) {
                let empty = model.tokenizer.encode("", length: length).tokens
                try model.textEncoder([empty], into: origin, cancellation: cancellation, &arena)
            }
            for (index, prompt) in prompts.enumerated() {
                for weight in prompt.weights {
                    let position = Int(weight.position)
                    let state = contexts.rows(index * length + position..<index * length + position + 1)
                    switch weight.origin {
                    case .zero: state.scale(by: weight.factor, adding: 0)
                    case .emptyPrompt:
                        state.blend(
                            origin.rows(position..<position + 1), times: 1 - weight.factor, keeping: weight.factor)
                    }
                }
            }
        }
    }

    /// Copies the text encoder's states, `[prompts·L, width]`, prompt after prompt, and makes each prompt's keys.
    package static func texts(_ contexts: Matrix, _ model: Model, _ arena: inout Arena) -> [EncodedText] {
        let length = model.textEncoder.configuration.positions
        let ranges = stride(from: 0, to: contexts.rows, by: length).map { $0..<$0 + length }
        var keys = ranges.map { _ in [FixedPoint]() }
        for (toKey, layer) in zip(model.crossKeys, model.unet.attentionLayers.filter { $0.kind == .crossAttention }) {
            arena.scope { arena in
                let all = arena.matrix(rows: contexts.rows, columns: layer.channels)
                toKey(contexts, into: all, &arena)
                for (index, range) in ranges.enumerated() {
                    keys[index].append(FixedPoint(keys: all.rows(range), heads: layer.heads))
                }
            }
        }
        return zip(ranges, keys).map { EncodedText(contexts.rows($0), $1) }
    }

    private init(_ context: Matrix, _ keys: [FixedPoint]) {
        self.context = Matrix(stored: context.rows, by: context.columns)
        self.context.copy(from: context)
        self.keys = keys
        bytes = keys.reduce(context.rows * context.columns * MemoryLayout<Float>.stride) { $0 + $1.bytes }
    }
}

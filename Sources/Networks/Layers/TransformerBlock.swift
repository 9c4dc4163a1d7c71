import Kernels

/// The U-Net's transformer block: self-attention, cross-attention, gated feed-forward, each behind a layer norm.
struct TransformerBlock {
    let norm1: LayerNorm
    let attn1: Attention
    let norm2: LayerNorm
    let attn2: Attention
    let norm3: LayerNorm
    let gate: Linear
    let output: Linear

    /// PyTorch's default for LayerNorm, which diffusers' BasicTransformerBlock leaves as it is.
    private static let epsilon: Float = 1e-5

    init(_ weights: WeightScope, channels: Int, context: Int, heads: Int) throws(CheckpointError) {
        norm1 = try LayerNorm(weights["norm1"], channels: channels, epsilon: Self.epsilon)
        attn1 = try Attention(weights["attn1"], channels: channels, context: channels, heads: heads)
        norm2 = try LayerNorm(weights["norm2"], channels: channels, epsilon: Self.epsilon)
        attn2 = try Attention(weights["attn2"], channels: channels, context: context, heads: heads)
        norm3 = try LayerNorm(weights["norm3"], channels: channels, epsilon: Self.epsilon)
        gate = try Linear(weights["ff.net.0.proj"], from: channels, to: 8 * channels, hasBias: true)
        output = try Linear(weights["ff.net.2"], from: 4 * channels, to: channels, hasBias: true)
    }

    /// `x ← x + attn1(norm1 x)`, `x ← x + attn2(norm2 x, context)`, `x ← x + ff(norm3 x)`; returns early after the
    /// last capture.
    ///
    /// - Parameters:
    ///   - x: `[H·W, C]`
    ///   - context: `[L, context]`
    func callAsFunction(_ x: Matrix, context: Matrix, walk: inout CaptureWalk, _ arena: inout Arena) {
        arena.scope { arena in
            let normalized = arena.matrix(rows: x.rows, columns: x.columns)
            norm1(x, into: normalized)
            walk.visit(attn1, normalized, context: normalized, addingTo: x, &arena)
            if walk.isOver { return }
            norm2(x, into: normalized)
            walk.visit(attn2, normalized, context: context, addingTo: x, &arena)
            if walk.isOver { return }
            norm3(x, into: normalized)
            feedForward(normalized, addingTo: x, &arena)
        }
    }

    /// `y ← y + W₂ (h · gelu(g))`, where `[h, g] = W₁ x`.
    private func feedForward(_ x: Matrix, addingTo y: Matrix, _ arena: inout Arena) {
        let hidden = arena.matrix(rows: x.rows, columns: 4 * x.columns)
        gate(gating: x, into: hidden, &arena)
        output(hidden, addingTo: y, &arena)
    }
}

/// The captures of one pass, handed out in the order in which attention layers are reached.
struct CaptureWalk {
    private let captures: [AttentionCapture]
    private let end: Int
    private var next = 0

    /// Whether the last capture has been made: the rest of the pass is not needed.
    var isOver: Bool { next >= end }

    init(_ captures: [AttentionCapture]) {
        self.captures = captures
        let last = captures.lastIndex { capture in
            if case .nothing = capture { false } else { true }
        }
        end = last.map { $0 + 1 } ?? captures.count
    }

    /// Runs a layer with its capture; the last one without its output.
    mutating func visit(
        _ attention: Attention, _ x: Matrix, context: Matrix, addingTo y: Matrix, _ arena: inout Arena
    ) {
        let capture = captures[next]
        next += 1
        if isOver {
            attention.capture(x, context: context, capture, &arena)
        } else {
            attention(x, context: context, causal: false, addingTo: y, capture: capture, &arena)
        }
    }
}

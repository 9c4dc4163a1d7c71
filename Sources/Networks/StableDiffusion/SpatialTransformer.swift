import Kernels

/// A transformer over the pixels of a map: `x ← x + proj_out(block(proj_in(norm(x))))`.
struct SpatialTransformer {
    let norm: GroupNorm
    let projectionIn: Linear
    let block: TransformerBlock
    let projectionOut: Linear

    /// diffusers' Transformer2DModel fixes this, whatever `norm_eps` says.
    private static let epsilon: Float = 1e-6

    init(
        _ weights: WeightScope, channels: Int, context: Int, heads: Int, groups: Int
    ) throws(CheckpointError) {
        norm = try GroupNorm(weights["norm"], channels: channels, groups: groups, epsilon: Self.epsilon)
        projectionIn = try Linear(weights["proj_in"], from: channels, to: channels, hasBias: true)
        block = try TransformerBlock(
            weights["transformer_blocks"][0], channels: channels, context: context, heads: heads)
        projectionOut = try Linear(weights["proj_out"], from: channels, to: channels, hasBias: true)
    }

    /// - Parameters:
    ///   - x: `[H·W, C]`, changed in place, or unchanged if the last capture is made here
    ///   - context: `[L, context]`
    func callAsFunction(_ x: Matrix, context: Matrix, walk: inout CaptureWalk, _ arena: inout Arena) {
        arena.scope { arena in
            let normalized = arena.matrix(rows: x.rows, columns: x.columns)
            norm(x, into: normalized, &arena)
            let hidden = arena.matrix(rows: x.rows, columns: x.columns)
            projectionIn(normalized, into: hidden, &arena)
            block(hidden, context: context, walk: &walk, &arena)
            if !walk.isOver { projectionOut(hidden, addingTo: x, &arena) }
        }
    }
}

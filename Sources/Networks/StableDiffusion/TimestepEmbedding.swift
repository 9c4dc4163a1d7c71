import Kernels

/// The time embedding `silu(W₂ silu(W₁ sinusoids(t)))`, projected by each residual block of the U-Net to its channels.
///
/// (In diffusers the last silu is in the residual blocks, all of which begin with it.)
struct TimestepEmbedding {
    let linear1: Linear
    let linear2: Linear
    let channels: Int
    let width: Int
    let cosinesFirst: Bool
    let frequencyShift: Float

    init(_ weights: WeightScope, _ configuration: UNetConfiguration) throws(CheckpointError) {
        channels = configuration.blockChannels[0]
        width = 4 * channels
        linear1 = try Linear(weights["linear_1"], from: channels, to: width, hasBias: true)
        linear2 = try Linear(weights["linear_2"], from: width, to: width, hasBias: true)
        cosinesFirst = configuration.flipSinToCos
        frequencyShift = Float(configuration.frequencyShift)
    }

    /// - Parameter y: `[1, width]`
    func callAsFunction(_ timestep: Int, into y: Matrix, _ arena: inout Arena) {
        arena.scope { arena in
            let waves = arena.matrix(rows: 1, columns: channels)
            waves.embed(timestep: Float(timestep), cosinesFirst: cosinesFirst, frequencyShift: frequencyShift)
            let hidden = arena.matrix(rows: 1, columns: width)
            linear1(waves, into: hidden, &arena)
            hidden.silu()
            linear2(hidden, into: y, &arena)
            y.silu()
        }
    }
}

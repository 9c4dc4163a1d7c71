/// The noise schedule, from `scheduler_config.json` (any scheduler of diffusers).
package struct SchedulerConfiguration: Sendable {
    /// How the variances run from ``betaStart`` to ``betaEnd``.
    package enum Schedule: Sendable {
        /// Their square roots are evenly spaced.
        case scaledLinear
        /// They are evenly spaced.
        case linear
    }

    package let betaStart: Double
    package let betaEnd: Double
    package let trainTimesteps: Int
    package let schedule: Schedule

    /// ᾱ of each timestep: the product of 1 - β up to it.
    private let alphaBars: [Float]

    /// Reads `path`; what this program cannot compute is refused by its key.
    package init(path: String) throws(CheckpointError) {
        let file = try ConfigurationFile(path: path)
        betaStart = try file.number("beta_start", absent: 0.0001, in: 0...0.999)
        betaEnd = try file.number("beta_end", absent: 0.02, in: 0...0.999)
        trainTimesteps = try file.integer("num_train_timesteps", absent: 1000, in: 2...65536)
        switch try file.string("beta_schedule", absent: "linear") {
        case "scaled_linear": schedule = .scaledLinear
        case "linear": schedule = .linear
        default: throw file.refusal("beta_schedule", expected: "\"scaled_linear\" or \"linear\"")
        }
        try file.require("trained_betas", oneOf: [.null])
        try file.require("rescale_betas_zero_snr", oneOf: [.bool(false)])
        alphaBars = SchedulerConfiguration.alphaBars(
            from: betaStart, to: betaEnd, count: trainTimesteps, schedule: schedule)
    }

    /// The share of the picture's variance left at `timestep`, from 0 to ``trainTimesteps`` - 1:
    /// noisy = √ᾱ · latent + √(1 - ᾱ) · noise.
    package func alphaBar(_ timestep: Int) -> Float {
        precondition(
            alphaBars.indices.contains(timestep), "timestep \(timestep) of \(trainTimesteps)")
        return alphaBars[timestep]
    }

    /// Bit by bit as torch computes them: `linspace` in f32 from both ends, one FMA for each number, `cumprod` in f64.
    private static func alphaBars(
        from start: Double, to end: Double, count: Int, schedule: Schedule
    ) -> [Float] {
        let isScaled = schedule == .scaledLinear
        let first = Float(isScaled ? start.squareRoot() : start)
        let last = Float(isScaled ? end.squareRoot() : end)
        let step = (last - first) / Float(count - 1)
        var product = 1.0
        return (0..<count).map { index in
            let spaced =
                index < count / 2
                ? first.addingProduct(step, Float(index))
                : last.addingProduct(-step, Float(count - 1 - index))
            let beta = isScaled ? spaced * spaced : spaced
            product *= Double(1 - beta)
            return Float(product)
        }
    }
}

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

    /// The schedule that Stable Diffusion 1 and 2 were trained with.
    package static let published = SchedulerConfiguration(
        betaStart: 0.00085, betaEnd: 0.012, trainTimesteps: 1000, schedule: .scaledLinear)

    private init(betaStart: Double, betaEnd: Double, trainTimesteps: Int, schedule: Schedule) {
        self.betaStart = betaStart
        self.betaEnd = betaEnd
        self.trainTimesteps = trainTimesteps
        self.schedule = schedule
        alphaBars = SchedulerConfiguration.alphaBars(
            from: betaStart, to: betaEnd, count: trainTimesteps, schedule: schedule)
    }

    /// Reads `file`; what this program cannot compute is refused by its key.
    package init(_ file: RegularFile) throws(CheckpointError) {
        let file = try ConfigurationFile(file)
        let absent = try Self.absent(in: file)
        let schedule: Schedule
        switch try file.string("beta_schedule", absent: absent.schedule) {
        case "scaled_linear": schedule = .scaledLinear
        case "linear": schedule = .linear
        default: throw file.refusal("beta_schedule", expected: "\"scaled_linear\" or \"linear\"")
        }
        try file.require("trained_betas", oneOf: [.null])
        for key in ["rescale_betas_zero_snr", "use_flow_sigmas"] {
            try file.require(key, oneOf: [.bool(false), .null])
        }
        self.init(
            betaStart: try file.number("beta_start", absent: absent.start, in: 0...0.999),
            betaEnd: try file.number("beta_end", absent: absent.end, in: 0...0.999),
            trainTimesteps: try file.integer("num_train_timesteps", absent: 1000, in: 2...65536), schedule: schedule)
    }

    /// What absent keys mean to the classes of diffusers: those of `others` have other defaults than the rest.
    private static let most = (start: 0.0001, end: 0.02, schedule: "linear")
    private static let others = [
        (classes: ["LCMScheduler", "TCDScheduler"], absent: (start: 0.00085, end: 0.012, schedule: "scaled_linear")),
        (
            classes: [
                "HeunDiscreteScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler",
                "DPMSolverSDEScheduler",
            ], absent: (start: 0.00085, end: 0.012, schedule: "linear")
        ),
    ]
    /// The classes whose absent keys mean what ``most`` says, without a prefix `Flax`.
    private static let usual: Set<String> = [
        "DDIMInverseScheduler", "DDIMParallelScheduler", "DDIMScheduler", "DDPMParallelScheduler", "DDPMScheduler",
        "DEISMultistepScheduler", "DPMSolverMultistepInverseScheduler", "DPMSolverMultistepScheduler",
        "DPMSolverSinglestepScheduler", "EulerAncestralDiscreteScheduler", "EulerDiscreteScheduler",
        "LMSDiscreteScheduler", "PNDMScheduler", "RePaintScheduler", "SASolverScheduler", "UniPCMultistepScheduler",
    ]

    /// What absent keys mean to the class that the file names; a class that is not known here, such as one of flow
    /// matching, which has no variances, must have none absent.
    private static func absent(
        in file: ConfigurationFile
    ) throws(CheckpointError) -> (start: Double, end: Double, schedule: String) {
        let named = try file.string("_class_name", absent: "PNDMScheduler")
        let name = named.hasPrefix("Flax") ? String(named.dropFirst("Flax".count)) : named
        if let other = others.first(where: { $0.classes.contains(name) }) { return other.absent }
        guard usual.contains(name) || ["beta_start", "beta_end", "beta_schedule"].allSatisfy({ file.value($0) != nil })
        else { throw file.refusal("_class_name", expected: "a scheduler with beta_start, beta_end and beta_schedule") }
        return most
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

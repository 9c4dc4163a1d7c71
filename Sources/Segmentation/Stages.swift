package import Kernels
package import Networks

extension Model {
    /// The scaled mean of a picture's posterior: the latent before noise, `[H·W, 4]`, row by row.
    ///
    /// - Parameter square: the picture, `[S·S, 3]` in 0...1
    /// - Throws: `Interruption` between layers
    package func latent(
        of square: [Float], cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> [Float] {
        try arena.scope { (arena) throws(Interruption) in
            let mean = try moments(of: square, cancellation: cancellation, &arena).columns(
                0..<autoencoder.configuration.latentChannels)
            mean.scale(by: autoencoder.configuration.scalingFactor, adding: 0)
            return mean.array
        }
    }

    /// The posterior's means and logarithms of variances, `[H·W, 8]`, in the caller's scope.
    package func moments(
        of square: [Float], cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> Matrix {
        let configuration = autoencoder.configuration
        let side = configuration.sampleSize
        let moments = arena.featureMap(
            height: autoencoder.latentSide, width: autoencoder.latentSide,
            channels: 2 * configuration.latentChannels)
        try arena.scope { (arena) throws(Interruption) in
            let picture = arena.featureMap(height: side, width: side, channels: configuration.inChannels)
            picture.matrix.fill(square)
            picture.matrix.scale(by: 2, adding: -1)
            try autoencoder(picture, into: moments, cancellation: cancellation, &arena)
        }
        return moments.matrix
    }

    /// `z ← √ᾱ z + √(1 - ᾱ) ε`, where ε is the noise of the seed.
    ///
    /// The noise is what `torch.randn((1, 4, H, W), generator=torch.Generator().manual_seed(seed))` draws on the CPU.
    package func addNoise(to latent: FeatureMap, seed: UInt32, timestep: Int, _ arena: inout Arena) {
        arena.scope { arena in
            let noise = arena.matrix(rows: latent.matrix.rows, columns: latent.channels)
            noise.interleave(TorchNoise.normals(seed: seed, count: noise.rows * noise.columns))
            addNoise(noise, to: latent.matrix, timestep: timestep)
        }
    }

    /// `z ← √ᾱ z + √(1 - ᾱ) ε`
    package func addNoise(_ noise: Matrix, to latent: Matrix, timestep: Int) {
        let kept = scheduler.alphaBar(timestep)
        latent.blend(noise, times: (1 - kept).squareRoot(), keeping: kept.squareRoot())
    }
}

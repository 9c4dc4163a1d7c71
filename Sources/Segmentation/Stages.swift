package import Kernels
package import Networks

extension Model {
    /// The scaled mean of a picture's posterior: the latent before noise, `[H·W, 4]`, row by row.
    ///
    /// - Parameters:
    ///   - picture: `[H·W, 3]` in 0...1
    ///   - grid: of the picture, its sides multiples of the autoencoder's factor
    /// - Throws: `Interruption` between layers
    package func latent(
        of picture: [Float], _ grid: Grid, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> [Float] {
        try arena.scope { (arena) throws(Interruption) in
            let mean = try moments(of: picture, grid, cancellation: cancellation, &arena).columns(
                0..<autoencoder.configuration.latentChannels)
            mean.scale(by: autoencoder.configuration.scalingFactor, adding: 0)
            return mean.array
        }
    }

    /// The posterior's means and logarithms of variances, `[H·W, 8]`, in the caller's scope.
    package func moments(
        of picture: [Float], _ grid: Grid, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> Matrix {
        let configuration = autoencoder.configuration
        let moments = arena.featureMap(
            height: grid.height / configuration.factor, width: grid.width / configuration.factor,
            channels: 2 * configuration.latentChannels)
        try arena.scope { (arena) throws(Interruption) in
            let scaled = arena.featureMap(height: grid.height, width: grid.width, channels: configuration.inChannels)
            scaled.matrix.fill(picture)
            scaled.matrix.scale(by: 2, adding: -1)
            try autoencoder(scaled, into: moments, cancellation: cancellation, &arena)
        }
        return moments.matrix
    }

    /// `z ← √ᾱ z + √(1 - ᾱ) ε`, where ε is a tile of the seed's noise.
    ///
    /// The noise is what `torch.randn((1, 4, H, W), generator=torch.Generator().manual_seed(seed))` draws on the CPU.
    ///
    /// - Parameters:
    ///   - latent: of the tile
    ///   - grid: `[H, W]`, of the whole latent
    package func addNoise(
        to latent: FeatureMap, _ tile: Tile, of grid: Grid, seed: UInt32, timestep: Int, _ arena: inout Arena
    ) {
        arena.scope { arena in
            let whole = arena.matrix(rows: grid.pixels, columns: latent.channels)
            whole.interleave(TorchNoise.normals(seed: seed, count: whole.rows * whole.columns))
            let noise = arena.matrix(rows: latent.matrix.rows, columns: latent.channels)
            noise.fill(tile.part(of: whole.array, grid, channels: latent.channels))
            addNoise(noise, to: latent.matrix, timestep: timestep)
        }
    }

    /// `z ← √ᾱ z + √(1 - ᾱ) ε`
    package func addNoise(_ noise: Matrix, to latent: Matrix, timestep: Int) {
        let kept = scheduler.alphaBar(timestep)
        latent.blend(noise, times: (1 - kept).squareRoot(), keeping: kept.squareRoot())
    }
}

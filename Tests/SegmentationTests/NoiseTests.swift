import Kernels
import Networks
import Segmentation
import Support
import Testing

@Suite struct `noise on the latent` {
    private let golden: TensorFile
    private let model: Model

    init() throws {
        golden = try TensorFile(path: "\(Repository.root)/Tests/Fixtures/tiny/golden/vae.safetensors")
        model = try Fixture.model(Fixture.tiny)
    }

    /// Planes, as torch has them, to channels last.
    private func interleaved(_ planes: [Float]) -> [Float] {
        (0..<planes.count).map { planes[$0 % 4 * (planes.count / 4) + $0 / 4] }
    }

    @Test func `torch's latent and noise give torch's noised latent, planes becoming channels`() throws {
        var arena = try Arena(reserving: 1 << 36)
        let found = try arena.scope { arena in
            let latent = arena.featureMap(height: 16, width: 16, channels: 4)
            latent.matrix.fill(interleaved(try golden.values(of: "latent")))
            let noise = arena.matrix(rows: 256, columns: 4)
            noise.interleave(try golden.values(of: "noise"))
            model.addNoise(noise, to: latent.matrix, timestep: 100)
            return latent.matrix.array
        }
        let expected = interleaved(try golden.values(of: "noisy"))
        #expect(Difference.relativeError(found, to: expected) < 1e-6)
    }

    @Test(arguments: [0, 1, UInt32.max], [0, 100, 999])
    func `a seed's noise is drawn plane by plane`(seed: UInt32, timestep: Int) throws {
        var arena = try Arena(reserving: 1 << 36)
        arena.scope { arena in
            let latent = arena.featureMap(height: 16, width: 16, channels: 4)
            latent.matrix.fill([Float](repeating: 0, count: 1024))
            let grid = model.latentSizes.trained
            let whole = Layout(grid).tiles[0]
            model.addNoise(to: latent, whole, of: grid, seed: seed, timestep: timestep, &arena)
            let scale = (1 - model.scheduler.alphaBar(timestep)).squareRoot()
            let planes = TorchNoise.normals(seed: seed, count: 1024)
            let expected = interleaved(planes).map { $0 * scale }
            #expect(Difference.relativeError(latent.matrix.array, to: expected) < 1e-6)
        }
    }

    @Test(arguments: [("tiny", 24, 16), ("tiny", 16, 24), ("tiny", 8, 24), ("tiny-odd", 12, 16), ("tiny-odd", 16, 12)])
    func `a latent that is not square is noised as torch does`(checkpoint: String, height: Int, width: Int) throws {
        let model = try Fixture.model(checkpoint == "tiny" ? Fixture.tiny : Fixture.odd)
        let golden = try TensorFile(
            path: "\(Repository.root)/Tests/Fixtures/shapes/\(checkpoint)-\(height)x\(width).safetensors")
        var arena = try Arena(reserving: 1 << 36)
        let found = try arena.scope { arena in
            let latent = arena.featureMap(height: height, width: width, channels: 4)
            latent.matrix.interleave(try golden.values(of: "mean"))
            latent.matrix.scale(by: model.autoencoder.configuration.scalingFactor, adding: 0)
            let grid = Grid(height: height, width: width)
            model.addNoise(
                to: latent, Tile(row: 0, column: 0, grid: grid), of: grid, seed: 7, timestep: 100, &arena)
            return latent.matrix.array
        }
        let expected = interleaved(try golden.values(of: "noisy"))
        #expect(Difference.relativeError(found, to: expected) < 1e-6)
    }

    @Test func `the schedule is the golden's`() throws {
        let bars = try golden.values(of: "alphas_cumprod")
        #expect(bars.count == model.scheduler.trainTimesteps)
        #expect(bars.indices.allSatisfy { abs(bars[$0] - model.scheduler.alphaBar($0)) <= 1e-7 })
    }
}

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
        (0..<planes.count).map { planes[($0 % 4) * 256 + $0 / 4] }
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

    @Test func `the schedule is the golden's`() throws {
        let bars = try golden.values(of: "alphas_cumprod")
        #expect(bars.count == model.scheduler.trainTimesteps)
        #expect(bars.indices.allSatisfy { abs(bars[$0] - model.scheduler.alphaBar($0)) <= 1e-7 })
    }
}

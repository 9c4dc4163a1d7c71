import Glibc
import Kernels
import Support
import Testing

private struct Missing: Error {
    let path: String
}

/// Little-endian floats of a fixture, made by `Tests/Fixtures/noise/make.py`.
private func fixture(seed: UInt32, count: Int) throws -> [Float] {
    let path = "\(Repository.root)/Tests/Fixtures/noise/\(seed)-\(count).f32"
    guard let file = unsafe fopen(path, "r") else { throw Missing(path: path) }
    defer { unsafe fclose(file) }
    let bits = unsafe [UInt32](unsafeUninitializedCapacity: count + 1) { buffer, read in
        unsafe read = fread(buffer.baseAddress, MemoryLayout<UInt32>.size, count + 1, file)
    }
    try #require(bits.count == count, "\(path)")
    return bits.map { Float(bitPattern: UInt32(littleEndian: $0)) }
}

@Suite struct NoiseTests {
    /// torch takes logarithm, sine and cosine from Cephes' polynomials, eight at a time; ours are
    /// libm's, half a unit from the truth. Logarithm: both within 2 roundoffs, halved by the root.
    /// Angles reach 2 π, so their rounding, 2 π roundoffs, and 2 more of each sine, come in
    /// absolutely, times the radius, which is 5.8 at most (24 bits): 5.8 (2 π + 4) 2^-24 = 3.6e-6.
    ///
    /// 60 and 1536 were drawn as latents, `[1, 4, 3, 5]` and `[1, 4, 24, 16]`.
    @Test(arguments: [0, 1, 4_294_967_295] as [UInt32], [16, 17, 60, 100, 1536, 4096])
    func `dseg_noise draws torch.randn's numbers`(seed: UInt32, count: Int) throws {
        let expected = try fixture(seed: seed, count: count).map {
            Bounded(value: Double($0), slack: 3.6e-6)
        }
        expect(TorchNoise.normals(seed: seed, count: count), within: expected, "seed \(seed)")
    }

    @Test func `a longer draw begins with a shorter one's whole blocks`() {
        let long = TorchNoise.normals(seed: 42, count: 4096)
        for count in [16, 31, 100, 624, 640, 1247] {
            let whole = count / 16 * 16
            let kept = count.isMultiple(of: 16) ? whole : count - 16
            let short = TorchNoise.normals(seed: 42, count: count)
            #expect(short.prefix(kept / 16 * 16).elementsEqual(long.prefix(kept / 16 * 16)))
        }
    }

    @Test func `seeds differ in nearly every number, repeated draws in none`() {
        let draws = [0, 1, 2, 4_294_967_295].map { TorchNoise.normals(seed: $0, count: 4096) }
        for (place, first) in draws.enumerated() {
            for second in draws[(place + 1)...] {
                #expect(zip(first, second).count { $0 == $1 } < 8)
            }
        }
        #expect(TorchNoise.normals(seed: 1, count: 4096) == draws[1])
    }

    /// A mean of n normal numbers spreads by 1/√n, of their squares by √(2/n): five of each.
    @Test(arguments: [7, 2_147_483_648] as [UInt32])
    func `noise has mean 0, variance 1 and no number without end`(seed: UInt32) {
        let count = 65_536
        let noise = TorchNoise.normals(seed: seed, count: count).map(Double.init)
        let mean = noise.reduce(0, +) / Double(count)
        let power = noise.reduce(0) { $0 + $1 * $1 } / Double(count)
        #expect(mean.magnitude < 5 / Double(count).squareRoot())
        #expect((power - 1).magnitude < 5 * (2 / Double(count)).squareRoot())
        #expect(noise.allSatisfy { $0.magnitude < 6 })
    }
}

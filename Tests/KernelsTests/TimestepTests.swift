import CKernels
import Glibc
import Testing

/// diffusers' get_timestep_embedding with max_period 10000 and scale 1: frequencies
/// exp(-ln 10000 i / (half - shift)), sines and cosines of timestep times frequency, a zero at the
/// end if `count` is odd.
private func embedding(
    _ timestep: Float, cosinesFirst: Bool, shift: Float, count: Int
) -> [Bounded] {
    let half = count / 2
    let waves = (0..<half).map { i -> (sine: Bounded, cosine: Bounded) in
        let exponent = -log(10000) * Double(i) / (Double(half) - Double(shift))
        let angle = Double(timestep) * exp(exponent)
        // The exponent is rounded four times, which the exponential turns into as many relative
        // roundings of the angle, and more; sine and cosine have slope one at most.
        let slack = angle.magnitude * (4 * exponent.magnitude + 4) * roundoff + 2 * roundoff
        return (Bounded(value: sin(angle), slack: slack), Bounded(value: cos(angle), slack: slack))
    }
    let (sines, cosines) = (waves.map(\.sine), waves.map(\.cosine))
    let padding = count.isMultiple(of: 2) ? [] : [Bounded(value: 0, slack: 0)]
    return (cosinesFirst ? cosines + sines : sines + cosines) + padding
}

@Suite struct TimestepTests {
    @Test(arguments: [0, 1, 50, 100, 999] as [Float], [false, true])
    func `dseg_timestep_embedding is diffusers' at every width`(
        timestep: Float, cosinesFirst: Bool
    ) {
        for count in Array(2...40) + [128, 320] {
            for shift in [0, 1] as [Float] where Float(count / 2) != shift {
                var y = [Float](repeating: .nan, count: count + 1)
                unsafe dseg_timestep_embedding(timestep, cosinesFirst, shift, &y, count)
                let expected = embedding(
                    timestep, cosinesFirst: cosinesFirst, shift: shift, count: count)
                expect(
                    Array(y.dropLast()), within: expected, "timestep \(timestep), width \(count)")
                #expect(y[count].isNaN)
            }
        }
    }

    @Test func `the first frequency is one, whatever the width`() {
        for count in [2, 10, 320] {
            var y = [Float](repeating: 0, count: count)
            unsafe dseg_timestep_embedding(1, true, 0, &y, count)
            #expect((Double(y[0]) - cos(1.0)).magnitude <= roundoff)
            #expect((Double(y[count / 2]) - sin(1.0)).magnitude <= roundoff)
        }
    }
}

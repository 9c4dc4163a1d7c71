import CKernels
import Kernels
import Testing

/// Floats whose rounding is a case of its own, of both signs.
private let special: [UInt32] = {
    let magnitudes: [UInt32] = [
        0x0000_0000, 0x0000_0001, 0x0000_7fff, 0x0000_8000, 0x0000_8001, 0x0001_7fff, 0x0001_8000, 0x0001_8001,
        0x007f_7fff, 0x007f_8000, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0x3f80_7fff, 0x3f80_8000, 0x3f80_8001,
        0x3f81_7fff, 0x3f81_8000, 0x3f81_8001, 0x3fff_8000, 0x7f7f_7fff, 0x7f7f_8000, 0x7f7f_ffff, 0x7f80_0000,
        0x7f80_0001, 0x7f80_ffff, 0x7fbf_ffff, 0x7fc0_0000, 0x7fff_ffff,
    ]
    return magnitudes + magnitudes.map { $0 | 0x8000_0000 }
}()

/// bf16 numbers by dseg_narrow_to_bf16, which must write no more than them.
private func narrowed(_ stored: Stored) -> [UInt16] {
    _ = startedThreads
    let memory = Fenced(stored.bytes)
    var halves = [UInt16](repeating: 0xdead, count: stored.bits.count + 32)
    withExtendedLifetime(memory) {
        unsafe dseg_narrow_to_bf16(memory.base, stored.number, stored.bits.count, &halves)
    }
    #expect(halves[stored.bits.count...].allSatisfy { $0 == 0xdead })
    return Array(halves[..<stored.bits.count])
}

@Suite struct NarrowTests {
    @Test func `dseg_narrow_to_bf16 rounds to the nearest, ties to even; NaN stays NaN`() {
        let stored = Stored(dseg_f32, bits: special)
        #expect(narrowed(stored) == special.map { nearestBF16(Float(bitPattern: $0)) })
        // By hand: a tie up and one down, the largest float, the least subnormal that is not lost.
        #expect(narrowed(Stored(dseg_f32, bits: [0x3f80_8000, 0x3f81_8000])) == [0x3f80, 0x3f82])
        #expect(narrowed(Stored(dseg_f32, bits: [0x7f7f_ffff, 0xff7f_ffff])) == [0x7f80, 0xff80])
        #expect(narrowed(Stored(dseg_f32, bits: [0x0000_8000, 0x0000_8001])) == [0, 1])
        for half in narrowed(Stored(dseg_f32, bits: [0x7f80_0001, 0xff80_0001, 0x7fff_ffff])) {
            #expect(widened(bf16: half).isNaN)
        }
    }

    /// Around each border between two bfloat16 numbers.
    @Test func `dseg_narrow_to_bf16 rounds every upper half of a float`() {
        for lower: UInt32 in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
            let bits = (0...UInt32(UInt16.max)).map { $0 << 16 | lower }
            #expect(narrowed(Stored(dseg_f32, bits: bits)) == bits.map { nearestBF16(Float(bitPattern: $0)) })
        }
    }

    @Test func `dseg_narrow_to_bf16 rounds every binary16 number, and leaves bfloat16 as it is`() {
        let halves = Stored(dseg_f16, bits: (0...UInt32(UInt16.max)).map { $0 })
        #expect(narrowed(halves) == halves.floats.map(nearestBF16))
        let numbers = (0...UInt32(UInt16.max)).filter { !widened(bf16: UInt16($0)).isNaN }
        #expect(narrowed(Stored(dseg_bf16, bits: numbers)) == numbers.map { UInt16($0) })
    }

    @Test func `dseg_narrow_to_bf16 writes as many as there are`() {
        for number in storedNumbers {
            for count in [0] + tails + [1023, 1024, 1025, 2049] {
                var draw = Draw(seed: count)
                let stored = draw.stored(number, count)
                #expect(narrowed(stored) == stored.floats.map(nearestBF16), "\(count)")
            }
        }
    }

    /// What lies behind the last input is zero, and a pair has the earlier input first.
    @Test func `dseg_narrow_to_pairs sets the inputs of two panel columns side by side, rounded`() {
        _ = startedThreads
        for number in storedNumbers {
            for (count, inputs) in [(0, 3), (1, 1), (1, 2), (1, 3), (2, 1), (3, 7), (2, 8), (1, 65), (4, 31)] {
                var draw = Draw(seed: inputs + 100 * count)
                var bits = draw.stored(number, count * inputs * 16).bits
                if number == dseg_f32, bits.count >= special.count {
                    bits.replaceSubrange(0..<special.count, with: special)
                }
                let stored = Stored(number, bits: bits)
                let floats = stored.floats
                let pairs = (inputs + 1) / 2
                var found = [UInt16](repeating: 0xdead, count: count * pairs * 32 + 32)
                let memory = Fenced(stored.bytes)
                withExtendedLifetime(memory) {
                    unsafe dseg_narrow_to_pairs(memory.base, number, count, inputs, &found)
                }
                let expected = (0..<count * pairs * 32).map { place -> UInt16 in
                    let (pair, rest) = place.quotientAndRemainder(dividingBy: 32)
                    let (panel, input) = (pair / pairs, pair % pairs * 2 + rest % 2)
                    return input < inputs ? nearestBF16(floats[(panel * inputs + input) * 16 + rest / 2]) : 0
                }
                #expect(Array(found[..<expected.count]) == expected, "\(count) panels of \(inputs) inputs")
                #expect(found[expected.count...].allSatisfy { $0 == 0xdead })
            }
        }
    }
}

import CKernels
import Kernels
import Testing

private func type(_ number: dseg_number) -> StoredFloats {
    switch number {
    case dseg_f16: .f16
    case dseg_bf16: .bf16
    default: .f32
    }
}

/// The memory that packing fills; what it may not touch behind it is a mark.
private func packed(_ stored: Stored, _ packing: WeightPacking) -> [UInt16] {
    _ = startedThreads
    let bytes = packing.bytes(stored.bits.count, of: type(stored.number))
    var memory = [UInt16](repeating: 0xdead, count: bytes / 2 + 64)
    let file = Fenced(stored.bytes)
    unsafe memory.withUnsafeMutableBytes { memory in
        guard let base = memory.baseAddress else { return }
        withExtendedLifetime(file) {
            unsafe packing.pack(file.base, type(stored.number), count: stored.bits.count, into: base)
        }
    }
    #expect(memory[(bytes / 2)...].allSatisfy { $0 == 0xdead })
    return Array(memory[..<(bytes / 2)])
}

/// A matrix [outputs, inputs] as the definition of pairs has it, rounded.
private func expected(_ floats: [Float], outputs: Int, inputs: Int) -> [UInt16] {
    let held = (inputs + 1) / 2 * 2
    var halves = [UInt16](repeating: 0, count: (outputs + 15) / 16 * 16 * held)
    for output in 0..<outputs {
        for input in 0..<inputs {
            let place = (((output / 16) * (held / 2) + input / 2) * 16 + output % 16) * 2 + input % 2
            halves[place] = nearestBF16(floats[output * inputs + input])
        }
    }
    return halves
}

@Suite struct WeightPackingTests {
    @Test func `pairs are rounded, at every tail`() {
        for number in storedNumbers {
            for outputs in [0, 1, 2, 15, 16, 17, 31, 32, 33, 50] {
                for inputs in [1, 2, 3, 7, 8, 9, 16, 33] {
                    var draw = Draw(seed: outputs * 100 + inputs)
                    let stored = draw.stored(number, outputs * inputs)
                    let wanted = expected(stored.floats, outputs: outputs, inputs: inputs)
                    #expect(packed(stored, .pairs(inputs: inputs)) == wanted, "[\(outputs), \(inputs)] of \(number)")
                }
            }
        }
    }

    @Test func `panels keep what is stored`() {
        for number in storedNumbers {
            for positions in [1, 9] {
                let packing = WeightPacking.panels(inputs: 3, positions: positions)
                var draw = Draw(seed: positions)
                let stored = draw.stored(number, 17 * 3 * positions)
                var panels = [UInt32](repeating: 0, count: 32 * 3 * positions)
                for place in stored.bits.indices {
                    let (output, rest) = place.quotientAndRemainder(dividingBy: 3 * positions)
                    let column = rest % positions * 3 + rest / positions
                    panels[((output / 16) * 3 * positions + column) * 16 + output % 16] = stored.bits[place]
                }
                let bytes = Stored(number, bits: panels).bytes
                let halves = stride(from: 0, to: bytes.count, by: 2).map {
                    UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
                }
                #expect(packed(stored, packing) == halves)
            }
        }
    }

    /// As tensors are read: in pieces that begin at units, each to its offset.
    @Test(arguments: [1, 9]) func `pieces packed to their offsets are the tensor packed at once`(positions: Int) {
        let (outputs, inputs) = (53, 7)
        for number in storedNumbers {
            for packing in [
                WeightPacking.panels(inputs: inputs, positions: positions), .pairs(inputs: inputs * positions),
            ] {
                var draw = Draw(seed: positions)
                let stored = draw.stored(number, outputs * inputs * positions)
                let whole = packed(stored, packing)
                var pieces: [UInt16] = []
                for first in stride(from: 0, to: stored.bits.count, by: packing.unit) {
                    let last = min(first + packing.unit, stored.bits.count)
                    #expect(packing.offset(of: first, type(number)) == pieces.count * 2)
                    pieces += packed(Stored(number, bits: Array(stored.bits[first..<last])), packing)
                }
                #expect(pieces == whole)
            }
        }
    }

    @Test func `no packing takes more memory than is reserved for it`() {
        for shape in [[1, 1], [1, 3], [16, 1], [17, 33], [5, 3, 3, 3], [320, 4, 3, 3], [8, 8, 1, 1]] {
            let (inputs, positions) = (shape[1], shape.dropFirst(2).reduce(1, *))
            let packings: [WeightPacking] = [.panels(inputs: inputs, positions: positions)]
                + (positions == 1 ? [.pairs(inputs: inputs)] : [])
            for packing in packings {
                for number in storedNumbers {
                    let bytes = packing.bytes(shape.reduce(1, *), of: type(number))
                    #expect(bytes <= WeightPacking.most(shape) * MemoryLayout<Float>.stride, "\(shape)")
                }
            }
        }
    }
}

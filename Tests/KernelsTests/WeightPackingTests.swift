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

/// The memory that packing fills, piece by piece; what it may not touch behind it is a mark.
private func packed(_ stored: Stored, _ packing: WeightPacking, units: Int? = nil) -> [UInt16] {
    _ = startedThreads
    let (count, type) = (stored.bits.count, type(stored.number))
    let bytes = packing.bytes(count, of: type)
    var memory = [UInt16](repeating: 0xdead, count: bytes / 2 + 64)
    let piece = units.map { $0 * packing.unit } ?? max(count, 1)
    unsafe memory.withUnsafeMutableBytes { memory in
        guard let base = memory.baseAddress else { return }
        for first in stride(from: 0, to: count, by: piece) {
            let elements = first..<min(first + piece, count)
            let file = Fenced(Stored(stored.number, bits: Array(stored.bits[elements])).bytes)
            withExtendedLifetime(file) {
                unsafe packing.pack(file.base, type, elements: elements, of: count, into: base)
            }
        }
    }
    #expect(memory[(bytes / 2)...].allSatisfy { $0 == 0xdead })
    return Array(memory[..<(bytes / 2)])
}

/// The halves that numbers are in memory.
private func halves<Number: BitwiseCopyable>(_ numbers: [Number]) -> [UInt16] {
    unsafe numbers.withUnsafeBytes { bytes in unsafe Array(bytes.bindMemory(to: UInt16.self)) }
}

/// From [outputs, inputs, positions] to [outputs, positions, inputs].
private func turned(_ stored: Stored, inputs: Int, positions: Int) -> Stored {
    let row = inputs * positions
    return Stored(
        stored.number,
        bits: stored.bits.indices.map { place in
            let (output, column) = place.quotientAndRemainder(dividingBy: row)
            return stored.bits[output * row + column % inputs * positions + column / inputs]
        })
}

private let sizes = [1, 2, 15, 16, 17, 33, 50].flatMap { outputs in [1, 2, 7, 16, 33].map { (outputs, $0) } }

@Suite struct WeightPackingTests {
    @Test func `fixed point has the scales of all outputs, then their pairs, at every tail`() {
        for number in storedNumbers {
            for (outputs, inputs) in sizes {
                for positions in [1, 9] {
                    var draw = Draw(seed: outputs * 100 + inputs)
                    let stored = draw.stored(number, outputs * inputs * positions)
                    let wanted = FixedPanels(
                        turned(stored, inputs: inputs, positions: positions), outputs: outputs,
                        inputs: inputs * positions)
                    let found = packed(stored, .fixed(inputs: inputs, positions: positions))
                    #expect(
                        found == halves(wanted.scales) + halves(wanted.pairs),
                        "[\(outputs), \(inputs), \(positions)] of \(number)")
                }
            }
        }
    }

    @Test func `kernels for fixed point have the scales of all outputs, then what is stored`() {
        for number in storedNumbers {
            for (outputs, inputs) in sizes {
                var draw = Draw(seed: outputs * 100 + inputs)
                let stored = draw.stored(number, outputs * inputs * 9)
                let wanted = FixedKernels(
                    turned(stored, inputs: inputs, positions: 9), outputs: outputs, inputs: inputs)
                let panels = packed(stored, .panels(inputs: inputs, positions: 9))
                let found = packed(stored, .fixedKernels(inputs: inputs))
                #expect(found == halves(wanted.scales) + panels, "[\(outputs), \(inputs)] of \(number)")
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

    /// As tensors are read: in pieces that begin at units, each to its place.
    @Test(arguments: [1, 2, 3]) func `a tensor packed in pieces is the tensor packed at once`(units: Int) {
        let (outputs, inputs) = (53, 7)
        for number in storedNumbers {
            for packing in [
                WeightPacking.panels(inputs: inputs, positions: 9), .fixed(inputs: inputs, positions: 9),
                .fixed(inputs: 9 * inputs, positions: 1), .fixedKernels(inputs: inputs),
            ] {
                var draw = Draw(seed: units)
                let stored = draw.stored(number, outputs * inputs * 9)
                #expect(packing.unit == 16 * inputs * 9 && packing.offset(of: 0, in: 1, type(number)) % 64 == 0)
                #expect(packed(stored, packing, units: units) == packed(stored, packing), "\(packing)")
            }
        }
    }

    @Test func `a convolution's weights are packed for the way that it goes`() {
        let ways: [(outputs: Int, inputs: Int, kernel: Int, stride: Int, isForWinograd: Bool)] = [
            (16, 16, 3, 1, true), (320, 640, 3, 1, true), (16, 16, 3, 2, false), (16, 4, 3, 1, false),
            (4, 16, 3, 1, false), (16, 16, 1, 1, false), (3, 5, 1, 1, false),
        ]
        for (outputs, inputs, kernel, stride, isForWinograd) in ways {
            let window = Window(kernel: kernel, stride: stride, before: 0, after: 0, doubled: false)
            let packings = [Precision.f32, .int16].map {
                WeightPacking.convolution($0, outputs: outputs, inputs: inputs, window: window)
            }
            let fixed = WeightPacking.fixed(inputs: inputs, positions: kernel * kernel)
            #expect(packings[0] == .panels(inputs: inputs, positions: kernel * kernel))
            #expect(packings[1] == (isForWinograd ? .fixedKernels(inputs: inputs) : fixed))
        }
    }

    @Test func `no packing takes more memory than is reserved for it`() {
        for shape in [
            [1, 1], [1, 3], [16, 1], [17, 33], [5, 3, 3, 3], [320, 4, 3, 3], [8, 8, 1, 1], [16, 16, 3, 3],
        ] {
            let (inputs, positions) = (shape[1], shape.dropFirst(2).reduce(1, *))
            let packings: [WeightPacking] =
                [
                    .panels(inputs: inputs, positions: positions), .fixed(inputs: inputs, positions: positions),
                ] + (positions == 9 ? [.fixedKernels(inputs: inputs)] : [])
            for packing in packings {
                for number in storedNumbers {
                    let bytes = packing.bytes(shape.reduce(1, *), of: type(number))
                    #expect(bytes <= WeightPacking.most(shape), "\(shape)")
                }
            }
        }
    }
}

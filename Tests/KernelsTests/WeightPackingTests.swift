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
                let place = unsafe base + packing.offset(of: first, in: count, type)
                let isInPlace = packing.isInPlace(type)
                if isInPlace { unsafe place.copyMemory(from: file.base, byteCount: elements.count * type.size) }
                unsafe packing.pack(
                    isInPlace ? UnsafeRawPointer(place) : file.base, type, elements: elements, of: count, into: base)
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

/// The halves that stored numbers are in memory.
private func halves(_ stored: Stored) -> [UInt16] { halves(stored.bytes) }

private let sizes = [1, 2, 15, 16, 17, 33, 50].flatMap { outputs in [1, 2, 7, 16, 33].map { (outputs, $0) } }

@Suite struct WeightPackingTests {
    @Test func `fixed point has the scales of all outputs, then their pairs, at every tail`() {
        for number in storedNumbers {
            for (outputs, inputs) in sizes {
                for positions in [1, 9] {
                    var draw = Draw(seed: outputs * 100 + inputs)
                    let stored = draw.stored(number, outputs * inputs * positions)
                    let wanted = FixedPanels(
                        stored.turned(inputs, positions), outputs: outputs, inputs: inputs * positions)
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
                let turned = stored.turned(inputs, 9)
                let wanted = FixedKernels(turned, outputs: outputs, inputs: inputs)
                let panels = Panels(turned, outputs: outputs, inputs: 9 * inputs).stored
                let found = packed(stored, .fixedKernels(inputs: inputs))
                #expect(found == halves(wanted.scales) + halves(panels), "[\(outputs), \(inputs)] of \(number)")
            }
        }
    }

    @Test func `weights for f32 are what is stored, in its place`() {
        for number in storedNumbers {
            for count in [1, 2, 17, 300] {
                var draw = Draw(seed: count)
                let stored = draw.stored(number, count)
                #expect(WeightPacking.stored.isInPlace(type(number)) && WeightPacking.stored.unit == 1)
                #expect(packed(stored, .stored) == halves(stored), "\(count) of \(number)")
                #expect(packed(stored, .stored, units: 5) == halves(stored), "\(count) of \(number), in pieces")
                #expect(packed(stored, .floats, units: 5) == halves(Stored(stored.floats)), "\(count) of \(number)")
            }
        }
    }

    /// As tensors are read: in pieces that begin at units, each to its place.
    @Test(arguments: [1, 2, 3]) func `a tensor packed in pieces is the tensor packed at once`(units: Int) {
        let (outputs, inputs) = (53, 7)
        for number in storedNumbers {
            for packing in [
                WeightPacking.fixed(inputs: inputs, positions: 9), .fixed(inputs: 9 * inputs, positions: 1),
                .fixedKernels(inputs: inputs),
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
            #expect(packings[0] == .stored)
            #expect(packings[1] == (isForWinograd ? .fixedKernels(inputs: inputs) : fixed))
        }
    }

    @Test func `no packing takes more memory than is reserved for it`() {
        for shape in [
            [1, 1], [1, 3], [16, 1], [17, 33], [5, 3, 3, 3], [320, 4, 3, 3], [8, 8, 1, 1], [16, 16, 3, 3],
        ] {
            let (inputs, positions) = (shape[1], shape.dropFirst(2).reduce(1, *))
            let packings: [WeightPacking] =
                [.stored, .floats, .fixed(inputs: inputs, positions: positions)]
                + (positions == 9 ? [.fixedKernels(inputs: inputs)] : [])
            for packing in packings {
                for number in storedNumbers {
                    let bytes = packing.bytes(shape.reduce(1, *), of: type(number))
                    #expect(bytes <= WeightPacking.most(shape), "\(shape)")
                }
            }
        }
    }
}

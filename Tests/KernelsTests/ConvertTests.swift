import CKernels
import Kernels
import Testing

/// The value of a binary16 number by its definition; NaN keeps its payload.
private func value(ofHalf bits: UInt16) -> UInt32 {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 0x1f)
    let fraction = UInt32(bits & 0x3ff)
    if exponent == 31 {
        return UInt32(bits & 0x8000) << 16 | 0x7f80_0000 | fraction << 13
    }
    let significand = Float(exponent == 0 ? fraction : fraction + 1024)
    let scale = Float(sign: .plus, exponent: max(exponent, 1) - 25, significand: 1)
    return (sign * significand * scale).bitPattern
}

@Test func `every binary16 number widens to its value, at every length of the tail`() {
    let halves = (0...UInt16.max).map { $0 }
    var floats = [Float](repeating: 0, count: halves.count)
    unsafe dseg_widen_f16(halves, &floats, halves.count)
    #expect(halves.allSatisfy { floats[Int($0)].bitPattern == value(ofHalf: $0) })

    for start in [0, 1, 1023, 31743] {
        for count in 0...67 {
            let piece = Array(halves[start..<(start + count)])
            var widened = [Float](repeating: .infinity, count: count + 1)
            unsafe dseg_widen_f16(piece, &widened, count)
            #expect(widened.dropLast().map(\.bitPattern) == piece.map(value(ofHalf:)))
            #expect(widened[count] == .infinity)
        }
    }
}

@Test func `every bfloat16 number widens to the float whose upper half it is`() {
    let halves = (0...UInt16.max).map { $0 }
    var floats = [Float](repeating: 0, count: halves.count)
    unsafe dseg_widen_bf16(halves, &floats, halves.count)
    #expect(halves.allSatisfy { floats[Int($0)].bitPattern == UInt32($0) << 16 })
}

@Test(arguments: [(1, 1, 1), (3, 4, 9), (5, 1, 9), (2, 7, 4), (4, 320, 9), (0, 3, 9)])
func `a packed convolution holds input i of position p where im2col meets it`(
    outputs: Int, inputs: Int, positions: Int
) {
    let count = outputs * inputs * positions
    let stored = (0..<count).map { Float($0) }
    var packed = stored + [-1]
    var scratch = [Float](repeating: 0, count: inputs * positions)
    unsafe dseg_pack_convolution(&packed, &scratch, outputs, inputs, positions)
    for output in 0..<outputs {
        for input in 0..<inputs {
            for position in 0..<positions {
                let before = (output * inputs + input) * positions + position
                let after = (output * positions + position) * inputs + input
                #expect(packed[after] == stored[before])
            }
        }
    }
    #expect(packed[count] == -1)
}

@Test func `a region aligns and accounts for what it hands out, and refuses the rest`() throws {
    let region = try WeightRegion(capacity: 3 * 64)
    let first = unsafe try region.allocate(bytes: 1)
    let second = unsafe try region.allocate(bytes: 68)
    let address = UInt(bitPattern: first)
    #expect(address.isMultiple(of: 64))
    #expect(UInt(bitPattern: second) == address + 64)
    let zeroes = unsafe UnsafeRawBufferPointer(start: second, count: 68).allSatisfy { $0 == 0 }
    #expect(zeroes)
    #expect(region.bytesUsed == 3 * 64)
    #expect(throws: WeightRegionError.exhausted(wanted: 64, left: 0)) {
        _ = unsafe try region.allocate(bytes: 1)
    }
    #expect(region.bytesUsed == 3 * 64)
}

@Test func `a region may be larger than memory, not than the address space`() throws {
    #expect(throws: WeightRegionError.self) { _ = try WeightRegion(capacity: .max) }
    #expect(throws: WeightRegionError.self) { _ = try WeightRegion(capacity: 1 << 60) }
    let region = try WeightRegion(capacity: 1 << 40)
    let bytes = unsafe try region.allocate(bytes: 1 << 32)
    unsafe bytes.storeBytes(of: 1, toByteOffset: (1 << 32) - 1, as: UInt8.self)
    let kept = unsafe bytes.load(fromByteOffset: (1 << 32) - 1, as: UInt8.self)
    #expect(kept == 1)
}

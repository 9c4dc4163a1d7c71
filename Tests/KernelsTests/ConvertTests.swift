import CKernels
import Kernels
import Testing

@Test func `every binary16 number widens to its value, at every length of the tail`() {
    let halves = (0...UInt16.max).map { $0 }
    var floats = [Float](repeating: 0, count: halves.count)
    unsafe dseg_widen_f16(halves, &floats, halves.count)
    #expect(halves.allSatisfy { floats[Int($0)].bitPattern == widened(half: $0) })

    for start in [0, 1, 1023, 31743] {
        for count in 0...67 {
            let piece = Array(halves[start..<(start + count)])
            var floats = [Float](repeating: .infinity, count: count + 1)
            unsafe dseg_widen_f16(piece, &floats, count)
            #expect(floats.dropLast().map(\.bitPattern) == piece.map(widened(half:)))
            #expect(floats[count] == .infinity)
        }
    }
}

@Test func `every bfloat16 number widens to the float whose upper half it is`() {
    let halves = (0...UInt16.max).map { $0 }
    var floats = [Float](repeating: 0, count: halves.count)
    unsafe dseg_widen_bf16(halves, &floats, halves.count)
    #expect(halves.allSatisfy { floats[Int($0)].bitPattern == UInt32($0) << 16 })
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
    #expect(throws: WeightRegionError(wanted: 64, left: 0)) {
        _ = unsafe try region.allocate(bytes: 1)
    }
    #expect(region.bytesUsed == 3 * 64)
}

@Test func `a region may be larger than memory, not than the address space`() throws {
    #expect(throws: AddressSpaceError.self) { _ = try WeightRegion(capacity: .max) }
    #expect(throws: AddressSpaceError.self) { _ = try WeightRegion(capacity: 1 << 60) }
    let region = try WeightRegion(capacity: 1 << 40)
    let bytes = unsafe try region.allocate(bytes: 1 << 32)
    unsafe bytes.storeBytes(of: 1, toByteOffset: (1 << 32) - 1, as: UInt8.self)
    let kept = unsafe bytes.load(fromByteOffset: (1 << 32) - 1, as: UInt8.self)
    #expect(kept == 1)
}

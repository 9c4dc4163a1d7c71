import CKernels
import Kernels
import Testing

/// What unpacking panels gives: the law that packing is held to.
private func unpacked<Element: FixedWidthInteger>(
    _ panels: [Element], outputs: Int, inputs: Int, positions: Int
) -> [Element] {
    (0..<outputs).flatMap { output in
        (0..<inputs).flatMap { input in
            (0..<positions).map { position in
                let column = (output / 16 * positions + position) * inputs + input
                return panels[column * 16 + output % 16]
            }
        }
    }
}

/// Packs numbers that are all distinct and none zero, and holds the panels against the law.
private func expectRoundTrip<Element: FixedWidthInteger>(
    _ type: Element.Type, outputs: Int, inputs: Int, positions: Int
) {
    let columns = inputs * positions
    let stored = (0..<outputs * columns).map { Element(truncatingIfNeeded: $0 &* 2 &+ 1) }
    let room = (outputs + 15) / 16 * 16 * columns
    var panels = [Element](repeating: 0xaa, count: room + 16)
    unsafe dseg_pack_panels(stored, MemoryLayout<Element>.size, outputs, inputs, positions, &panels)
    #expect(
        unpacked(panels, outputs: outputs, inputs: inputs, positions: positions) == stored,
        "[\(outputs), \(inputs), \(positions)]")
    let missing = outputs % 16 == 0 ? 0 : 16 - outputs % 16
    #expect(panels[..<room].count { $0 == 0 } == missing * columns)
    #expect(panels[room...].allSatisfy { $0 == 0xaa })
}

@Suite struct PackTests {
    @Test(arguments: [1, 2, 4, 9])
    func `unpacking panels gives the matrix back, and zeros where no output is`(positions: Int) {
        for outputs in [0, 1, 7, 15, 16, 17, 31, 32, 33, 40] {
            for inputs in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33] {
                expectRoundTrip(UInt16.self, outputs: outputs, inputs: inputs, positions: positions)
                expectRoundTrip(UInt32.self, outputs: outputs, inputs: inputs, positions: positions)
            }
        }
    }

    @Test func `a matrix packed in parts that begin at panels is the matrix packed at once`() {
        let (outputs, inputs, positions) = (53, 11, 9)
        let row = inputs * positions
        let stored = (0..<outputs * row).map { UInt16($0) }
        var whole = [UInt16](repeating: 1, count: 64 * row)
        unsafe dseg_pack_panels(stored, 2, outputs, inputs, positions, &whole)
        var parts: [UInt16] = []
        for first in [0, 16, 48] {
            let end = first == 0 ? 16 : min(first + 32, outputs)
            var part = [UInt16](repeating: 1, count: (end - first + 15) / 16 * 16 * row)
            unsafe dseg_pack_panels(
                Array(stored[first * row..<end * row]), 2, end - first, inputs, positions, &part)
            parts += part
        }
        #expect(parts == whole)
    }

    @Test func `neither side needs alignment`() {
        let (outputs, inputs) = (16, 24)
        let stored = (0..<outputs * inputs * 2 + 1).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        var aligned = [UInt8](repeating: 0, count: outputs * inputs * 2)
        unsafe dseg_pack_panels(Array(stored.dropFirst()), 2, outputs, inputs, 1, &aligned)
        var shifted = [UInt8](repeating: 0, count: outputs * inputs * 2 + 1)
        unsafe stored.withUnsafeBytes { stored in
            unsafe shifted.withUnsafeMutableBytes { shifted in
                guard let from = stored.baseAddress, let to = shifted.baseAddress else { return }
                unsafe dseg_pack_panels(from + 1, 2, outputs, inputs, 1, to + 1)
            }
        }
        #expect(Array(shifted.dropFirst()) == aligned)
    }
}

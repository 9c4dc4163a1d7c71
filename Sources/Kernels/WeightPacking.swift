import CKernels

/// How a tensor's numbers lie in memory once they are read from its file.
package enum WeightPacking: Sendable {
    /// f32, in the file's order.
    case floats
    /// From [outputs, inputs, positions] to ``PackedWeights`` as stored; a kernel of k by k has k² positions.
    case panels(inputs: Int, positions: Int)
    /// From [outputs, inputs] to ``PackedWeights`` in pairs of bf16.
    case pairs(inputs: Int)
    /// As stored, in the file's order.
    case table

    /// The elements that are packed together: a tensor is read in pieces that begin at multiples of it.
    package var unit: Int {
        switch self {
        case .floats, .table: 1
        case .panels(let inputs, let positions): max(1, PackedWeights.width * inputs * positions)
        case .pairs(let inputs): max(1, PackedWeights.width * inputs)
        }
    }

    /// The memory that `count` elements of the type take.
    package func bytes(_ count: Int, of type: StoredFloats) -> Int {
        switch self {
        case .floats: count * MemoryLayout<Float>.stride
        case .panels: (count + unit - 1) / unit * unit * type.size
        case .pairs(let inputs): (count + unit - 1) / unit * Self.pairBytes(inputs: inputs)
        case .table: count * type.size
        }
    }

    /// The most elements that memory holds for a tensor of the shape, however it is packed: the last panel's zeros
    /// counted.
    package static func most(_ shape: [Int]) -> Int {
        guard shape.count > 1, !shape.contains(0) else { return shape.reduce(1, *) }
        let panels = (shape[0] + PackedWeights.width - 1) / PackedWeights.width
        return shape[1...].reduce(panels * PackedWeights.width, *)
    }

    /// Where in a tensor's memory its elements from `first` on go, `first` being a multiple of ``unit``.
    package func offset(of first: Int, _ type: StoredFloats) -> Int {
        bytes(first, of: type)
    }

    /// Whether elements of the type are read to where they will stay, and not to a buffer first.
    package func isInPlace(_ type: StoredFloats) -> Bool {
        switch self {
        case .floats: type == .f32
        case .panels, .pairs: false
        case .table: true
        }
    }

    /// Packs `count` stored elements from the beginning of a ``unit`` to `memory`, which is `stored` itself where the
    /// type is read in place.
    package func pack(
        _ stored: UnsafeRawPointer, _ type: StoredFloats, count: Int, into memory: UnsafeMutableRawPointer
    ) {
        switch self {
        case .floats:
            unsafe type.widen(stored, into: memory.assumingMemoryBound(to: Float.self), count: count)
        case .panels(let inputs, let positions):
            let outputs = count / max(1, inputs * positions)
            unsafe dseg_pack_panels(stored, type.size, outputs, inputs, positions, memory)
        case .pairs(let inputs):
            unsafe packPairs(stored, type, outputs: count / max(1, inputs), inputs: inputs, into: memory)
        case .table:
            unsafe precondition(stored == UnsafeRawPointer(memory), "a table is read in place")
        }
    }

    /// The bytes of a panel in pairs.
    private static func pairBytes(inputs: Int) -> Int {
        (inputs + 1) / 2 * 2 * PackedWeights.width * StoredFloats.bf16.size
    }

    /// Packs panel by panel, each as it is stored first and rounded then.
    private func packPairs(
        _ stored: UnsafeRawPointer, _ type: StoredFloats, outputs: Int, inputs: Int,
        into memory: UnsafeMutableRawPointer
    ) {
        let panel = UnsafeMutableRawPointer.allocate(
            byteCount: unit * type.size, alignment: WeightRegion.alignment)
        defer { unsafe panel.deallocate() }
        for (index, first) in stride(from: 0, to: outputs, by: PackedWeights.width).enumerated() {
            unsafe dseg_pack_panels(
                stored + first * inputs * type.size, type.size, min(PackedWeights.width, outputs - first), inputs, 1,
                panel)
            let pairs = unsafe memory + index * Self.pairBytes(inputs: inputs)
            unsafe dseg_narrow_to_pairs(panel, type.c, 1, inputs, pairs.assumingMemoryBound(to: UInt16.self))
        }
    }
}

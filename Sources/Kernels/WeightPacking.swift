import CKernels

/// How a tensor's numbers lie in memory once they are read from its file.
package enum WeightPacking: Sendable {
    /// f32, in the file's order.
    case floats
    /// f32, from [outputs, inputs, positions] to [outputs, positions · inputs]; a kernel of k by k has k² positions.
    case convolution(inputs: Int, positions: Int)
    /// As stored, from [outputs, inputs, positions] to ``WeightPanels``.
    case panels(inputs: Int, positions: Int)
    /// As stored, in the file's order.
    case table

    /// The elements that are packed together: a tensor is read in pieces that begin at multiples of it.
    package var unit: Int {
        switch self {
        case .floats, .table: 1
        case .convolution(let inputs, let positions): max(1, inputs * positions)
        case .panels(let inputs, let positions): max(1, WeightPanels.width * inputs * positions)
        }
    }

    /// The memory that `count` elements of the type take.
    package func bytes(_ count: Int, of type: StoredFloats) -> Int {
        switch self {
        case .floats, .convolution: count * MemoryLayout<Float>.stride
        case .panels: (count + unit - 1) / unit * unit * type.size
        case .table: count * type.size
        }
    }

    /// The most elements that memory holds for a tensor of the shape, however it is packed: the last panel's zeros
    /// counted.
    package static func most(_ shape: [Int]) -> Int {
        guard shape.count > 1, !shape.contains(0) else { return shape.reduce(1, *) }
        let panels = (shape[0] + WeightPanels.width - 1) / WeightPanels.width
        return shape[1...].reduce(panels * WeightPanels.width, *)
    }

    /// Where in a tensor's memory its elements from `first` on go, `first` being a multiple of ``unit``.
    package func offset(of first: Int, _ type: StoredFloats) -> Int {
        bytes(first, of: type)
    }

    /// Whether elements of the type are read to where they will stay, and not to a buffer first.
    package func isInPlace(_ type: StoredFloats) -> Bool {
        switch self {
        case .floats, .convolution: type == .f32
        case .panels: false
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
        case .convolution(let inputs, let positions):
            let floats = unsafe memory.assumingMemoryBound(to: Float.self)
            unsafe type.widen(stored, into: floats, count: count)
            let scratch = UnsafeMutablePointer<Float>.allocate(capacity: unit)
            defer { unsafe scratch.deallocate() }
            unsafe dseg_pack_convolution(floats, scratch, count / unit, inputs, positions)
        case .panels(let inputs, let positions):
            let outputs = count / max(1, inputs * positions)
            unsafe dseg_pack_panels(stored, type.size, outputs, inputs, positions, memory)
        case .table:
            unsafe precondition(stored == UnsafeRawPointer(memory), "a table is read in place")
        }
    }
}

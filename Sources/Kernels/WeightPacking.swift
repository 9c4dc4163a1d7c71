import CKernels

/// How a tensor's numbers lie in memory once they are read from its file.
package enum WeightPacking: Sendable {
    /// f32, in the file's order.
    case floats
    /// From [outputs, inputs, positions] to ``PackedWeights``; a kernel of k by k has k² positions.
    case panels(inputs: Int, positions: Int, precision: Precision)
    /// As stored, in the file's order.
    case table

    /// The elements that are packed together: a tensor is read in pieces that begin at multiples of it.
    package var unit: Int {
        switch self {
        case .floats, .table: 1
        case .panels(let inputs, let positions, _): max(1, PackedWeights.width * inputs * positions)
        }
    }

    /// The memory that `count` elements of the type take.
    package func bytes(_ count: Int, of type: StoredFloats) -> Int {
        switch self {
        case .floats: count * MemoryLayout<Float>.stride
        case .panels(let inputs, let positions, _):
            (count + unit - 1) / unit * panelBytes(columns: inputs * positions, of: type)
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
        case .panels(let inputs, let positions, _):
            let outputs = count / max(1, inputs * positions)
            if numbers(of: type) == .stored(type) {
                unsafe dseg_pack_panels(stored, type.size, outputs, inputs, positions, memory)
            } else {
                unsafe narrow(stored, type, outputs: outputs, columns: (inputs, positions), into: memory)
            }
        case .table:
            unsafe precondition(stored == UnsafeRawPointer(memory), "a table is read in place")
        }
    }

    /// How packed numbers are held that a file stores as `type`.
    ///
    /// Products of one position are multiplied in bf16 where that is wanted. Convolutions keep f32 products, of which
    /// Winograd's way saves more than bf16 does, and their weights take half the memory all the same.
    package func numbers(of type: StoredFloats) -> PackedNumbers {
        guard case .panels(_, let positions, .bf16) = self else { return .stored(type) }
        return positions == 1 ? .bf16Pairs : .stored(.bf16)
    }

    private func panelBytes(columns: Int, of type: StoredFloats) -> Int {
        let numbers = numbers(of: type)
        let held = numbers == .bf16Pairs ? (columns + 1) / 2 * 2 : columns
        return held * PackedWeights.width * numbers.size
    }

    /// Packs panel by panel, each as it is stored first and rounded then.
    private func narrow(
        _ stored: UnsafeRawPointer, _ type: StoredFloats, outputs: Int, columns: (inputs: Int, positions: Int),
        into memory: UnsafeMutableRawPointer
    ) {
        let panel = UnsafeMutableRawPointer.allocate(
            byteCount: unit * type.size, alignment: WeightRegion.alignment)
        defer { unsafe panel.deallocate() }
        let width = columns.inputs * columns.positions
        let step = panelBytes(columns: width, of: type)
        for (index, first) in stride(from: 0, to: outputs, by: PackedWeights.width).enumerated() {
            unsafe dseg_pack_panels(
                stored + first * width * type.size, type.size, min(PackedWeights.width, outputs - first),
                columns.inputs, columns.positions, panel)
            let halves = unsafe (memory + index * step).assumingMemoryBound(to: UInt16.self)
            if numbers(of: type) == .bf16Pairs {
                unsafe dseg_narrow_to_pairs(panel, type.c, 1, width, halves)
            } else {
                unsafe dseg_narrow_to_bf16(panel, type.c, width * PackedWeights.width, halves)
            }
        }
    }
}

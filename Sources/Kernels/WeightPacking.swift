import CKernels

/// How a tensor's numbers lie in memory once they are read from its file.
package enum WeightPacking: Sendable {
    /// f32, in the file's order.
    case floats
    /// f32, from [outputs, inputs, positions] to [outputs, positions · inputs]; a kernel of k by k has k² positions.
    case convolution(inputs: Int, positions: Int)

    /// The elements that are packed together: a tensor is read in pieces that are multiples of it.
    package var unit: Int {
        switch self {
        case .floats: 1
        case .convolution(let inputs, let positions): max(1, inputs * positions)
        }
    }

    /// The memory that `count` elements take.
    package func bytes(_ count: Int) -> Int {
        count * MemoryLayout<Float>.stride
    }

    /// Whether elements of the type are read to where they will stay, and not to a buffer first.
    package func isInPlace(_ type: StoredFloats) -> Bool {
        type == .f32
    }

    /// Where in a tensor's memory its elements from `first` on go, `first` being a multiple of ``unit``.
    package func offset(_ first: Int) -> Int {
        bytes(first)
    }

    /// Packs `count` stored elements, a multiple of ``unit``, to `memory`, which is `stored` itself where the type is
    /// read in place.
    package func pack(
        _ stored: UnsafeRawPointer, _ type: StoredFloats, count: Int, into memory: UnsafeMutableRawPointer
    ) {
        let floats = unsafe memory.assumingMemoryBound(to: Float.self)
        unsafe type.widen(stored, into: floats, count: count)
        if case .convolution(let inputs, let positions) = self {
            let scratch = UnsafeMutablePointer<Float>.allocate(capacity: unit)
            defer { unsafe scratch.deallocate() }
            unsafe dseg_pack_convolution(floats, scratch, count / unit, inputs, positions)
        }
    }
}

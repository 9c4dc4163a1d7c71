import CKernels

/// The layout of a tensor in memory, once it is read from its file.
package enum WeightPacking: Sendable, Equatable {
    /// Widened to f32, in the file's order.
    case floats
    /// As stored, in the file's order.
    case stored
    /// From [outputs, inputs, positions] to scales, then panels of 16-bit integers; a kernel of k by k has k²
    /// positions.
    case fixed(inputs: Int, positions: Int)
    /// From [outputs, inputs, 9] to scales of the transformed kernels, then panels as stored: for Winograd convolutions
    /// in fixed point, which quantize kernels once transformed.
    case fixedKernels(inputs: Int)

    /// The layout of a convolution's weights, by precision, and whether Winograd's algorithm computes it.
    package static func convolution(
        _ precision: Precision, outputs: Int, inputs: Int, window: Window
    ) -> WeightPacking {
        let positions = window.kernel * window.kernel
        return switch precision {
        case .f32: .stored
        case .int16:
            window.isForWinograd(from: inputs, to: outputs)
                ? .fixedKernels(inputs: inputs) : .fixed(inputs: inputs, positions: positions)
        }
    }

    /// The arithmetic of products with weights in this layout.
    package var precision: Precision {
        switch self {
        case .floats, .stored: .f32
        case .fixed, .fixedKernels: .int16
        }
    }

    /// Whether the panels hold integers, so that products quantize their inputs. The panels of
    /// ``fixedKernels(inputs:)`` do not.
    var isFixed: Bool { if case .fixed = self { true } else { false } }

    /// Elements of an output.
    private var outputElements: Int {
        switch self {
        case .floats, .stored: 1
        case .fixed(let inputs, let positions): max(1, inputs * positions)
        case .fixedKernels(let inputs): max(1, inputs * 9)
        }
    }

    /// Elements of a panel, or 1 without panels: a tensor is read in pieces that begin at multiples of this.
    package var unit: Int {
        switch self {
        case .floats, .stored: 1
        case .fixed, .fixedKernels: WeightMatrix.width * outputElements
        }
    }

    /// Scales of a panel.
    private var panelScales: Int {
        switch self {
        case .floats, .stored: 0
        case .fixed: WeightMatrix.width
        case .fixedKernels: dseg_frequencies * WeightMatrix.width
        }
    }

    /// The bytes of a panel of elements of the type, without its scales.
    private func panelBytes(_ type: StoredFloats) -> Int {
        if isFixed { return dseg_panel_rows(outputElements) * WeightMatrix.width * MemoryLayout<Int32>.stride }
        return unit * type.size
    }

    private func panels(_ count: Int) -> Int { (count + unit - 1) / unit }

    /// The bytes of the scales before a tensor of `count` elements.
    func scaleBytes(_ count: Int) -> Int { panels(count) * panelScales * MemoryLayout<Float>.stride }

    /// The memory that a tensor of `count` elements of the type takes.
    package func bytes(_ count: Int, of type: StoredFloats) -> Int {
        switch self {
        case .floats: count * MemoryLayout<Float>.stride
        case .stored: count * type.size
        case .fixed, .fixedKernels: scaleBytes(count) + panels(count) * panelBytes(type)
        }
    }

    /// An upper bound of the memory that a tensor of the shape takes in any layout.
    package static func most(_ shape: [Int]) -> Int {
        guard shape.count > 1, !shape.contains(0) else { return shape.reduce(MemoryLayout<Float>.stride, *) }
        let rows = (shape[0] + WeightMatrix.width - 1) / WeightMatrix.width * WeightMatrix.width
        let numbers = shape[1...].reduce(1, *) + 1 + dseg_frequencies
        return rows * numbers * MemoryLayout<Float>.stride
    }

    /// Whether the file is read straight into the tensor's memory, without a buffer.
    package func isInPlace(_ type: StoredFloats) -> Bool {
        switch self {
        case .floats: type == .f32
        case .stored: true
        case .fixed, .fixedKernels: false
        }
    }

    /// Where in a tensor's memory its elements from `first` on go, `first` being a multiple of ``unit``.
    ///
    /// - Parameter count: the tensor's elements
    package func offset(of first: Int, in count: Int, _ type: StoredFloats) -> Int {
        switch self {
        case .floats, .stored: bytes(first, of: type)
        case .fixed, .fixedKernels: scaleBytes(count) + panels(first) * panelBytes(type)
        }
    }

    /// Packs stored elements from the beginning of a ``unit`` on into a tensor's memory.
    ///
    /// - Parameters:
    ///   - stored: the elements; where they are read in place, their part of `memory`
    ///   - elements: the range of them in the tensor
    ///   - count: the tensor's elements
    package func pack(
        _ stored: UnsafeRawPointer, _ type: StoredFloats, elements: Range<Int>, of count: Int,
        into memory: UnsafeMutableRawPointer
    ) {
        let place = unsafe memory + offset(of: elements.lowerBound, in: count, type)
        let scales =
            unsafe memory.assumingMemoryBound(to: Float.self)
            + panels(elements.lowerBound) * panelScales
        let outputs = elements.count / outputElements
        switch self {
        case .floats:
            unsafe type.widen(stored, into: place.assumingMemoryBound(to: Float.self), count: elements.count)
        case .stored:
            unsafe precondition(stored == UnsafeRawPointer(place), "what stays as stored is read in place")
        case .fixed(let inputs, let positions):
            unsafe quantize(stored, type, outputs, inputs, positions, into: place, scales)
        case .fixedKernels(let inputs):
            unsafe dseg_pack_panels(stored, type.size, outputs, inputs, 9, place)
            unsafe dseg_compute_kernel_scales(place, type.c, panels(elements.count), inputs, scales)
        }
    }

    /// Packs one panel at a time as stored, and quantizes it.
    private func quantize(
        _ stored: UnsafeRawPointer, _ type: StoredFloats, _ outputs: Int, _ inputs: Int, _ positions: Int,
        into memory: UnsafeMutableRawPointer, _ scales: UnsafeMutablePointer<Float>
    ) {
        let panel = UnsafeMutableRawPointer.allocate(
            byteCount: unit * type.size, alignment: WeightRegion.alignment)
        defer { unsafe panel.deallocate() }
        for (index, first) in stride(from: 0, to: outputs, by: WeightMatrix.width).enumerated() {
            unsafe dseg_pack_panels(
                stored + first * outputElements * type.size, type.size, min(WeightMatrix.width, outputs - first),
                inputs, positions, panel)
            let pairs = unsafe memory + index * panelBytes(type)
            unsafe dseg_quantize_panels(
                panel, type.c, 1, inputs * positions, pairs.assumingMemoryBound(to: Int32.self),
                scales + index * WeightMatrix.width)
        }
    }
}

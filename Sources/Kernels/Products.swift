import CKernels

/// A convolution's geometry: square kernel, zero padding.
package struct Window {
    package let kernel: Int
    package let stride: Int
    /// Zero rows above the map and zero columns left of it.
    package let before: Int
    /// Zero rows below the map and zero columns right of it.
    package let after: Int
    /// Whether the map is upsampled by 2 first (nearest neighbour).
    package let doubled: Bool

    package init(kernel: Int, stride: Int, before: Int, after: Int, doubled: Bool) {
        self.kernel = kernel
        self.stride = stride
        self.before = before
        self.after = after
        self.doubled = doubled
    }

    /// The length of the output along a side of `length` pixels.
    package func output(of length: Int) -> Int {
        (length * (doubled ? 2 : 1) + before + after - kernel) / stride + 1
    }

    /// Whether a convolution with this window runs Winograd's algorithm.
    func isForWinograd(from inputs: Int, to outputs: Int) -> Bool {
        dseg_is_for_winograd(kernel, stride, inputs, outputs)
    }

    fileprivate func c(_ x: FeatureMap, _ y: FeatureMap) -> dseg_window {
        precondition(y.height == output(of: x.height) && y.width == output(of: x.width), "the output's size")
        return dseg_window(
            height: x.height, width: x.width, out_height: y.height, out_width: y.width,
            kernel: kernel, stride: stride, before: before, doubled: doubled)
    }
}

extension Matrix {
    /// `y ← x wᵀ + bias`, where y is this matrix.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`, distinct from y
    ///   - weights: `[C', C]`
    ///   - bias: `[C']`
    package func setProduct(_ x: Matrix, _ weights: WeightMatrix, bias: WeightVector?, _ arena: inout Arena) {
        product(x, weights, bias: bias, adding: false, &arena)
    }

    /// `y ← y + x wᵀ + bias`; shapes as in `setProduct`.
    package func addProduct(_ x: Matrix, _ weights: WeightMatrix, bias: WeightVector?, _ arena: inout Arena) {
        product(x, weights, bias: bias, adding: true, &arena)
    }

    /// `y ← h gelu(g)`, where y is this matrix and `[h, g] = x wᵀ + bias`.
    ///
    /// - Parameters:
    ///   - x: `[N, C]`, distinct from y
    ///   - weights: `[2 C', C]`
    ///   - bias: `[2 C']`
    package func setGatedProduct(_ x: Matrix, _ weights: WeightMatrix, bias: WeightVector, _ arena: inout Arena) {
        precondition(x.rows == rows && x.columns == weights.columns && 2 * columns == weights.rows, "a gate's shapes")
        precondition(bias.count == weights.rows, "a bias's length")
        arena.scope { arena in
            if weights.packing.isFixed && columns % WeightMatrix.width == 0 {
                let inputs = unsafe arena.fixedInputs(x)
                unsafe dseg_fixed_gated_linear(inputs, weights.panels, bias.base, c)
            } else {
                let gates = arena.matrix(rows: rows, columns: weights.rows)
                gates.setProduct(x, weights, bias: bias, &arena)
                setGatedGELU(gates)
            }
        }
    }

    private func product(
        _ x: Matrix, _ weights: WeightMatrix, bias: WeightVector?, adding: Bool, _ arena: inout Arena
    ) {
        precondition(x.rows == rows && x.columns == weights.columns && columns == weights.rows, "a product's shapes")
        precondition(bias.map { $0.count == columns } ?? true, "a bias's length")
        arena.scope { arena in
            if weights.packing.isFixed {
                let inputs = unsafe arena.fixedInputs(x)
                unsafe dseg_fixed_linear(inputs, weights.panels, bias?.base, c, adding)
            } else {
                let scratch = unsafe arena.floats(dseg_linear_scratch(rows, x.columns, columns))
                unsafe dseg_linear(x.c, weights.stored, bias?.base, c, adding, scratch)
            }
        }
    }
}

extension FeatureMap {
    /// `y ← conv(x) + bias`, where y is this map, or `y ← y + conv(x) + bias` when adding.
    ///
    /// - Parameters:
    ///   - x: `[H·W, C]`, distinct from y
    ///   - weights: `[C', k·k·C]`
    ///   - bias: `[C']`; nil: none
    package func convolve(
        _ x: FeatureMap, _ weights: WeightMatrix, bias: UnsafePointer<Float>?, window: Window, adding: Bool,
        _ arena: inout Arena
    ) {
        arena.scope { arena in
            unsafe convolve(x, nil, weights, bias: bias, window: window, adding: adding, &arena)
        }
    }

    /// `y ← conv(silu(norm(x))) + bias`, or `y ← y + conv(silu(norm(x))) + bias` when adding; shapes as above.
    ///
    /// Fused where Winograd's algorithm runs; else the whole map is normalised first.
    package func convolve(
        _ norm: GroupNormWeights, siluOf x: FeatureMap, _ weights: WeightMatrix, bias: UnsafePointer<Float>?,
        window: Window, adding: Bool, _ arena: inout Arena
    ) {
        arena.scope { arena in
            guard window.isForWinograd(from: x.channels, to: channels) else {
                let normalized = arena.featureMap(height: x.height, width: x.width, channels: x.channels)
                normalized.matrix.setGroupNorm(x.matrix, norm, silu: true, &arena)
                unsafe convolve(normalized, weights, bias: bias, window: window, adding: adding, &arena)
                return
            }
            var gains = unsafe norm.gains(x.matrix, &arena)
            unsafe convolve(x, &gains, weights, bias: bias, window: window, adding: adding, &arena)
        }
    }

    private func convolve(
        _ x: FeatureMap, _ gains: UnsafePointer<dseg_gains>?, _ weights: WeightMatrix, bias: UnsafePointer<Float>?,
        window: Window, adding: Bool, _ arena: inout Arena
    ) {
        precondition(
            weights.rows == channels && weights.columns == window.kernel * window.kernel * x.channels,
            "a convolution's shapes")
        let geometry = window.c(x, self)
        if weights.packing.precision == .int16 {
            let scratch = unsafe arena.floats(dseg_fixed_convolution_scratch(geometry, x.channels, channels))
            unsafe dseg_fixed_convolution(
                x.matrix.c, gains, geometry, weights.panels, bias, matrix.c, adding, scratch)
        } else {
            let scratch = unsafe arena.floats(dseg_convolution_scratch(geometry, x.channels, channels))
            unsafe dseg_convolution(x.matrix.c, gains, geometry, weights.stored, bias, matrix.c, adding, scratch)
        }
    }
}

extension WeightMatrix {
    /// As products in f32 read it.
    fileprivate var stored: dseg_weights {
        unsafe dseg_weights(base: base, number: type.c, outputs: rows, inputs: columns)
    }

    /// As products in fixed point read it.
    fileprivate var panels: dseg_panels {
        guard let scales = unsafe scales else { preconditionFailure("weights of \(packing) have no scales") }
        return unsafe dseg_panels(
            base: base, number: packing.isFixed ? dseg_fixed16 : type.c, outputs: rows, inputs: columns, scales: scales)
    }
}

extension Arena {
    /// A matrix quantized row by row, `[N, C]`.
    fileprivate mutating func fixedInputs(_ x: Matrix) -> dseg_fixed_inputs {
        let pairs = unsafe UnsafeMutableRawPointer(floats(x.rows * dseg_fixed_stride(x.columns)))
        let inputs = unsafe dseg_fixed_inputs(
            values: pairs.assumingMemoryBound(to: Int32.self), scales: floats(x.rows), rows: x.rows,
            columns: x.columns)
        unsafe dseg_quantize_inputs(x.c, inputs)
        return unsafe inputs
    }
}

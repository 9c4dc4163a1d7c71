import CKernels

/// Linear interpolation along a line of numbers: output i lies `weights[i]` of the way from number `first[i]` to the
/// next one.
package struct SampleLine {
    /// Numbers of the line.
    package let length: Int
    package let first: [UInt32]
    /// 0...1.
    package let weights: [Float]

    package init(length: Int, first: [UInt32], weights: [Float]) {
        precondition(first.count == weights.count && first.allSatisfy { Int($0) < length }, "samples beside the line")
        self.length = length
        self.first = first
        self.weights = weights
    }
}

/// How an enlarged map is rescaled.
package struct Rescaling: Sendable, Hashable {
    package enum Target: Sendable {
        /// 0...1: `(x - min) / (max - min + ε)`.
        case unit
        /// A largest score that is given for each map: `top x / (max + ε)`, where x is none below 0.
        case top
    }

    package let target: Target
    package let epsilon: Float

    package static let minMax = Rescaling(target: .unit, epsilon: 0)

    package init(target: Target, epsilon: Float) {
        (self.target, self.epsilon) = (target, epsilon)
    }

    /// - Parameter tops: of each map, for the target that needs them
    fileprivate func c(_ tops: [Float], _ body: (dseg_scale) -> Void) {
        unsafe tops.withUnsafeBufferPointer { tops in
            unsafe body(dseg_scale(tops: target == .top ? tops.baseAddress : nil, epsilon: epsilon))
        }
    }
}

/// Interpolates score maps bilinearly from one grid, `[h, w]`, to another, `[H, W]`, and rescales each.
package struct Enlargement {
    package let columns: SampleLine
    package let rows: SampleLine
    package let rescaling: Rescaling
    package var pixels: Int { columns.first.count * rows.first.count }

    package init(columns: SampleLine, rows: SampleLine, rescaling: Rescaling = .minMax) {
        self.columns = columns
        self.rows = rows
        self.rescaling = rescaling
    }

    /// The argmax over maps: where one exceeds `best`, `best` becomes its score and `index` its label.
    ///
    /// - Parameters:
    ///   - maps: of consecutive labels, `[K, h·w]`, and whatever is behind them
    ///   - count: K
    ///   - tops: the largest score that each map gets, where it is rescaled to one
    ///   - label: the first map's
    ///   - best: `[H·W]`, the largest scores so far
    ///   - index: `[H·W]`, their labels
    package func paint(
        _ maps: [Float], count: Int, tops: [Float] = [], from label: Int, best: inout [Float], index: inout [UInt8]
    ) {
        precondition(best.count == pixels && index.count == pixels, "maps of different sizes")
        precondition(label >= 0 && count >= 0 && label + count <= 256, "labels to \(label + count)")
        precondition(maps.count >= count * columns.length * rows.length, "maps of another grid")
        precondition(rescaling.target == .unit || tops.count == count, "\(tops.count) tops of \(count) maps")
        unsafe run(maps: count, tops) { scale, columns, rows, scratch in
            unsafe dseg_paint(maps, count, scale, columns, rows, UInt8(label), &best, &index, scratch)
        }
    }

    /// One map, `[h·w]`, interpolated and rescaled, `[H·W]`.
    ///
    /// - Parameter top: the largest score that it gets, where it is rescaled to one
    package func enlarged(_ map: [Float], top: Float = 1) -> [Float] {
        precondition(map.count == columns.length * rows.length, "\(map.count) scores")
        return unsafe [Float](unsafeUninitializedCapacity: pixels) { buffer, count in
            guard let y = buffer.baseAddress else { return }
            unsafe run(maps: 1, [top]) { scale, columns, rows, scratch in
                unsafe dseg_enlarge(map, scale, columns, rows, y, scratch)
            }
            count = pixels
        }
    }

    /// Runs a kernel with its scratch, some hundred KiB for the largest picture.
    private func run(
        maps: Int, _ tops: [Float], _ body: (dseg_scale, dseg_line, dseg_line, UnsafeMutablePointer<Float>) -> Void
    ) {
        unsafe lines { columns, rows in
            unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: dseg_paint_scratch(columns, rows, maps)) {
                guard let scratch = $0.baseAddress else { return }
                unsafe rescaling.c(tops) { scale in unsafe body(scale, columns, rows, scratch) }
            }
        }
    }

    func lines(_ body: (dseg_line, dseg_line) -> Void) {
        unsafe columns.withLine { columns in
            unsafe rows.withLine { rows in unsafe body(columns, rows) }
        }
    }
}

extension SampleLine {
    fileprivate func withLine(_ body: (dseg_line) -> Void) {
        unsafe first.withUnsafeBufferPointer { first in
            unsafe weights.withUnsafeBufferPointer { weights in
                guard let start = first.baseAddress, let weight = weights.baseAddress else { return }
                unsafe body(dseg_line(first: start, weight: weight, count: first.count, length: length))
            }
        }
    }
}

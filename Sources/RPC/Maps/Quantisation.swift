import CMessages

/// The quantisation of scores: IEEE halves for `f16`, else the score is `offset + scale * symbol`, computed in f64 and
/// rounded once to f32.
struct Quantisation {
    let encoding: Encoding
    let scale: Float
    let offset: Float

    /// Bytes of a symbol.
    var bytes: Int { encoding == .u8 ? 1 : 2 }

    private static func levels(of encoding: Encoding) -> UInt16 { encoding == .u8 ? 255 : 65535 }

    /// Magnitudes from here on round to infinity as halves.
    private static let endOfHalves: Float = 65520

    /// The quantisation that a received map states.
    init(_ encoding: Encoding, scale: Float, offset: Float) {
        self.encoding = encoding
        self.scale = scale
        self.offset = offset
    }

    /// The finest quantisation for a range of scores.
    ///
    /// The scale is rounded down, so that the greatest symbol does not decode beyond the range, or to infinity.
    ///
    /// - Throws: `invalidArgument` for `f16` and scores beyond its range
    init(_ encoding: Encoding, for range: ClosedRange<Float>) throws(RPCStatus) {
        guard encoding != .f16 else {
            let magnitude = max(-range.lowerBound, range.upperBound)
            guard magnitude < Self.endOfHalves else {
                throw RPCStatus(
                    .invalidArgument,
                    """
                    A score of magnitude \(magnitude) does not fit F16, \
                    which ends at \(Self.endOfHalves); ask for U16.
                    """
                )
            }
            self.init(.f16, scale: 1, offset: 0)
            return
        }
        let step =
            (Double(range.upperBound) - Double(range.lowerBound))
            / Double(Self.levels(of: encoding))
        let nearest = Float(step)
        let scale = Double(nearest) > step ? nearest.nextDown : nearest
        self.init(encoding, scale: scale, offset: range.lowerBound)
    }

    /// The least and the greatest of at least one score; `nil` where one is infinite or NaN.
    static func range(of scores: UnsafeBufferPointer<Float>) -> ClosedRange<Float>? {
        var low: Float = 0
        var high: Float = 0
        let finite = unsafe dseg_scores_range(scores.baseAddress, scores.count, &low, &high)
        return finite ? low...high : nil
    }

    func symbols(of scores: UnsafeBufferPointer<Float>) -> [UInt16] {
        unsafe array(of: UInt16.self, count: scores.count) { symbols in
            switch encoding {
            case .f16: unsafe dseg_quantise_half(scores.baseAddress, scores.count, symbols)
            case .u16, .u8:
                let levels = Self.levels(of: encoding)
                unsafe dseg_quantise_linear(
                    scores.baseAddress, scores.count, offset, scale, levels, symbols)
            }
        }
    }

    func scores(of symbols: [UInt16]) -> [Float] {
        unsafe array(of: Float.self, count: symbols.count) { unsafe restore(symbols, symbols.count, to: $0) }
    }

    private func restore(_ symbols: UnsafePointer<UInt16>, _ count: Int, to scores: UnsafeMutablePointer<Float>) {
        switch encoding {
        case .f16: unsafe dseg_restore_half(symbols, count, scores)
        case .u16, .u8: unsafe dseg_restore_linear(symbols, count, offset, scale, scores)
        }
    }

    /// Symbols decoded at a time for the comparison, so that their scores stay in the L2 cache.
    private static let strip = 1 << 16

    /// A bound on the distance between a score and the one that its symbol decodes to.
    ///
    /// It holds for readers that compute in f32, too: they also round the product (by at most 2^-24 of the range) and
    /// the sum (by at most 2^-24 of the largest magnitude), for which it has a margin.
    func errorBound(
        from scores: UnsafeBufferPointer<Float>, to symbols: [UInt16], in range: ClosedRange<Float>
    ) -> Float {
        var measured = 0.0
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: min(Self.strip, scores.count)) { restored in
            guard let scores = scores.baseAddress, let restored = restored.baseAddress else { return }
            unsafe symbols.withUnsafeBufferPointer { symbols in
                guard let start = symbols.baseAddress else { return }
                for first in stride(from: 0, to: symbols.count, by: Self.strip) {
                    let count = min(Self.strip, symbols.count - first)
                    unsafe restore(start + first, count, to: restored)
                    measured = max(measured, unsafe dseg_largest_difference(scores + first, restored, count))
                }
            }
        }
        let (low, high) = (Double(range.lowerBound), Double(range.upperBound))
        let isExactInF32 = encoding == .f16 || scale == 0
        let bound = measured + (isExactInF32 ? 0 : (high - low + 2 * max(-low, high)) * 0x1p-24)
        let nearest = Float(bound)
        return Double(nearest) < bound ? nearest.nextUp : nearest
    }
}

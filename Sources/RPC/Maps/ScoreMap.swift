import CMessages

/// How a number of a score map is stored.
package enum Encoding: UInt32, CaseIterable, Sendable {
    case f16 = 0
    case u16 = 1
    case u8 = 2
}

/// The scores of one label, quantised and compressed as `segmenter.proto` says.
package struct ScoreMap: WireMessage, @unsafe PackedMessage {
    /// Index into the request's labels.
    package let label: UInt32
    package let width: UInt32
    package let height: UInt32
    package let encoding: Encoding
    package let scale: Float
    package let offset: Float
    /// No decoded score is farther than this from the one that was encoded.
    package let maxAbsError: Float
    package let data: [UInt8]

    /// - Parameters:
    ///   - scores: `[height, width]`, finite
    ///   - isWanted: polled between the steps of the encoding; `false` ends it
    /// - Throws: `invalidArgument` for an empty map, a score that is not finite, or one beyond the range of `f16`;
    ///   `cancelled` where `isWanted` was `false`
    package init(
        label: Int, scores: [Float], width: Int, height: Int, encoding: Encoding, while isWanted: () -> Bool = { true }
    ) throws(RPCStatus) {
        self = try unsafe scores.withUnsafeBufferPointer { scores throws(RPCStatus) in
            try unsafe Self(
                label: label, scores: scores, width: width, height: height, encoding: encoding, while: isWanted)
        }
    }

    private init(
        label: Int, scores: UnsafeBufferPointer<Float>, width: Int, height: Int, encoding: Encoding,
        while isWanted: () -> Bool
    ) throws(RPCStatus) {
        func check() throws(RPCStatus) {
            guard isWanted() else { throw RPCStatus(.cancelled, "The map of label \(label) is not wanted.") }
        }
        let size = try MapSize(width: width, height: height)
        guard let label = UInt32(exactly: label), scores.count == size.pixels else {
            throw RPCStatus(
                .invalidArgument,
                """
                \(scores.count) scores for label \(label) do not fill a map of \(width) x \(height).
                """
            )
        }
        guard let range = unsafe Quantisation.range(of: scores) else {
            throw RPCStatus(
                .invalidArgument, "A score of label \(label) is infinite or not a number.")
        }
        let quantisation = try Quantisation(encoding, for: range)
        try check()
        let symbols = unsafe quantisation.symbols(of: scores)
        try check()

        self.label = label
        self.width = size.width
        self.height = size.height
        self.encoding = encoding
        scale = quantisation.scale
        offset = quantisation.offset
        maxAbsError = unsafe quantisation.errorBound(from: scores, to: symbols, in: range)
        try check()
        let planes = SymbolPlanes.planes(of: symbols, bytes: quantisation.bytes)
        try check()
        data = Zstandard.frame(of: planes)
    }

    /// - Returns: `[height, width]`, all finite
    /// - Throws: `invalidArgument` for an illegal size, `dataLoss` for data that do not decode to such
    ///   a map
    package func scores() throws(RPCStatus) -> [Float] {
        let quantisation = Quantisation(encoding, scale: scale, offset: offset)
        let pixels = try MapSize(width: width, height: height).pixels
        let symbols = try SymbolPlanes.symbols(in: data, pixels: pixels, bytes: quantisation.bytes)
        let scores = quantisation.scores(of: symbols)
        guard unsafe scores.withUnsafeBufferPointer({ unsafe Quantisation.range(of: $0) }) != nil
        else {
            throw RPCStatus(
                .dataLoss,
                "A score of label \(label) is infinite or not a number; ask for it again.")
        }
        return scores
    }

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__ScoreMap>?) -> Void {
        unsafe dseg__v1__score_map__init
    }

    init(_ packed: Dseg__V1__ScoreMap) throws(RPCStatus) {
        unsafe label = packed.label
        unsafe width = packed.width
        unsafe height = packed.height
        unsafe encoding = try choice(packed.encoding.rawValue, "ScoreMap.encoding")
        unsafe scale = packed.scale
        unsafe offset = packed.offset
        unsafe maxAbsError = packed.max_abs_error
        unsafe data = bytes(packed.data)
    }

    func fill(_ packed: inout Dseg__V1__ScoreMap, in arena: borrowing MessageArena) {
        unsafe packed.label = label
        unsafe packed.width = width
        unsafe packed.height = height
        unsafe packed.encoding.rawValue = encoding.rawValue
        unsafe packed.scale = scale
        unsafe packed.offset = offset
        unsafe packed.max_abs_error = maxAbsError
        unsafe packed.data = arena.bytes(data)
    }
}

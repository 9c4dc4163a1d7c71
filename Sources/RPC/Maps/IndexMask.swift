import CMessages

/// The hard segmentation: for each pixel 0 (background) or 1 + the label's index, compressed as
/// `segmenter.proto` says.
package struct IndexMask: WireMessage, @unsafe PackedMessage {
    package let width: UInt32
    package let height: UInt32
    package let data: [UInt8]
    /// The histogram: pixels of each index, the background first.
    package let counts: [UInt64]

    /// - Parameters:
    ///   - indices: `[height, width]`
    ///   - labels: how many labels there are; no index is greater
    /// - Throws: `invalidArgument` for an empty mask, or an index without a label
    package init(indices: [UInt8], width: Int, height: Int, labels: Int) throws(RPCStatus) {
        let size = try MapSize(width: width, height: height)
        guard indices.count == size.pixels else {
            throw RPCStatus(
                .invalidArgument,
                "\(indices.count) indices do not fill a mask of \(width) x \(height).")
        }
        let counts = Self.counts(of: indices)
        guard (0...255).contains(labels), !counts[(labels + 1)...].contains(where: { $0 > 0 })
        else {
            throw RPCStatus(
                .invalidArgument, "A mask of \(labels) labels (at most 255) holds a greater index.")
        }
        self.width = size.width
        self.height = size.height
        self.counts = Array(counts[...labels])
        let symbols = unsafe array(of: UInt16.self, count: indices.count) { symbols in
            unsafe dseg_widen(indices, indices.count, symbols)
        }
        data = Zstandard.frame(of: SymbolPlanes.planes(of: symbols, bytes: 1))
    }

    /// - Returns: `[height, width]`, whose histogram is `counts`
    /// - Throws: `invalidArgument` for an illegal size, `dataLoss` for data that do not decode to such
    ///   a mask
    package func indices() throws(RPCStatus) -> [UInt8] {
        let pixels = try MapSize(width: width, height: height).pixels
        let symbols = try SymbolPlanes.symbols(in: data, pixels: pixels, bytes: 1)
        let indices = unsafe array(of: UInt8.self, count: pixels) { indices in
            unsafe dseg_narrow(symbols, pixels, indices)
        }
        let found = Self.counts(of: indices)
        guard found.starts(with: counts), !found.dropFirst(counts.count).contains(where: { $0 > 0 })
        else {
            throw RPCStatus(
                .dataLoss,
                "The mask's pixels are not those that its counts state; ask for it again.")
        }
        return indices
    }

    /// - Returns: `[256]`
    private static func counts(of indices: [UInt8]) -> [UInt64] {
        var counts = [UInt64](repeating: 0, count: 256)
        unsafe dseg_count_indices(indices, indices.count, &counts)
        return counts
    }

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__IndexMask>?) -> Void {
        unsafe dseg__v1__index_mask__init
    }

    init(_ packed: Dseg__V1__IndexMask) throws(RPCStatus) {
        unsafe width = packed.width
        unsafe height = packed.height
        unsafe data = bytes(packed.data)
        unsafe counts = list(packed.counts, packed.n_counts)
    }

    func fill(_ packed: inout Dseg__V1__IndexMask, in arena: borrowing MessageArena) {
        unsafe packed.width = width
        unsafe packed.height = height
        unsafe packed.data = arena.bytes(data)
        unsafe packed.n_counts = counts.count
        unsafe packed.counts = arena.list(counts)
    }
}

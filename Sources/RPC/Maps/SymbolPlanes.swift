import CMessages

/// The transform before zstd, which makes symbols compress better: differences of neighbours (delta coding), all low
/// bytes before all high bytes (byte planes).
enum SymbolPlanes {
    /// - Parameters:
    ///   - symbols: `[pixels]`, at least one
    ///   - bytes: of a symbol, 1 or 2
    static func planes(of symbols: [UInt16], bytes: Int) -> [UInt8] {
        unsafe array(of: UInt8.self, count: symbols.count * bytes) {
            unsafe dseg_split_planes(symbols, symbols.count, bytes, $0)
        }
    }

    /// - Returns: `[pixels]`
    /// - Throws: `dataLoss` where `data` is no such zstd frame
    static func symbols(in data: [UInt8], pixels: Int, bytes: Int) throws(RPCStatus) -> [UInt16] {
        let planes = try Zstandard.content(of: data, size: pixels * bytes)
        return unsafe array(of: UInt16.self, count: pixels) { symbols in
            unsafe dseg_join_planes(planes, pixels, bytes, symbols)
        }
    }
}

/// An array whose `count` elements, at least one, a C function initialises: nothing is zeroed first.
func array<Element>(of _: Element.Type, count: Int, fill: (UnsafeMutablePointer<Element>) -> Void)
    -> [Element]
{
    unsafe [Element](unsafeUninitializedCapacity: count) { buffer, filled in
        if let start = buffer.baseAddress { unsafe fill(start) }
        filled = count
    }
}

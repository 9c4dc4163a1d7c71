import CMessages

/// Symbols as the zstd frame of a map's `data` holds them: differences of neighbours, low bytes before high bytes.
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
    static func symbols(in data: [UInt8], pixels: Int, bytes: Int) throws(RPCStatus) -> [UInt16] {
        let planes = try Zstandard.content(of: data, size: pixels * bytes)
        return unsafe array(of: UInt16.self, count: pixels) { symbols in
            unsafe dseg_join_planes(planes, pixels, bytes, symbols)
        }
    }
}

/// An array that a kernel fills from its start; `count` is at least 1.
func array<Element>(of _: Element.Type, count: Int, fill: (UnsafeMutablePointer<Element>) -> Void)
    -> [Element]
{
    unsafe [Element](unsafeUninitializedCapacity: count) { buffer, filled in
        if let start = buffer.baseAddress { unsafe fill(start) }
        filled = count
    }
}

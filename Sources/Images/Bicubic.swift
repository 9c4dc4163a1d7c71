import CImages

extension Image {
    /// The picture over white, resized by cubic convolution, antialiased where it shrinks: bit for bit what Pillow's
    /// `resize((width, height), Image.BICUBIC)` makes of it. Only the pixels within `rows` and `columns` of the resized
    /// picture are computed, which may be far too large to be made.
    ///
    /// - Parameter isWanted: polled meanwhile, on this thread
    /// - Returns: `[rows, columns, 3]`; `nil` once `isWanted` says `false`
    package func bicubic(
        width: Int, height: Int, rows: Range<Int>? = nil, columns: Range<Int>? = nil,
        while isWanted: () -> Bool = { true }
    ) -> [UInt8]? {
        let (rows, columns) = (rows ?? 0..<height, columns ?? 0..<width)
        precondition(!rows.isEmpty && !columns.isEmpty, "a picture has at least one pixel")
        precondition(rows.lowerBound >= 0 && rows.upperBound <= height, "rows outside of the resized picture")
        precondition(columns.lowerBound >= 0 && columns.upperBound <= width, "columns outside of the resized picture")
        var window = dseg_window(
            width: self.width, height: self.height, out_width: width, out_height: height, left: columns.lowerBound,
            top: rows.lowerBound, columns: columns.count, rows: rows.count)
        let seen = seen
        var verdict = DSEG_NO_MEMORY
        let resized = unsafe Compositing.samples(rows.count * columns.count * 3) { resized in
            unsafe withUnsafeTemporaryAllocation(byteCount: dseg_bicubic_scratch(&window), alignment: 16) { scratch in
                guard let base = scratch.baseAddress else { return }
                verdict = unsafe withWatch(isWanted) { unsafe dseg_bicubic(seen, &window, base, $0, resized) }
            }
        }
        return verdict == DSEG_DONE ? resized : nil
    }
}

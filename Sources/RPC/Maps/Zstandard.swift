import CZstd

/// Compression as one zstd frame, with content size and checksum.
enum Zstandard {
    /// On a local socket a higher level costs more time than its fewer bytes save.
    private static let level: CInt = 1

    /// 8 MiB, which RFC 8878 recommends that every decoder supports; level 1 uses 512 KiB.
    private static let largestWindowLog: UInt8 = 23

    static func frame(of content: [UInt8]) -> [UInt8] {
        let context = unsafe ZSTD_createCCtx()
        defer { unsafe ZSTD_freeCCtx(context) }
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        return unsafe [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(content.count)) {
            frame, count in
            count = unsafe content.withUnsafeBytes { content in
                unsafe ZSTD_compress2(
                    context, frame.baseAddress, frame.count, content.baseAddress, content.count)
            }
            precondition(ZSTD_isError(count) == 0, "zstd compresses whatever fits its bound")
        }
    }

    /// - Parameter size: the content's length; nothing is allocated for a frame that declares another
    ///   (decompression bomb)
    /// - Throws: `dataLoss` for bytes that are no such frame, or that fail its checksum
    static func content(of frame: [UInt8], size: Int) throws(RPCStatus) -> [UInt8] {
        try check(frame, size: size)
        var result = 0
        let content = unsafe [UInt8](unsafeUninitializedCapacity: size) { content, count in
            result = unsafe frame.withUnsafeBytes { frame in
                unsafe ZSTD_decompress(content.baseAddress, size, frame.baseAddress, frame.count)
            }
            count = ZSTD_isError(result) == 0 ? result : 0
        }
        guard ZSTD_isError(result) == 0 else {
            throw loss("its zstd frame of \(frame.count) bytes is damaged: \(reason(result))")
        }
        return content
    }

    /// Checks the header: exactly one frame, of the expected size, with a checksum and a window
    /// within the limit.
    private static func check(_ frame: [UInt8], size: Int) throws(RPCStatus) {
        let (length, declared) = unsafe frame.withUnsafeBytes { frame in
            unsafe (
                ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count),
                ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
            )
        }
        guard ZSTD_isError(length) == 0 else {
            throw loss("its \(frame.count) bytes are no zstd frame: \(reason(length))")
        }
        guard length == frame.count else {
            throw loss("its zstd frame ends at byte \(length) of \(frame.count)")
        }
        guard declared == UInt64(size) else {
            throw loss("its zstd frame declares \(declared) bytes where its size asks for \(size)")
        }
        // RFC 8878, 3.1.1.1: after the magic number a descriptor (bit 2: checksum, bit 5: no
        // window), then the window.
        let descriptor = frame[4]
        guard descriptor & 0x04 != 0 else { throw loss("its zstd frame has no checksum") }
        guard descriptor & 0x20 != 0 || 10 + frame[5] >> 3 <= largestWindowLog else {
            throw loss("its zstd frame wants a window over 2^\(largestWindowLog) bytes")
        }
    }

    private static func reason(_ result: Int) -> String {
        unsafe String(cString: ZSTD_getErrorName(result))
    }

    private static func loss(_ sentence: String) -> RPCStatus {
        RPCStatus(.dataLoss, "A map cannot be read: \(sentence); ask for it again.")
    }
}

import CImages

/// The kinds of file that are read.
package enum ImageFormat: Sendable, CustomStringConvertible {
    case png, jpeg

    package var description: String {
        switch self {
        case .png: "PNG"
        case .jpeg: "JPEG"
        }
    }

    /// The bytes each file of this format begins with.
    private var signature: [UInt8] {
        switch self {
        case .png: PNGChunks.signature
        case .jpeg: [0xFF, 0xD8, 0xFF]
        }
    }

    /// Tells a file's format by its first bytes; a file shorter than them may still be one cut off.
    fileprivate init(sniffing bytes: [UInt8]) throws(ImageError) {
        if bytes.isEmpty { throw .empty }
        for format in [Self.png, .jpeg] {
            let length = min(bytes.count, format.signature.count)
            if bytes.prefix(length).elementsEqual(format.signature.prefix(length)) {
                self = format
                return
            }
        }
        throw .unknownFormat(firstBytes: Array(bytes.prefix(8)))
    }
}

/// A file whose header is legal and within the limit; its pixels have not been looked at.
struct ImageFile {
    let bytes: [UInt8]
    let format: ImageFormat
    /// As stored, before the orientation is applied.
    let header: dseg_picture
    let orientation: Orientation

    init(_ bytes: [UInt8]) throws(ImageError) {
        let format = try ImageFormat(sniffing: bytes)
        var header = dseg_picture()
        let (verdict, reason) = unsafe withReason { reason in
            switch format {
            case .png: unsafe dseg_png_header(bytes, bytes.count, &header, reason)
            case .jpeg: unsafe dseg_jpeg_header(bytes, bytes.count, &header, reason)
            }
        }
        try Self.check(verdict, reason, format, bytes)
        let (pixels, overflows) = header.width.multipliedReportingOverflow(by: header.height)
        if overflows || pixels > Image.pixelLimit {
            throw .tooLarge(width: header.width, height: header.height)
        }
        self.bytes = bytes
        self.format = format
        self.header = header
        orientation =
            switch format {
            case .png: Orientation(exif: PNGChunks.exif(in: bytes))
            case .jpeg: Orientation(exif: JPEGSegments.exif(in: bytes))
            }
    }

    /// Decodes the pixels, as stored.
    func decoded() throws(ImageError) -> Image {
        var ending: (verdict: dseg_verdict, reason: String) = (DSEG_DONE, "")
        let count = header.width * header.height
        let samples = unsafe [UInt8](
            unsafeUninitializedCapacity: count * header.channels
        ) { samples, written in
            guard let base = samples.baseAddress else { return }
            ending = unsafe withReason { reason in
                var header = header
                return switch format {
                case .png: unsafe dseg_png_pixels(bytes, bytes.count, &header, base, reason)
                case .jpeg: unsafe dseg_jpeg_pixels(bytes, bytes.count, &header, base, reason)
                }
            }
            if ending.verdict == DSEG_DONE || ending.verdict == DSEG_WARNED {
                written = count * header.channels
            }
        }
        try Self.check(ending.verdict, ending.reason, format, bytes)
        let (width, height) = (header.width, header.height)
        if header.channels == 3 {
            return Image(width: width, height: height, pixels: samples, alpha: nil)
        }
        switch format {
        case .png:
            let (pixels, alpha) = splitAlpha(samples, count: count)
            return Image(width: width, height: height, pixels: pixels, alpha: alpha)
        case .jpeg:
            let pixels = rgb(fromCMYK: samples, count: count)
            return Image(width: width, height: height, pixels: pixels, alpha: nil)
        }
    }

    /// Makes an error of a decoder's verdict.
    ///
    /// TurboJPEG warns, and fills up with grey, where a file is cut off; but it warns about
    /// harmless oddities of cameras too. The file's end marker tells the two apart.
    private static func check(
        _ verdict: dseg_verdict, _ reason: String, _ format: ImageFormat, _ bytes: [UInt8]
    ) throws(ImageError) {
        switch verdict {
        case DSEG_DONE:
            return
        case DSEG_NO_MEMORY:
            throw .outOfMemory(format)
        case DSEG_CUT_OFF:
            throw .cutOff(format, bytes: bytes.count)
        default:
            if format == .jpeg, !JPEGSegments.reachEnd(of: bytes) {
                throw .cutOff(format, bytes: bytes.count)
            }
            if verdict != DSEG_WARNED { throw .malformed(format, reason: reason) }
        }
    }
}

/// Runs a decoder or encoder, which may leave a sentence.
func withReason(
    _ body: (UnsafeMutablePointer<CChar>) -> dseg_verdict
) -> (verdict: dseg_verdict, reason: String) {
    unsafe withUnsafeTemporaryAllocation(
        of: CChar.self, capacity: Int(DSEG_REASON_BYTES)
    ) { buffer in
        guard let base = buffer.baseAddress else { return (DSEG_NO_MEMORY, "") }
        unsafe base.pointee = 0
        let verdict = unsafe body(base)
        return (verdict, unsafe String(cString: base))
    }
}

/// RGBA `[count, 4]` as RGB `[count, 3]` and alpha `[count]`.
private func splitAlpha(_ rgba: [UInt8], count: Int) -> (rgb: [UInt8], alpha: [UInt8]) {
    var alpha = [UInt8](repeating: 0, count: count)
    let rgb = unsafe [UInt8](unsafeUninitializedCapacity: count * 3) { rgb, written in
        guard let base = rgb.baseAddress else { return }
        unsafe dseg_split_alpha(rgba, count, base, &alpha)
        written = count * 3
    }
    return (rgb, alpha)
}

/// CMYK `[count, 4]`, inverted as Adobe stores it, as RGB `[count, 3]`.
private func rgb(fromCMYK cmyk: [UInt8], count: Int) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count * 3) { rgb, written in
        guard let base = rgb.baseAddress else { return }
        unsafe dseg_cmyk_to_rgb(cmyk, count, base)
        written = count * 3
    }
}

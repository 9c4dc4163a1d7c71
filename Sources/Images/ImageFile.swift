import Limits
import CImages

/// The supported file formats.
package enum ImageFormat: Sendable, CustomStringConvertible {
    case png, jpeg, webP

    package var description: String {
        switch self {
        case .png: "PNG"
        case .jpeg: "JPEG"
        case .webP: "WebP"
        }
    }

    /// The magic number of the format; `nil` matches any byte (RIFF's length).
    private var signature: [UInt8?] {
        switch self {
        case .png: PNGChunks.signature
        case .jpeg: [0xFF, 0xD8, 0xFF]
        case .webP: Array("RIFF".utf8) + [nil, nil, nil, nil] + Array("WEBP".utf8)
        }
    }

    /// Recognises a format by its first bytes. A file that is shorter than a magic number and agrees with its beginning
    /// counts as truncated, except for a mere `RIFF`, which other formats share.
    fileprivate init(sniffing bytes: [UInt8]) throws(ImageError) {
        if bytes.isEmpty { throw .empty }
        let beginsSo = { (format: Self) in
            (format != .webP || bytes.count > 4) && zip(bytes, format.signature).allSatisfy { $1 == nil || $0 == $1 }
        }
        if let format = [Self.png, .jpeg, .webP].first(where: beginsSo) {
            self = format
            return
        }
        if let found = ForeignFormat.recognised(in: bytes) {
            throw .foreign(
                name: found.name, remedy: found.remedy.sentence, makesPicture: found.remedy.makesPicture)
        }
        throw .unknownFormat(firstBytes: Array(bytes.prefix(8)))
    }
}

/// A file's metadata.
struct FileNotes {
    /// The most segments of a JPEG file or chunks of a PNG or WebP file. PNG writers make chunks of 8 KiB, so that the
    /// largest file that the daemon accepts, 256 MiB, has 32,768; the limit is four times that.
    static let partLimit = 131_072

    /// A TIFF structure, which `Exif\0\0` may precede.
    var exif: ArraySlice<UInt8>?
    /// Scans of a JPEG file: the passes of its decoder over the pixels.
    var scans = 0
    /// More than one in an animated picture, of which the first is decoded.
    var frames = 1
    var colours = ColourSpace.unstated

    static func check(_ parts: Int, of what: String, _ format: ImageFormat) throws(ImageError) {
        if parts > partLimit { throw .tooManyParts(format, what: what) }
    }
}

/// A file whose header is legal and within the limits; its pixels are not decoded yet.
struct ImageFile {
    let bytes: [UInt8]
    let format: ImageFormat
    /// Sizes as stored, before the orientation is applied.
    let header: dseg_picture
    let notes: FileNotes
    /// The EXIF orientation, which is still to be applied to the decoded pixels.
    let orientation: Orientation

    init(_ bytes: [UInt8]) throws(ImageError) {
        let format = try ImageFormat(sniffing: bytes)
        let notes =
            switch format {
            case .png: try FileNotes(png: bytes)
            case .jpeg: try FileNotes(jpeg: bytes)
            case .webP: try FileNotes(webP: bytes)
            }
        let bytes = format == .webP ? WebPChunks.sized(bytes) : bytes
        var header = dseg_picture()
        let (verdict, reason) = unsafe withReason { reason in
            switch format {
            case .png: unsafe dseg_png_header(bytes, bytes.count, &header, reason)
            case .jpeg: unsafe dseg_jpeg_header(bytes, bytes.count, &header, reason)
            case .webP: unsafe dseg_webp_header(bytes, bytes.count, &header, reason)
            }
        }
        header.rows = Int(DSEG_ROWS_UNKNOWN)
        self.bytes = bytes
        self.format = format
        self.header = header
        self.notes = notes
        orientation = Orientation(exif: notes.exif)
        try check(verdict, reason, header)
        try checkSize()
    }

    private func checkSize() throws(ImageError) {
        let (width, height) = (header.width, header.height)
        let (pixels, overflows) = width.multipliedReportingOverflow(by: height)
        if overflows || pixels > Limit.pixels || max(width, height) > Limit.side {
            throw .tooLarge(width: width, height: height)
        }
        let limit = Image.scanLimit(width: width, height: height)
        if notes.scans > limit { throw .tooManyScans(notes.scans, width: width, height: height, limit: limit) }
    }

    /// Decodes the pixels as stored, without the orientation.
    ///
    /// - Parameter isWanted: polled while decoding; `false` ends it with `interrupted`
    func decoded(while isWanted: () -> Bool) throws(ImageError) -> Image {
        let decode: Decoder =
            switch format {
            case .png: unsafe dseg_png_pixels
            case .jpeg: unsafe dseg_jpeg_pixels
            case .webP: unsafe dseg_webp_pixels
            }
        let samples = try unsafe samples(channels: header.channels, by: decode, while: isWanted)
        let count = header.width * header.height
        let (width, height) = (header.width, header.height)
        if header.channels == 3 {
            return Image(width: width, height: height, pixels: samples, alpha: nil, colours: notes.colours)
        }
        switch format {
        case .png, .webP:
            let (pixels, alpha) = splitAlpha(samples, count: count)
            return Image(width: width, height: height, pixels: pixels, alpha: alpha, colours: notes.colours)
        case .jpeg:
            let pixels = rgb(fromCMYK: samples, count: count)
            return Image(width: width, height: height, pixels: pixels, alpha: nil)
        }
    }

    /// Decodes the samples of a PNG file with a palette or with grey of at most 8 bits, as stored.
    func indices() throws(ImageError) -> [UInt8] {
        try unsafe samples(channels: 1, by: dseg_png_indices, while: { true })
    }

    private typealias Decoder = (
        UnsafePointer<UInt8>, Int, UnsafeMutablePointer<dseg_picture>, UnsafeMutablePointer<UInt8>,
        UnsafePointer<dseg_watch>, UnsafeMutablePointer<CChar>
    ) -> dseg_verdict

    /// Runs a decoder, `[height, width, channels]`.
    private func samples(
        channels: Int, by decode: Decoder, while isWanted: () -> Bool
    ) throws(ImageError) -> [UInt8] {
        var ending: (verdict: dseg_verdict, reason: String) = (DSEG_DONE, "")
        var header = header
        let count = header.width * header.height * channels
        let samples = unsafe [UInt8](unsafeUninitializedCapacity: count) { samples, written in
            guard let base = samples.baseAddress else { return }
            ending = unsafe withReason { reason in
                unsafe withWatch(isWanted) { watch in
                    unsafe decode(bytes, bytes.count, &header, base, watch, reason)
                }
            }
            if ending.verdict == DSEG_DONE { written = count }
        }
        try check(ending.verdict, ending.reason, header)
        return samples
    }

    /// Throws the error of a decoder's verdict.
    private func check(_ verdict: dseg_verdict, _ reason: String, _ header: dseg_picture) throws(ImageError) {
        switch verdict {
        case DSEG_DONE: return
        case DSEG_NO_MEMORY: throw .outOfMemory(format)
        case DSEG_UNWANTED: throw .interrupted
        case DSEG_CUT_OFF where header.rows == Int(DSEG_ROWS_UNKNOWN): throw .cutOff(format, bytes: bytes.count)
        case DSEG_CUT_OFF:
            throw .lacksRows(format, bytes: bytes.count, rows: header.rows, of: header.height)
        default: throw .malformed(format, reason: reason)
        }
    }
}

/// Passes a closure to a C function as a `dseg_watch`.
func withWatch<Result>(_ isWanted: () -> Bool, _ body: (UnsafePointer<dseg_watch>) -> Result) -> Result {
    withoutActuallyEscaping(isWanted) { isWanted in
        var asked = isWanted
        return unsafe withUnsafeMutablePointer(to: &asked) { pointer in
            var watch = unsafe dseg_watch(
                is_wanted: { context in unsafe context.load(as: (() -> Bool).self)() ? 1 : 0 }, context: pointer)
            return unsafe body(&watch)
        }
    }
}

/// Runs a C decoder or encoder with a buffer for its error message.
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
    let rgb = unsafe Compositing.samples(count * 3) { unsafe dseg_split_alpha(rgba, count, $0, &alpha) }
    return (rgb, alpha)
}

/// CMYK `[count, 4]`, inverted as Adobe stores it, as RGB `[count, 3]`.
private func rgb(fromCMYK cmyk: [UInt8], count: Int) -> [UInt8] {
    unsafe Compositing.samples(count * 3) { unsafe dseg_cmyk_to_rgb(cmyk, count, $0) }
}

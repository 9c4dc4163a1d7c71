/// A file format that is not supported, recognised by its magic number, so that the error can name it and a conversion.
struct ForeignFormat: Sendable {
    /// Completes "it is …", with its article.
    let name: String
    let remedy: Remedy
    /// The magic numbers: at each offset one of the alternatives must match.
    private let marks: [(offset: Int, texts: [[UInt8]])]

    struct Remedy {
        /// What the user can do, as the end of a sentence.
        let sentence: String
        /// Whether the file is a picture, or holds pictures.
        let makesPicture: Bool
    }

    /// - Parameters:
    ///   - beginnings: the alternatives at offset 0, a character for each byte
    ///   - others: the alternatives at other offsets
    private init(
        _ name: String, _ remedy: Remedy, _ beginnings: String..., at others: KeyValuePairs<Int, [String]> = [:]
    ) {
        self.name = name
        self.remedy = remedy
        let all = [(key: 0, value: beginnings)].filter { !$0.value.isEmpty } + others
        marks = all.map { offset, texts in (offset, texts.map { $0.unicodeScalars.map { UInt8($0.value) } }) }
    }

    /// The format of a file, recognised by its beginning; `nil` where it is unknown.
    static func recognised(in bytes: [UInt8]) -> ForeignFormat? {
        let beginning = bytes.prefix(1 << 16)
        if let found = table.first(where: { $0.matches(beginning) }) { return found }
        if let brands = brands(beginning) { return ofBrands.first { brands.contains($0.brand) }?.format ?? video }
        if bytes.prefix(4096).allSatisfy({ $0 == 0 }) { return zeros }
        let (text, isPlain) = (text(beginning), isPlain(beginning))
        return ofTexts.first { (isPlain || $0.isTelling) && $0.matches(text) }?.format ?? (isPlain ? plainText : nil)
    }

    private func matches(_ beginning: ArraySlice<UInt8>) -> Bool {
        marks.allSatisfy { offset, texts in
            let there = beginning.dropFirst(offset)
            return texts.contains { there.starts(with: $0) }
        }
    }

    private static func conversion(_ command: String) -> Remedy {
        picture("convert it to PNG or JPEG first, for example by: \(command)")
    }
    private static func picture(_ sentence: String) -> Remedy { Remedy(sentence: sentence, makesPicture: true) }
    private static func other(_ sentence: String) -> Remedy { Remedy(sentence: sentence, makesPicture: false) }

    private static let magick = conversion("convert IN OUT.png (ImageMagick)")
    private static let frame = picture("take a picture from it first, for example by: ffmpeg -i IN -frames:v 1 OUT.png")
    private static let pnm = conversion("pnmtopng IN > OUT.png")
    private static let drawn = conversion("inkscape IN -o OUT.png")
    private static let raw = conversion("darktable-cli IN OUT.jpg")
    private static let again = picture("fetch or copy it again, byte for byte")
    private static let unpacking = other("unpack the picture first")
    private static let fetching = other("fetch the picture itself")
    private static let another = other("name the picture instead")

    private static let table = signatures + mangledJPEG

    private static let signatures = [
        ForeignFormat("a GIF picture", magick, "GIF8"),
        ForeignFormat("a raw picture of a Canon camera (CR2, based on TIFF)", raw, "II*\0", at: [8: ["CR"]]),
        ForeignFormat("a TIFF picture or a camera's raw file in that form", magick, "II*\0", "MM\0*"),
        ForeignFormat("a BigTIFF picture", magick, "II+\0", "MM\0+"),
        ForeignFormat("a raw picture of a Panasonic camera (RW2, based on TIFF)", raw, "IIU\0"),
        ForeignFormat("a raw picture of an Olympus camera (ORF, based on TIFF)", raw, "IIR", "MMOR"),
        ForeignFormat("a raw picture of a Fujifilm camera (RAF)", raw, "FUJIFILMCCD-RAW"),
        ForeignFormat("a raw picture of a Sigma camera (X3F)", raw, "FOVb"),
        ForeignFormat("a BMP picture", magick, "BM", at: [6: ["\0\0\0\0"], 15: ["\0\0\0"]]),
        ForeignFormat("a TGA picture", magick, "\0\0\u{2}\0\0\0\0\0", "\0\0\u{A}\0\0\0\0\0"),
        ForeignFormat("a Windows icon (ICO)", magick, "\0\0\u{1}\0", at: [5: ["\0"]]),
        ForeignFormat("a Windows cursor (CUR)", magick, "\0\0\u{2}\0", at: [5: ["\0"]]),
        ForeignFormat("a macOS icon (ICNS)", magick, "icns"),
        ForeignFormat("a Photoshop document (PSD)", magick, "8BPS"),
        ForeignFormat("a GIMP document (XCF)", magick, "gimp xcf"),
        ForeignFormat("a JPEG XL picture", conversion("djxl IN OUT.png"), "\u{FF}\u{A}", "\0\0\0\u{C}JXL "),
        ForeignFormat(
            "a JPEG 2000 picture", conversion("opj_decompress -i IN -o OUT.png"), "\0\0\0\u{C}jP  ", "\u{FF}O\u{FF}Q"),
        ForeignFormat("a JPEG XR picture", magick, "II\u{BC}"),
        ForeignFormat("an OpenEXR picture", magick, "v/1\u{1}"),
        ForeignFormat("a Radiance HDR picture", magick, "#?RADIANCE", "#?RGBE"),
        ForeignFormat("a FLIF picture", conversion("flif -d IN OUT.png"), "FLIF"),
        ForeignFormat("an SGI picture", magick, "\u{1}\u{DA}\0", "\u{1}\u{DA}\u{1}"),
        ForeignFormat("a Sun raster picture", magick, "Y\u{A6}j\u{95}"),
        ForeignFormat("an IFUNC picture (IM)", magick, "Image type: "),
        ForeignFormat("a Windows drawing (WMF)", drawn, "\u{D7}\u{CD}\u{C6}\u{9A}"),
        ForeignFormat("a Windows drawing (EMF)", drawn, "\u{1}\0\0\0", at: [40: [" EMF"]]),
        ForeignFormat("a PFM picture (floating-point numbers)", magick, "PF\n", "Pf\n"),
        ForeignFormat("a QOI picture", magick, "qoif"),
        ForeignFormat("a DirectDraw surface (DDS)", magick, "DDS "),
        ForeignFormat("a BPG picture", conversion("bpgdec -o OUT.png IN"), "BPG\u{FB}"),
        ForeignFormat("an animation (MNG)", frame, "\u{8A}MNG"),
        ForeignFormat("a JNG picture", magick, "\u{8B}JNG"),
        ForeignFormat("a FITS picture", magick, "SIMPLE  ="),
        ForeignFormat("a DICOM picture", conversion("dcm2pnm IN OUT.png"), at: [128: ["DICM"]]),
        ForeignFormat("a DjVu document", conversion("ddjvu -format=tiff IN OUT.tif"), "AT&TFORM"),
        ForeignFormat("a PostScript document", conversion("gs -sDEVICE=png16m -o OUT.png IN"), "%!PS"),
        ForeignFormat("a ZIP archive, or a document in that form", unpacking, "PK\u{3}\u{4}"),
        ForeignFormat("a ZIP archive without files", another, "PK\u{5}\u{6}"),
        ForeignFormat("a gzip file", unpacking, "\u{1F}\u{8B}"),
        ForeignFormat("a bzip2 file", unpacking, "BZh"),
        ForeignFormat("an xz file", unpacking, "\u{FD}7zXZ\0"),
        ForeignFormat("a zstd file", unpacking, "(\u{B5}/\u{FD}"),
        ForeignFormat("a 7-Zip archive", unpacking, "7z\u{BC}\u{AF}"),
        ForeignFormat("a RAR archive", unpacking, "Rar!\u{1A}\u{7}"),
        ForeignFormat("a tar archive", unpacking, at: [257: ["ustar"]]),
        ForeignFormat("an AVI video", frame, "RIFF", at: [8: ["AVI "]]),
        ForeignFormat("a WAV sound", another, "RIFF", at: [8: ["WAVE"]]),
        ForeignFormat("a Matroska or WebM video", frame, "\u{1A}E\u{DF}\u{A3}"),
        ForeignFormat("an MP3 sound", another, "ID3"),
        ForeignFormat(
            "what macOS keeps beside a file (AppleDouble)", other("name the file without ._ before its name"),
            "\0\u{5}\u{16}\u{7}"),
        ForeignFormat("a folder's settings of macOS (.DS_Store)", another, "\0\0\0\u{1}Bud1"),
        ForeignFormat("an SQLite database", another, "SQLite format 3\0"),
        ForeignFormat("a program (ELF)", another, "\u{7F}ELF"),
        ForeignFormat("a Windows program", another, "MZ", at: [3: ["\0"]]),
        ForeignFormat("a safetensors file", another, at: [5: ["\0\0\0{\""]]),
        ForeignFormat("a NumPy array", picture("save it as a PNG first"), "\u{93}NUMPY"),
        ForeignFormat(
            "a PNG file whose line ends were changed on its way", again, "\u{89}PNG\u{A}", "\u{89}PNG\u{D}\u{D}"),
        ForeignFormat(
            "a PNG file that was taken for text on its way", again, "\u{EF}\u{BF}\u{BD}PNG", "\u{C2}\u{89}PNG"),
        ForeignFormat("a JPEG file that was taken for text on its way", again, "\u{C3}\u{BF}\u{C3}\u{98}\u{C3}\u{BF}"),
        ForeignFormat("a QuickTime video", frame, at: [4: ["moov", "mdat", "wide"]]),
        ForeignFormat("text in UTF-16", another, "\u{FF}\u{FE}", "\u{FE}\u{FF}"),
        // The second byte is the version; the third says that rows are run-length coded.
        ForeignFormat(
            "a PCX picture", magick, "\n\0\u{1}", "\n\u{2}\u{1}", "\n\u{3}\u{1}", "\n\u{4}\u{1}", "\n\u{5}\u{1}"),
        // Whitespace or a comment follows the number; other text that begins with P1 to P7 is no picture.
        ForeignFormat(
            "a PNM picture (PBM, PGM, PPM or PAM)", pnm, "P1", "P2", "P3", "P4", "P5", "P6", "P7",
            at: [2: ["\n", "\r", "\t", "#", " 1", " 2", " 3", " 4", " 5", " 6", " 7", " 8", " 9"]]),
    ]

    /// JPEG files in which each byte that is no UTF-8 was replaced by U+FFFD, which has three bytes. The four bytes
    /// before the first segment's length are always replaced; the two of the length may be, so that `Exif` is at one of
    /// three offsets. A file without such an identifier begins with a quantisation table.
    private static let mangledJPEG = [
        (14, ["JFIF", "Adobe", "Exif"]), (16, ["Exif"]), (18, ["Exif"]), (12, ["\0C\0"]),
    ].map { offset, marks in
        let replaced = String(repeating: "\u{EF}\u{BF}\u{BD}", count: 4)
        return ForeignFormat("a JPEG file that was taken for text on its way", again, replaced, at: [offset: marks])
    }

    // MARK: ISO base media

    private static let heic = ForeignFormat("a HEIC picture (HEIF)", conversion("heif-convert IN OUT.png"))
    private static let avif = ForeignFormat("an AVIF picture", conversion("avifdec IN OUT.png"))
    private static let video = ForeignFormat("an MP4 or QuickTime video", frame)

    /// By the brands of the `ftyp` box, the most specific first; the last ones say no more than "picture".
    private static let ofBrands: [(brand: String, format: ForeignFormat)] =
        ["avif", "avis", "avio"].map { ($0, avif) }
        + [("crx ", ForeignFormat("a raw picture of a Canon camera (CR3)", raw))]
        + ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"].map { ($0, heic) }
        + ["mif1", "mif2", "mif3", "msf1", "miaf", "tmap", "unif"].map { ($0, heic) }

    /// The major brand of the `ftyp` box, its minor version, which for `mif3` is a brand too, and the compatible
    /// brands.
    private static func brands(_ beginning: ArraySlice<UInt8>) -> [String]? {
        let box = Array(beginning)
        guard box.count >= 12, box[4..<8].elementsEqual("ftyp".utf8) else { return nil }
        let end = max(12, min(box.count, Int(box[2]) << 8 | Int(box[3])))
        return stride(from: 8, through: end - 4, by: 4).map { String(decoding: box[$0..<$0 + 4], as: UTF8.self) }
    }

    // MARK: Text

    private static let zeros = ForeignFormat("nothing but zero bytes", other(again.sentence))
    private static let plainText = ForeignFormat("plain text", another)
    private static let page = ForeignFormat("an HTML page, perhaps a server's refusal of the picture", fetching)
    private static let drawing = ForeignFormat("an SVG drawing", conversion("rsvg-convert IN -o OUT.png"))
    private static let base64 = ForeignFormat(
        "a picture as Base64 text", picture("decode it first: base64 -d IN > OUT"))
    private static let dataURL = ForeignFormat(
        "a data: URL as text", picture("decode what stands behind its comma: base64 -d"))

    private static let pdf = ForeignFormat("a PDF document", conversion("pdftoppm -png IN OUT"))
    private static let answer = ForeignFormat("a server's answer with its head (HTTP)", fetching)
    private static let xml = ForeignFormat("an XML document", another)
    private static let json = ForeignFormat("JSON text, perhaps a server's refusal of the picture", fetching)
    private static let lfs = ForeignFormat("a Git LFS pointer, not the file itself", other("type: git lfs pull"))
    private static let annex = ForeignFormat("a git-annex pointer, not the file itself", other("type: git annex get"))

    private struct KnownText {
        let beginning: [UInt8]
        let part: [UInt8]
        let format: ForeignFormat

        init(_ beginning: String, part: String = "", _ format: ForeignFormat) {
            self.beginning = Array(beginning.utf8)
            self.part = Array(part.utf8)
            self.format = format
        }

        /// Whether the match is long enough to be trusted even if binary data follow.
        var isTelling: Bool { beginning.count + part.count > 4 }

        func matches(_ text: ArraySlice<UInt8>) -> Bool {
            text.starts(with: beginning) && ForeignFormat.end(of: part, in: text) != nil
        }
    }

    /// By how a text begins and what it contains, in lower case.
    private static let ofTexts: [KnownText] =
        [
            KnownText("version https://git-lfs", lfs), KnownText("version https://hawser", lfs),
            KnownText("/annex/objects/", annex), KnownText("%pdf-", pdf),
            KnownText("http/1.", answer), KnownText("http/2 ", answer), KnownText("data:image/", dataURL),
            KnownText("<svg", drawing), KnownText("<!doctype svg", drawing),
        ]
        + [
            "!doctype html", "html", "head>", "head ", "body", "title", "meta", "script", "style>", "style ", "link ",
            "base ", "h1", "h2", "h3", "p>", "p ", "div", "span", "center", "pre>", "table", "br", "a ", "b>", "font ",
            "img ", "form ", "iframe",
        ].map { KnownText("<" + $0, page) } + [
            KnownText("<", part: "<svg", drawing), KnownText("<", part: "<html", page),
            KnownText("<", part: "<body", page), KnownText("<", xml),
        ] + ["{", "[{", "[[", "[]", "[\"", "[ ", "[\t", "[\n", "[\r\n"].map { KnownText($0, json) }
        + ["/9j/", "ivborw0kggo", "uklgr", "r0lgod"].map { KnownText($0, base64) }

    /// The beginning in lower case (ASCII only), without what may precede a document: byte order mark, space, XML
    /// declaration, comments.
    ///
    /// Works on bytes: comparing strings is quadratic in a run of combining marks.
    private static func text(_ beginning: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let body = beginning.starts(with: byteOrderMark) ? beginning.dropFirst(3) : beginning
        let small = body.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        var text = small.drop(while: isBlank)
        while let closing = [("<?xml", "?>"), ("<!--", "-->")].first(where: { text.starts(with: $0.0.utf8) })?.1 {
            guard let end = end(of: Array(closing.utf8), in: text) else { break }
            let rest = text[end...].drop(while: isBlank)
            if rest.isEmpty { break }
            text = rest
        }
        return text
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// The end of the first occurrence of `part`; `nil` without one.
    private static func end(of part: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        text.indices.first { text[$0...].starts(with: part) }.map { $0 + part.count }
    }

    /// Whether bytes may be text in UTF-8 or an 8-bit encoding: no control characters other than layout, and no 0xFF.
    private static func isPlain(_ beginning: ArraySlice<UInt8>) -> Bool {
        let layout: [UInt8] = [0x09, 0x0A, 0x0C, 0x0D, 0x1B]
        return beginning.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != 0xFF || layout.contains($0) }
    }
}

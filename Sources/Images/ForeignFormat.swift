/// A kind of file that is not read, told by its first bytes, so that a refusal can name it and say what to do.
struct ForeignFormat: Sendable {
    /// As in "the file is …".
    let name: String
    /// What to do, as a sentence's end.
    let remedy: String
    /// What all must stand at their offsets; a character is a byte.
    private let marks: [(offset: Int, bytes: [UInt8])]

    private init(_ name: String, _ remedy: String, _ marks: (offset: Int, text: String)...) {
        self.name = name
        self.remedy = remedy
        self.marks = marks.map { mark in (mark.offset, mark.text.unicodeScalars.map { UInt8($0.value) }) }
    }

    /// The kind of file that begins so, if it is a known one.
    static func recognised(in bytes: [UInt8]) -> ForeignFormat? {
        let beginning = bytes.prefix(4096)
        if let found = table.first(where: { $0.matches(beginning) }) { return found }
        if let brands = brands(beginning) { return ofBrands.first { brands.starts(with: $0.brand) }?.format ?? video }
        if beginning.allSatisfy({ $0 == 0 }) { return zeros }
        guard let text = text(beginning) else { return nil }
        return ofTexts.first { text.hasPrefix($0.beginning) && text.contains($0.part) }?.format ?? plainText
    }

    private func matches(_ beginning: ArraySlice<UInt8>) -> Bool {
        marks.allSatisfy { beginning.dropFirst($0.offset).starts(with: $0.bytes) }
    }

    private static func conversion(_ command: String) -> String {
        "convert it to PNG or JPEG first, for example by: \(command)"
    }
    private static let magick = conversion("convert IN OUT.png (ImageMagick)")
    private static let unpacking = "unpack the picture first"
    private static let frame = "take a picture from it first, for example by: ffmpeg -i IN -frames:v 1 OUT.png"
    private static let pnm = conversion("pnmtopng IN > OUT.png")
    private static let raw = conversion("darktable-cli IN OUT.jpg")
    private static let fetching = "fetch the picture itself"
    private static let another = "name the picture instead"
    private static let again = "fetch or copy it again, byte for byte"

    private static let table = [
        ForeignFormat("a GIF picture", magick, (0, "GIF8")),
        ForeignFormat("a raw picture of a Canon camera (CR2, based on TIFF)", raw, (0, "II*\0"), (8, "CR")),
        ForeignFormat("a TIFF picture or a camera's raw file in that form", magick, (0, "II*\0")),
        ForeignFormat("a TIFF picture or a camera's raw file in that form", magick, (0, "MM\0*")),
        ForeignFormat("a BigTIFF picture", magick, (0, "II+\0")),
        ForeignFormat("a BigTIFF picture", magick, (0, "MM\0+")),
        ForeignFormat("a raw picture of a Panasonic camera (RW2, based on TIFF)", raw, (0, "IIU\0")),
        ForeignFormat("a raw picture of an Olympus camera (ORF, based on TIFF)", raw, (0, "IIR")),
        ForeignFormat("a raw picture of an Olympus camera (ORF, based on TIFF)", raw, (0, "MMOR")),
        ForeignFormat("a raw picture of a Fujifilm camera (RAF)", raw, (0, "FUJIFILMCCD-RAW")),
        ForeignFormat("a raw picture of a Sigma camera (X3F)", raw, (0, "FOVb")),
        ForeignFormat("a BMP picture", magick, (0, "BM"), (6, "\0\0\0\0"), (15, "\0\0\0")),
        ForeignFormat("a TGA picture", magick, (0, "\0\0\u{2}\0\0\0\0\0")),
        ForeignFormat("a TGA picture", magick, (0, "\0\0\u{A}\0\0\0\0\0")),
        ForeignFormat("a Windows icon (ICO)", magick, (0, "\0\0\u{1}\0"), (5, "\0")),
        ForeignFormat("a Windows cursor (CUR)", magick, (0, "\0\0\u{2}\0"), (5, "\0")),
        ForeignFormat("a macOS icon (ICNS)", magick, (0, "icns")),
        ForeignFormat("a Photoshop document (PSD)", magick, (0, "8BPS")),
        ForeignFormat("a GIMP document (XCF)", magick, (0, "gimp xcf")),
        ForeignFormat("a JPEG XL picture", conversion("djxl IN OUT.png"), (0, "\u{FF}\u{A}")),
        ForeignFormat("a JPEG XL picture", conversion("djxl IN OUT.png"), (0, "\0\0\0\u{C}JXL ")),
        ForeignFormat("a JPEG 2000 picture", conversion("opj_decompress -i IN -o OUT.png"), (0, "\0\0\0\u{C}jP  ")),
        ForeignFormat("a JPEG 2000 picture", conversion("opj_decompress -i IN -o OUT.png"), (0, "\u{FF}O\u{FF}Q")),
        ForeignFormat("a JPEG XR picture", magick, (0, "II\u{BC}")),
        ForeignFormat("an OpenEXR picture", magick, (0, "v/1\u{1}")),
        ForeignFormat("a Radiance HDR picture", magick, (0, "#?RADIANCE")),
        ForeignFormat("a Radiance HDR picture", magick, (0, "#?RGBE")),
        ForeignFormat("a QOI picture", magick, (0, "qoif")),
        ForeignFormat("a DirectDraw surface (DDS)", magick, (0, "DDS ")),
        ForeignFormat("a BPG picture", conversion("bpgdec -o OUT.png IN"), (0, "BPG\u{FB}")),
        ForeignFormat("an animation (MNG)", frame, (0, "\u{8A}MNG")),
        ForeignFormat("a JNG picture", magick, (0, "\u{8B}JNG")),
        ForeignFormat("a FITS picture", magick, (0, "SIMPLE  =")),
        ForeignFormat("a DICOM picture", conversion("dcm2pnm IN OUT.png"), (128, "DICM")),
        ForeignFormat("a DjVu document", conversion("ddjvu -format=tiff IN OUT.tif"), (0, "AT&TFORM")),
        ForeignFormat("a PDF document", conversion("pdftoppm -png IN OUT"), (0, "%PDF-")),
        ForeignFormat("a PostScript document", conversion("gs -sDEVICE=png16m -o OUT.png IN"), (0, "%!PS")),
        ForeignFormat("a ZIP archive, or a document in that form", unpacking, (0, "PK\u{3}\u{4}")),
        ForeignFormat("a gzip file", unpacking, (0, "\u{1F}\u{8B}")),
        ForeignFormat("a bzip2 file", unpacking, (0, "BZh")),
        ForeignFormat("an xz file", unpacking, (0, "\u{FD}7zXZ\0")),
        ForeignFormat("a zstd file", unpacking, (0, "(\u{B5}/\u{FD}")),
        ForeignFormat("a 7-Zip archive", unpacking, (0, "7z\u{BC}\u{AF}")),
        ForeignFormat("a RAR archive", unpacking, (0, "Rar!\u{1A}\u{7}")),
        ForeignFormat("a tar archive", unpacking, (257, "ustar")),
        ForeignFormat("an AVI video", frame, (0, "RIFF"), (8, "AVI ")),
        ForeignFormat("a Matroska or WebM video", frame, (0, "\u{1A}E\u{DF}\u{A3}")),
        ForeignFormat("a NumPy array", "save it as a PNG first", (0, "\u{93}NUMPY")),
        ForeignFormat("a PNG file whose line ends were changed on its way", again, (0, "\u{89}PNG\u{A}")),
        ForeignFormat("a PNG file whose line ends were changed on its way", again, (0, "\u{89}PNG\u{D}\u{D}")),
        ForeignFormat("a PNG file that was taken for text on its way", again, (0, "\u{EF}\u{BF}\u{BD}PNG")),
        ForeignFormat(
            "a JPEG file that was taken for text on its way", again, (0, "\u{EF}\u{BF}\u{BD}\u{EF}\u{BF}\u{BD}"),
            (15, "JFIF")),
        ForeignFormat("a QuickTime video", frame, (4, "moov")),
        ForeignFormat("a QuickTime video", frame, (4, "mdat")),
        ForeignFormat("a QuickTime video", frame, (4, "wide")),
        ForeignFormat("text in UTF-16", another, (0, "\u{FF}\u{FE}")),
        ForeignFormat("text in UTF-16", another, (0, "\u{FE}\u{FF}")),
    ] + (1...7).map { ForeignFormat("a PNM picture (PBM, PGM, PPM or PAM)", pnm, (0, "P\($0)\n")) }

    // MARK: ISO base media

    private static let heic = ForeignFormat("a HEIC picture (HEIF)", conversion("heif-convert IN OUT.png"))
    private static let avif = ForeignFormat("an AVIF picture", conversion("avifdec IN OUT.png"))
    private static let video = ForeignFormat("an MP4 or QuickTime video", frame)

    /// By the brands of a file of boxes, the most telling first.
    private static let ofBrands: [(brand: String, format: ForeignFormat)] =
        ["avif", "avis"].map { ($0, avif) }
        + ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "mif2", "msf1"].map { ($0, heic) }
        + [("crx ", ForeignFormat("a raw picture of a Canon camera (CR3)", raw))]

    /// The brand of a file of boxes; where that says no more than "pictures", one that it is compatible with.
    private static func brands(_ beginning: ArraySlice<UInt8>) -> String? {
        let box = Array(beginning)
        guard box.count >= 12, box[4..<8].elementsEqual("ftyp".utf8) else { return nil }
        let end = min(box.count, Int(box[2]) << 8 | Int(box[3]))
        let all = ([8] + stride(from: 16, to: max(16, end - 3), by: 4)).map { offset in
            String(decoding: box[offset..<offset + 4], as: UTF8.self)
        }
        let isGeneral = ["mif1", "mif2", "msf1", "miaf"].contains(all[0])
        return isGeneral ? ofBrands.lazy.map(\.brand).first { all.contains($0) } ?? "mif1" : all[0]
    }

    // MARK: Text

    private static let zeros = ForeignFormat("nothing but zero bytes", again)
    private static let plainText = ForeignFormat("plain text", another)
    private static let page = ForeignFormat("an HTML page, perhaps a server's refusal of the picture", fetching)
    private static let drawing = ForeignFormat("an SVG drawing", conversion("rsvg-convert IN -o OUT.png"))
    private static let base64 = ForeignFormat("a picture as Base64 text", "decode it first: base64 -d IN > OUT")

    /// By how a text begins and what stands in it, in small letters.
    private static let ofTexts: [(beginning: String, part: String, format: ForeignFormat)] = [
        ("version https://git-lfs", "", ForeignFormat("a Git LFS pointer, not the file itself", "type: git lfs pull")),
        ("<!doctype html", "", page), ("<html", "", page), ("<", "<svg", drawing), ("<", "<html", page),
        ("<", "<body", page), ("<", "", ForeignFormat("an XML document", another)),
        ("{", "", ForeignFormat("JSON text, perhaps a server's refusal of the picture", fetching)),
        ("data:image/", "", ForeignFormat("a data: URL as text", "decode what stands behind its comma: base64 -d")),
        ("/9j/", "", base64), ("ivborw0kggo", "", base64), ("uklgr", "", base64),
    ]

    /// The beginning in small letters, without blanks before it, if it is text in UTF-8.
    private static func text(_ beginning: ArraySlice<UInt8>) -> String? {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let body = beginning.starts(with: byteOrderMark) ? beginning.dropFirst(3) : beginning
        // The last character may be cut off.
        let whole = (0..<4).lazy.compactMap { String(validating: body.dropLast($0), as: UTF8.self) }.first
        let layout: [Unicode.Scalar] = ["\t", "\n", "\u{C}", "\r", "\u{1B}"]
        guard let whole,
            whole.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control || layout.contains($0) })
        else { return nil }
        return String(whole.drop(while: \.isWhitespace)).lowercased()
    }
}

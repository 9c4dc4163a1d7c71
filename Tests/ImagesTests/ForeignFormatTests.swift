import Images
import Support
import Testing

/// What is not read is refused by its name, with what to do, and never called damaged.
@Suite struct ForeignFormatTests {
    /// A character is a byte.
    private static func bytes(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }

    /// An `ftyp` box (ISO 14496-12, 4.3), then something else.
    private static func boxes(_ brands: String...) -> String {
        let box = "ftyp" + brands[0] + "\0\0\0\0" + brands.dropFirst().joined()
        return "\0\0\0" + String(Unicode.Scalar(UInt8(box.utf8.count + 4))) + box + "\0\0\0\u{8}free"
    }

    private static let files: [(beginning: String, words: [String])] = [
        ("GIF89a\u{10}\0\u{10}\0", ["GIF", "convert"]), ("GIF87a\u{10}\0\u{10}\0", ["GIF"]),
        (boxes("heic", "mif1", "heic"), ["HEIC", "heif-convert"]), (boxes("mif1", "mif1", "heic", "miaf"), ["HEIC"]),
        (boxes("heix", "mif1"), ["HEIC"]), (boxes("hevc", "msf1"), ["HEIC"]), (boxes("mif1", "mif1"), ["HEIF"]),
        (boxes("avif", "mif1", "miaf"), ["AVIF", "avifdec"]), (boxes("avis", "msf1"), ["AVIF"]),
        (boxes("mif1", "mif1", "avif", "miaf"), ["AVIF"]), (boxes("crx ", "isom"), ["Canon", "raw"]),
        (boxes("isom", "mp41"), ["MP4", "ffmpeg"]), (boxes("qt  "), ["QuickTime"]),
        ("\0\0\0\u{8}wide\0\0\0\0mdat", ["QuickTime"]),
        ("\u{FF}\n\u{FA}\u{1F}", ["JPEG XL", "djxl"]), ("\0\0\0\u{C}JXL \r\n\u{87}\n", ["JPEG XL"]),
        ("\0\0\0\u{C}jP  \r\n\u{87}\n", ["JPEG 2000"]), ("\u{FF}O\u{FF}Q\0/", ["JPEG 2000", "opj_decompress"]),
        ("II*\0\u{8}\0\0\0", ["TIFF"]), ("MM\0*\0\0\0\u{8}", ["TIFF"]), ("II+\0\u{8}\0\0\0", ["BigTIFF"]),
        ("II*\0\u{10}\0\0\0CR\u{2}\0", ["Canon", "CR2"]), ("IIU\0\u{18}\0\0\0", ["Panasonic"]),
        ("IIRO\u{8}\0\0\0", ["Olympus"]), ("FUJIFILMCCD-RAW 0201", ["Fujifilm"]), ("FOVb\0\0", ["Sigma"]),
        ("BM\u{36}\u{4}\0\0\0\0\0\0\u{36}\0\0\0\u{28}\0\0\0", ["BMP"]),
        ("\0\0\u{1}\0\u{1}\0\u{10}\u{10}", ["icon", "ICO"]),
        ("\0\0\u{2}\0\u{1}\0\u{10}\u{10}", ["cursor"]),
        ("\0\0\u{2}\0\0\0\0\0\0\0\0\0\u{10}", ["TGA"]), ("8BPS\0\u{1}\0\0", ["Photoshop", "PSD"]),
        ("gimp xcf v011\0", ["GIMP"]),
        ("icns\0\0\u{1}\0", ["ICNS"]), ("v/1\u{1}\u{2}\0\0\0", ["OpenEXR"]), ("#?RADIANCE\n", ["Radiance"]),
        ("qoif\0\0\0\u{1}", ["QOI"]), ("DDS \u{7C}\0\0\0", ["DirectDraw"]), ("P6\n4 4\n255\n\0\u{FF}", ["PNM"]),
        ("P2\n# made by hand\n1 1\n9\n3\n", ["PNM"]), ("%PDF-1.7\n%\u{E2}\u{E3}\n", ["PDF", "pdftoppm"]),
        ("%!PS-Adobe-3.0\n", ["PostScript"]), ("PK\u{3}\u{4}\u{14}\0", ["ZIP", "unpack"]),
        ("\u{1F}\u{8B}\u{8}\0", ["gzip"]),
        ("7z\u{BC}\u{AF}'\u{1C}", ["7-Zip"]), ("Rar!\u{1A}\u{7}\u{1}\0", ["RAR"]), ("\u{FD}7zXZ\0\0", ["xz"]),
        ("RIFF\0\0\u{1}\0AVI LIST", ["AVI"]), ("\u{1A}E\u{DF}\u{A3}\u{9F}B", ["WebM"]),
        ("\u{93}NUMPY\u{1}\0", ["NumPy"]),
        ("\u{89}PNG\n\u{1A}\n\0\0\0\rIHDR", ["line ends", "again"]), ("\u{89}PNG\r\r\n\u{1A}\r\n\0", ["line ends"]),
        ("\u{EF}\u{BF}\u{BD}PNG\r\n\u{1A}\n", ["taken for text"]),
        ("<!DOCTYPE html><html>403 Forbidden</html>", ["HTML", "fetch"]), ("\n\n <HTML><head>", ["HTML"]),
        ("\u{EF}\u{BB}\u{BF}<!doctype HTML>", ["HTML"]), ("<?xml version=\"1.0\"?>\n<!-- a --><html>", ["HTML"]),
        ("<svg xmlns=\"http://www.w3.org/2000/svg\"/>", ["SVG", "rsvg-convert"]),
        ("<?xml version=\"1.0\"?>\n<!-- a -->\n<svg width=\"9\">", ["SVG"]),
        ("<?xml version=\"1.0\"?><Error/>", ["XML"]),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n", ["Git LFS", "git lfs pull"]),
        ("{\"error\": \"not found\"}", ["JSON", "fetch"]), ("Not Found\n", ["plain text"]),
        ("caf\u{C3}\u{A9}", ["plain text"]),
        ("iVBORw0KGgoAAAANSUhEUg==\n", ["Base64", "base64 -d"]), ("/9j/4AAQSkZJRgABAQ==", ["Base64"]),
        ("data:image/png;base64,iVBORw0KGgo=", ["data: URL"]), ("\u{FF}\u{FE}h\0i\0", ["UTF-16"]),
        (String(repeating: "\0", count: 4096), ["zero"]), ("SIMPLE  =                    T", ["FITS"]),
        (String(repeating: "\0", count: 128) + "DICM\u{2}\0", ["DICOM"]), ("BPG\u{FB} ", ["BPG"]),
        ("AT&TFORM\0\0\0\u{9}DJVU", ["DjVu"]), ("II\u{BC}\u{1}", ["JPEG XR"]), ("BZh91AY&SY", ["bzip2"]),
        ("(\u{B5}/\u{FD}\u{4}", ["zstd"]), (String(repeating: "n", count: 257) + "ustar\0", ["tar"]),
        (boxes("avio", "mif1", "avif"), ["AVIF"]), (boxes("tmap", "mif1", "avif", "miaf"), ["AVIF"]),
        (boxes("tmap", "mif1", "heic"), ["HEIC"]), (boxes("unif", "mif1", "unif"), ["HEIF"]),
        ("\0\0\0\u{10}ftypmif3avif\0\0\0\u{8}meta", ["AVIF"]),
        ("\0\0\0\u{10}ftypmif3heic\0\0\0\u{8}meta", ["HEIC"]), ("\0\0\0\u{10}ftypmif3\0\0\0\0", ["HEIF"]),
        ("P6 4 4 255 \0\u{FF}", ["PNM"]), ("P5\r\n4 4\r\n255\r\n\0", ["PNM"]), ("P6#by hand\n4 4 255\n\0", ["PNM"]),
        ("P4\t8 8\n\u{FF}\0", ["PNM"]), ("P7\nWIDTH 4\n", ["PNM"]), ("P6 is a chip", ["plain text"]),
        ("PF\n2 2\n-1.0\n\0\0\u{80}?", ["PFM"]), ("Pf\n2 2\n-1.0\n\0\0\u{80}?", ["PFM"]),
        ("\n\u{5}\u{1}\u{8}\0\0\0\0", ["PCX"]), ("\n\u{3}\u{1}\u{1}\0\0\0\0", ["PCX"]),
        ("\u{1}\u{DA}\0\u{1}\0\u{3}", ["SGI"]), ("\u{1}\u{DA}\u{1}\u{1}\0\u{3}", ["SGI"]),
        ("Y\u{A6}j\u{95}\0\0", ["Sun raster"]), ("\u{D7}\u{CD}\u{C6}\u{9A}\0\0", ["WMF"]), ("FLIF1\u{1}", ["FLIF"]),
        ("\u{1}\0\0\0l\0\0\0" + String(repeating: "\0", count: 32) + " EMF\0\0\u{1}\0", ["EMF"]),
        ("Image type: RGB\r\n\0", ["IFUNC"]), ("RIFF \0\0\0WAVEfmt ", ["WAV"]),
        ("PK\u{5}\u{6}" + String(repeating: "\0", count: 18), ["ZIP"]),
        ("\n\r\n%PDF-1.4\n%\u{E2}\u{E3}\0", ["PDF"]), ("\u{EF}\u{BB}\u{BF}%PDF-1.4\n%\u{E2}\0", ["PDF"]),
        ("/annex/objects/SHA256E-s1--aa.png\n", ["git-annex", "git annex get"]),
        ("version https://hawser.github.com/spec/v1\noid sha256:aa\n", ["Git LFS"]),
        (mangled + mangled + "\0\u{10}JFIF\0", ["JPEG", "taken for text"]),
        (mangled + mangled + "\0jExif\0\0", ["JPEG", "taken for text"]),
        (mangled + mangled + "+\u{EF}\u{BF}\u{BD}Exif\0\0", ["JPEG", "taken for text"]),
        (mangled + mangled + "\0C\0\u{8}", ["JPEG", "taken for text"]),
        ("\u{C3}\u{BF}\u{C3}\u{98}\u{C3}\u{BF}\u{C3}\u{A0}\0\u{10}JFIF\0", ["JPEG", "taken for text"]),
        ("\u{C2}\u{89}PNG\r\n\u{1A}\n\0", ["PNG", "taken for text"]),
        ("ID3\u{3}\0\0", ["MP3"]), ("\0\u{5}\u{16}\u{7}\0\u{2}\0\0Mac OS X", ["AppleDouble", "without ._"]),
        ("\0\0\0\u{1}Bud1\0\0", ["DS_Store"]), ("SQLite format 3\0", ["SQLite"]), ("\u{7F}ELF\u{2}\u{1}", ["program"]),
        ("MZ\u{90}\0\u{3}\0", ["program"]), ("\u{14}\u{1}\0\0\0\0\0\0{\"a\":{", ["safetensors"]),
        ("HTTP/1.1 403 Forbidden\r\nServer: a\r\n\r\n", ["HTTP", "fetch"]), ("R0lGODlhAQABAAAAACw=", ["Base64"]),
        ("R", ["plain text"]), ("RIFF", ["plain text"]),
    ]

    /// Two bytes that are not UTF-8, as a program leaves them that takes all bytes for it.
    private static let mangled = "\u{EF}\u{BF}\u{BD}\u{EF}\u{BF}\u{BD}"

    /// In Latin-1 and UTF-8 alike, a character being a byte.
    private static let texts: [(beginning: String, words: [String])] = [
        ("<!doctype html><p>", ["HTML"]), ("<html>\u{8}\u{B}", ["HTML"]), ("<h1>Forbidden</h1>", ["HTML"]),
        ("<script>location='/login'</script>", ["HTML"]), ("<meta http-equiv=refresh>", ["HTML"]),
        ("<head><title>403</title></head>", ["HTML"]), ("<!-- cached -->\n<html>", ["HTML"]),
        ("<?xml version=\"1.0\"?><html><svg/>", ["HTML"]), ("<center>", ["HTML"]), ("<div class=error>", ["HTML"]),
        ("<svg><text>", ["SVG"]),
        ("<?xml version='1.0'?>\n<!-- \(String(repeating: "x", count: 9000)) -->\n<svg>", ["SVG"]),
        ("<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\">\n<svg>", ["SVG"]), ("<svg:svg>", ["SVG"]),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><Error>", ["XML"]), ("<rss>", ["XML"]),
        ("{\"error\": \"", ["JSON"]), ("[{\"error\": \"", ["JSON"]),
        ("[ \"a\", \"", ["JSON"]), ("[\n  {\"a\": \"", ["JSON"]),
        ("[error] ", ["plain text"]), ("for all: ", ["plain text"]),
    ]

    /// Latin-1, Windows-1252, Shift-JIS, GBK and UTF-8.
    private static let letters: [[UInt8]] = [
        [0x66, 0xFC, 0x72], [0x64, 0x6F, 0x6E, 0x92, 0x74], [0x94, 0x4C, 0x82, 0xCC, 0x8E, 0xCA, 0x90, 0x5E],
        [0xD5, 0xD2, 0xB2, 0xBB, 0xB5, 0xBD], [0xC3, 0xA9], [0xE7, 0x8C, 0xAB],
    ]

    @Test(arguments: texts.indices)
    func `text is named in whatever letters it is written`(place: Int) throws {
        let (beginning, words) = Self.texts[place]
        for letters in Self.letters {
            try Self.expectForeign(Self.bytes(beginning) + letters, words)
            try Self.expectForeign(Self.bytes("\r\n \n" + beginning) + letters, words)
            try Self.expectForeign([0xEF, 0xBB, 0xBF] + Self.bytes(beginning) + letters, words)
        }
    }

    /// Strings are compared canonically: a mark would be part of the letter before it, and a run of them be put in
    /// order.
    @Test func `combining marks behind a beginning hide it not, however many there are`() throws {
        let beginnings = [
            ("a", "plain text"), ("<html", "HTML"), ("<svg", "SVG"), ("<?xml?><body", "HTML"), ("{", "JSON"),
            ("/9j/", "Base64"), ("http/1.", "HTTP"), ("version https://git-lfs", "Git LFS"),
        ]
        for (beginning, word) in beginnings {
            for pairs in [1, 16_384] {
                let marks = String(repeating: "\u{301}\u{316}", count: pairs)
                try Self.expectForeign(Array((beginning + marks).utf8), [word])
            }
        }
    }

    @Test(arguments: files.indices)
    func `a file of another kind is named, with what to do`(place: Int) throws {
        let (beginning, words) = Self.files[place]
        for bytes in [Self.bytes(beginning), Self.bytes(beginning + String(repeating: "a", count: 1000))] {
            try Self.expectForeign(bytes, words)
        }
    }

    private static func expectForeign(_ bytes: [UInt8], _ words: [String]) throws {
        let error = try #require(throws: ImageError.self) { try ImageSize(probing: bytes) }
        guard case .foreign(let name, let remedy, _) = error else {
            Issue.record("\(error) for \(String(decoding: bytes.prefix(40), as: UTF8.self))")
            return
        }
        for word in words { #expect((name + remedy).contains(word), "\(error)") }
        #expect(error.description.contains(name) && error.description.contains(remedy))
        #expect(throws: error) { try Image(decoding: bytes) }
    }

    @Test func `bytes of no kind are not taken for one`() {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            var bytes = (0..<40).map { _ in UInt8.random(in: 0...255, using: &random) }
            (bytes[0], bytes[1]) = (bytes[0] | 0x80, 0x01)
            let error = ImageError.unknownFormat(firstBytes: Array(bytes.prefix(8)))
            #expect(throws: error) { try ImageSize(probing: bytes) }
        }
    }

    @Test func `bytes that no letters have are not taken for text`() {
        for bytes in [[UInt8](repeating: 0xFF, count: 99), [0x41, 0, 0x42], [0x66, 0xFC, 0x02], [0x66, 0xFC, 0x7F]] {
            let error = ImageError.unknownFormat(firstBytes: Array(bytes.prefix(8)))
            #expect(throws: error) { try ImageSize(probing: bytes) }
        }
    }

    /// Markers of ITU-T T.81, table B.1, and of JPEG-LS, in place of the one of a baseline picture.
    @Test(arguments: [0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7, 0xDE] as [UInt8])
    func `a JPEG coded in another way is not supported`(marker: UInt8) throws {
        try Self.expectUnsupported(at: 1, [marker], saying: "coded")
    }

    @Test func `a JPEG of other samples or colours is not supported`() throws {
        try Self.expectUnsupported(at: 4, [12], saying: "12 bits")
        try Self.expectUnsupported(at: 4, [16], saying: "16 bits")
        try Self.expectUnsupported(at: 5, [0, 0], saying: "height")
        try Self.expectUnsupported(at: 9, [2], saying: "2 colours")
        try Self.expectUnsupported(at: 9, [5], saying: "5 colours")
    }

    /// Changes the frame header of a picture: `FF C0 length(2) precision height(2) width(2) components`.
    private static func expectUnsupported(at offset: Int, _ change: [UInt8], saying word: String) throws {
        var bytes = try Fixture.bytes("images/sampling-444.jpg")
        let frame = try #require(bytes.first([0xFF, 0xC0]))
        bytes.replaceSubrange(frame + offset..<frame + offset + change.count, with: change)
        let error = try #require(throws: ImageError.self) { try Image(decoding: bytes) }
        guard case .unsupported(.jpeg, let what) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(what.contains(word))
        #expect(error.description.contains("not supported") && !error.description.contains("damaged"))
    }

    @Test func `Apple's own form of PNG is not supported`() throws {
        var bytes = try Fixture.bytes("images/rgb-8.png")
        bytes.insert(contentsOf: PNGBytes.chunk("CgBI", [0x50, 0, 0x20, 6]), at: 8)
        let error = ImageError.unsupported(.png, what: "is in Apple's form for devices (CgBI)")
        #expect(throws: error) { try Image(decoding: bytes) }
        #expect(error.description.contains("not supported"))
    }
}

import Glibc
import RPC

/// The arguments of `mask`, told apart: pictures come first, then words.
///
/// A shell's `*.jpg` gives many pictures. Behind the first argument, which is one always, those are pictures that lead
/// to a picture's file, are named as one, or are read from a pipe; the first other one begins the words.
struct MaskArguments {
    /// At least one.
    let pictures: [String]
    let words: WordList

    init(_ options: MaskOptions) throws(WordError) {
        let rest = options.words.drop(while: Self.isPicture)
        pictures = [options.image] + options.words[..<rest.startIndex]
        if rest.isEmpty, pictures.count > 1 { throw .onlyPictures(pictures.count) }
        for argument in rest where Self.isPictureFile(argument) { throw .picture(argument) }
        words = try WordList(Array(rest))
        for label in words.labels where label.phrases.isEmpty && Self.isPictureFile(label.name) {
            throw .picture(label.name)
        }
    }

    private static func isPicture(_ argument: String) -> Bool {
        if argument == "-" { return true }
        guard let status = FileStatus(argument) else { return isNamedAsPicture(argument) && !argument.contains("=") }
        if status.isFolder { return argument.utf8.last == UInt8(ascii: "/") }
        // A pipe is told from a word that happens to be one's name by its folder.
        return isPictureFile(argument) || !status.isFile && argument.utf8.contains(UInt8(ascii: "/"))
    }

    /// Whether it leads to a file that begins as a picture or is named as one; dseg need not know its format.
    private static func isPictureFile(_ path: String) -> Bool {
        guard FileStatus(path)?.isFile == true else { return false }
        return isNamedAsPicture(path) || beginsAsPicture(path)
    }

    private static let endings: Set<String> = [
        "png", "jpg", "jpeg", "jpe", "jfif", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "jxl", "jp2",
        "psd", "ppm", "pgm", "pnm", "exr", "svg",
    ]

    /// Whether a name ends as those of pictures do.
    static func isNamedAsPicture(_ path: String) -> Bool {
        let name = PathText.split(path).name
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        return endings.contains(String(name.unicodeScalars[dot...].dropFirst()).lowercased())
    }

    /// PNG, JPEG, GIF, TIFF, JPEG XL, JPEG 2000, Photoshop, OpenEXR.
    private static let signatures: [[UInt8]] = [
        [0x89, 0x50, 0x4E, 0x47], [0xFF, 0xD8, 0xFF], Array("GIF8".utf8), [0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A],
        [0xFF, 0x0A], [0, 0, 0, 0x0C, 0x4A, 0x58], [0, 0, 0, 0x0C, 0x6A, 0x50], Array("8BPS".utf8),
        [0x76, 0x2F, 0x31, 0x01],
    ]

    private static func beginsAsPicture(_ path: String) -> Bool {
        let descriptor = unsafe PathText.withName(of: path) { unsafe open($0, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        let start = bytes.prefix(max(0, count))
        if signatures.contains(where: start.starts(with:)) { return true }
        // WebP in RIFF, HEIF and AVIF in ISO's boxes, a bitmap whose reserved bytes are 0, a portable one.
        let isRIFF = start.starts(with: Array("RIFF".utf8)) && start.dropFirst(8).starts(with: Array("WEBP".utf8))
        let isBoxed = start.dropFirst(4).starts(with: Array("ftyp".utf8))
        let isBitmap = start.starts(with: Array("BM".utf8)) && start.dropFirst(6).starts(with: [0, 0, 0, 0])
        let isPortable = start.first == UInt8(ascii: "P") && start.dropFirst().first.map { (0x31...0x36).contains($0) }
            == true && start.dropFirst(2).first == 0x0A
        return isRIFF || isBoxed || isBitmap || isPortable
    }
}

import Images
import RPC
import Texts

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
        for argument in rest { try Self.checkWords(argument) }
        try Self.checkBeginning(of: rest)
        words = try WordList(Array(rest))
    }

    /// A shell's `*` gives whatever lies in a folder. A file or a folder may be called as the only words are, or the
    /// last; where words follow it, it was meant as a picture.
    private static func checkBeginning(of words: ArraySlice<String>) throws(WordError) {
        guard words.count > 1, let first = words.first, let status = FileStatus(first) else { return }
        throw .noPicture(first, what: "\(status.kind)\(status.isFile ? " of another kind" : "")")
    }

    /// That no label is a picture's name.
    private static func checkWords(_ argument: String) throws(WordError) {
        if isPictureFile(argument) { throw .picture(argument) }
        if FileStatus(argument) != nil { return }
        for name in WordList.fileNames(in: argument) {
            if isPictureFile(name) { throw .picture(name) }
            if isNamedAsPicture(name), FileStatus(name) == nil { throw .missingPicture(name) }
        }
    }

    /// Words in which a comma or `=` stands are a picture only where they lead to one.
    private static func isPicture(_ argument: String) -> Bool {
        if argument == "-" { return true }
        guard let status = FileStatus(argument) else {
            let names = WordList.fileNames(in: argument).map { ExactString($0) }
            let isOneName = names == [ExactString(argument)] && !argument.utf8.contains(UInt8(ascii: "="))
            return isOneName && isNamedAsPicture(argument)
        }
        if status.isFolder { return argument.utf8.last == UInt8(ascii: "/") }
        // A pipe is told from a word that happens to be one's name by its folder.
        return isPictureFile(argument) || !status.isFile && argument.utf8.contains(UInt8(ascii: "/"))
    }

    /// Whether it leads to a file that begins as a picture or is named as one; dseg need not know its format.
    private static func isPictureFile(_ path: String) -> Bool {
        guard FileStatus(path)?.isFile == true else { return false }
        return isNamedAsPicture(path) || beginsAsPicture(path)
    }

    /// Of names of pictures, of documents that are looked at as pictures, and of cameras' raw files.
    private static let endings: Set<String> = [
        "png", "apng", "mng", "jng", "jpg", "jpeg", "jpe", "jfif", "webp", "gif", "bmp", "dib", "tif", "tiff", "ico",
        "cur", "icns", "heic", "heif", "hif", "avif", "jxl", "jxr", "jp2", "j2k", "jpx", "psd", "psb", "xcf", "tga",
        "pcx", "dds", "qoi", "bpg", "pbm", "pgm", "ppm", "pnm", "pam", "exr", "hdr", "fits", "dcm", "djvu", "svg",
        "svgz", "pdf", "eps", "cr2", "cr3", "crw", "nef", "nrw", "arw", "sr2", "srf", "dng", "raf", "orf", "rw2",
        "pef", "srw", "x3f", "3fr", "iiq", "mos", "mrw", "erf", "kdc", "dcr",
        "rwl", "sgi", "rgb", "ras", "wbmp", "xbm", "xpm", "pfm", "pict", "wmf", "emf", "fit", "heics", "avifs", "jif",
    ]

    private static let longestEnding = endings.map(\.utf8.count).max() ?? 0

    /// Whether a name ends as those of pictures do.
    static func isNamedAsPicture(_ path: String) -> Bool {
        let name = PathText.split(path).name
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let ending = String(name.unicodeScalars[dot...].dropFirst())
        return ending.utf8.count <= longestEnding && endings.contains(ending.lowercased())
    }

    /// Whether a file's first bytes are those of a picture, whole or not, or of a known kind that holds pictures.
    private static func beginsAsPicture(_ path: String) -> Bool {
        guard let beginning = try? InputFile.beginning(of: path) else { return false }
        do throws(ImageError) {
            _ = try ImageSize(probing: beginning)
            return true
        } catch .foreign(_, _, let makesPicture) {
            return makesPicture
        } catch .empty, .unknownFormat {
            return false
        } catch {
            return true
        }
    }
}

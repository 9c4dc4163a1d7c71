import Images
import RPC
import Texts

/// Splits the arguments of `mask` and `words` into pictures and words.
///
/// A shell's `*.jpg` gives many pictures. The first argument is always a picture; the following ones are, as long as
/// each is an existing picture file, has a picture's file extension, or is a pipe. The first other argument begins the
/// words.
struct MaskArguments {
    /// At least one; none where a file names them.
    let pictures: [String]
    let words: WordList

    init(_ options: MaskOptions) throws(WordError) {
        let image = options.image.map { [$0] } ?? []
        if options.batch.filesFrom == nil, let picture = image.first {
            try self.init(picture, options.words, options.editing)
        } else {
            try self.init([], (image + options.words)[...], options.editing)
        }
    }

    /// - Parameters:
    ///   - others: the arguments after the first picture
    ///   - editing: where its regions name labels, these are the words if there are no others
    init(_ picture: String, _ others: [String], _ editing: EditingOptions?) throws(WordError) {
        let rest = others.drop(while: Self.isPicture)
        try self.init([picture] + others[..<rest.startIndex], rest, editing)
    }

    private init(_ pictures: [String], _ rest: ArraySlice<String>, _ editing: EditingOptions?) throws(WordError) {
        self.pictures = pictures
        for argument in rest { try Self.checkWords(argument) }
        try Self.checkBeginning(of: rest)
        let regions = try editing?.regions() ?? []
        words = try rest.isEmpty && !regions.isEmpty ? WordList(namedIn: regions) : WordList(Array(rest))
    }

    /// The arguments, with those errors that are not about how they are typed as what they are.
    ///
    /// - Throws: `FileError` for a picture that is missing, ``VocabularyError``, ``PlanError``
    static func reading(_ picture: String, _ others: [String], _ editing: EditingOptions?) throws -> MaskArguments {
        try reading { () throws(WordError) in try MaskArguments(picture, others, editing) }
    }

    /// As ``reading(_:_:_:)``.
    static func reading(_ options: MaskOptions) throws -> MaskArguments {
        try reading { () throws(WordError) in try MaskArguments(options) }
    }

    private static func reading(_ body: () throws(WordError) -> MaskArguments) throws -> MaskArguments {
        do throws(WordError) {
            return try body()
        } catch .missingPicture(let file) {
            throw FileError.cannotRead(path: file, reason: WordError.missingPicture(file).description)
        } catch .vocabulary(let error) {
            throw error
        } catch {
            throw PlanError.words(error)
        }
    }

    /// Refuses words that begin with the name of an existing file or folder and go on: that comes from a shell's `*`.
    /// The only argument of words may happen to be such a name.
    private static func checkBeginning(of words: ArraySlice<String>) throws(WordError) {
        guard words.count > 1, let first = words.first, let status = FileStatus(first) else { return }
        throw .noPicture(first, what: "\(status.kind)\(status.isFile ? " of another kind" : "")")
    }

    /// Refuses labels that are file names of pictures.
    private static func checkWords(_ argument: String) throws(WordError) {
        if isPictureFile(argument) { throw .picture(argument) }
        if FileStatus(argument) != nil { return }
        for name in WordList.fileNames(in: argument) {
            if isPictureFile(name) { throw .picture(name) }
            if isNamedAsPicture(name), FileStatus(name) == nil { throw .missingPicture(name) }
        }
    }

    /// Whether an argument is a picture. One with a comma or `=` is only if such a file exists.
    private static func isPicture(_ argument: String) -> Bool {
        if argument == "-" { return true }
        guard let status = FileStatus(argument) else {
            let names = WordList.fileNames(in: argument).map { ExactString($0) }
            let isOneName = names == [ExactString(argument)] && !argument.utf8.contains(UInt8(ascii: "="))
            return isOneName && isNamedAsPicture(argument)
        }
        if status.isFolder { return argument.utf8.last == UInt8(ascii: "/") }
        // A pipe must be given with a slash, so that a word is not taken for a pipe of that name.
        return isPictureFile(argument) || !status.isFile && argument.utf8.contains(UInt8(ascii: "/"))
    }

    /// Whether a path is a file with a picture's extension or first bytes, of any format.
    private static func isPictureFile(_ path: String) -> Bool {
        guard FileStatus(path)?.isFile == true else { return false }
        return isNamedAsPicture(path) || beginsAsPicture(path)
    }

    /// File extensions of pictures, of documents that show as pictures, and of cameras' raw files.
    private static let endings: Set<String> = [
        "png", "apng", "mng", "jng", "jpg", "jpeg", "jpe", "jfif", "webp", "gif", "bmp", "dib", "tif", "tiff", "ico",
        "cur", "icns", "heic", "heif", "hif", "avif", "jxl", "jxr", "jp2", "j2k", "jpx", "psd", "psb", "xcf", "tga",
        "pcx", "dds", "qoi", "bpg", "pbm", "pgm", "ppm", "pnm", "pam", "exr", "hdr", "fits", "dcm", "djvu", "svg",
        "svgz", "pdf", "eps", "cr2", "cr3", "crw", "nef", "nrw", "arw", "sr2", "srf", "dng", "raf", "orf", "rw2",
        "pef", "srw", "x3f", "3fr", "iiq", "mos", "mrw", "erf", "kdc", "dcr",
        "rwl", "sgi", "rgb", "ras", "wbmp", "xbm", "xpm", "pfm", "pict", "wmf", "emf", "fit", "heics", "avifs", "jif",
    ]

    private static let longestEnding = endings.map(\.utf8.count).max() ?? 0

    /// Whether a name has a picture's extension.
    static func isNamedAsPicture(_ path: String) -> Bool {
        let name = PathText.split(path).name
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let ending = String(name.unicodeScalars[dot...].dropFirst())
        return ending.utf8.count <= longestEnding && endings.contains(ending.lowercased())
    }

    /// Whether a file's first bytes are those of a picture, even a damaged one, or of a known format that holds
    /// pictures.
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

import Glibc
import RPC
import Texts

/// What a run over many pictures asks about each, and where everything goes: decided and checked before the first is
/// looked at.
struct BatchPlan: Sendable {
    let pictures: [ListedPicture]
    let words: WordList
    let model: RequestedModel
    let journalPath: String
    let notes: [String]
    private let options: MaskOptions

    var jobs: Int { options.batch.count }

    /// - Throws: `FileError`, ``PlanError``, ``BatchError``, and what the words are refused for
    init(_ options: MaskOptions, model: RequestedModel) throws {
        (self.options, self.model) = (options, model)
        let arguments = try MaskArguments.reading(options)
        words = arguments.words
        let separator = options.batch.null ? 0 : UInt8(ascii: "\n")
        let list =
            try options.batch.filesFrom.map { try PictureList(listedIn: $0, separatedBy: separator) }
            ?? PictureList(of: arguments.pictures)
        notes = words.notes + list.notes
        let folder = options.output ?? ""
        journalPath = options.batch.journal ?? PathText.joined(folder, "dseg-mask.jsonl")
        if options.output != nil, FileStatus(folder)?.isFolder != true {
            throw FileError.noDirectory(path: folder, canBeMade: mayMake(folder))
        }
        pictures = try Self.withoutOutputs(list.pictures, options, words)
        if pictures.isEmpty { throw BatchError.noPictures(others: list.others) }
    }

    /// Leaves out what only lies in a folder, and is where a picture's file goes: an earlier run wrote it.
    private static func withoutOutputs(
        _ pictures: [ListedPicture], _ options: MaskOptions, _ words: WordList
    ) throws -> [ListedPicture] {
        var owners: [ExactString: String] = [:]
        for picture in pictures {
            for file in try MaskPlan(picture, asking: words, options).files {
                let place = ExactString(PathText.place(of: file.path))
                if let other = owners.updateValue(picture.path, forKey: place) {
                    throw PlanError.sameFile(file.path, of: other, and: picture.path)
                }
            }
        }
        return try pictures.filter { picture in
            guard let owner = owners[ExactString(PathText.place(of: picture.path))] else { return true }
            guard picture.isFound else { throw PlanError.picturesPlace(picture.path, picture: owner) }
            return false
        }
    }

    /// What decides the results, beside the pictures.
    var question: [BatchJournal.Fact] {
        let recipe = options.recipe
        let filter = [options.filter.filter ?? ""] + options.filter.filterSettings
        return [
            BatchJournal.Fact("the words", words.given.joined(separator: ", ")),
            BatchJournal.Fact("--recipe", recipe.name),
            BatchJournal.Fact("the settings", recipe.allSettings.joined(separator: " ")),
            BatchJournal.Fact("--seed", "\(recipe.seed)"),
            BatchJournal.Fact("--threshold", recipe.threshold.map { "\($0)" } ?? "as the recipe has it"),
            BatchJournal.Fact("--filter", filter.joined(separator: " ")),
            BatchJournal.Fact("the files", options.outputs),
            BatchJournal.Fact("--model", model.name),
        ]
    }

    /// What decides them, as the daemon says.
    static func facts(of header: Header) -> [BatchJournal.Fact] {
        [
            BatchJournal.Fact("the model's hash", header.modelHash),
            BatchJournal.Fact("the filter's hash", header.filter?.hash ?? ""),
            BatchJournal.Fact("the vocabulary's hash", header.choice?.vocabularyHash ?? ""),
        ]
    }

    func plan(of picture: ListedPicture) throws -> MaskPlan { try MaskPlan(picture, asking: words, options) }

    /// Checks that files may be written: they are not there, or are the run's own.
    ///
    /// - Returns: whether one of them is there
    func check(_ files: [OutputFile], isOwn: (String) -> Bool) throws(FileError) -> Bool {
        let known = files.filter { FileStatus($0.path, followingLinks: false) != nil }
        if let other = known.first(where: { !options.force && !isOwn($0.path) }) { throw .exists(path: other.path) }
        return !known.isEmpty
    }

    /// Makes the folder of a picture's files below that of all.
    func makeFolder(of picture: ListedPicture) throws(FileError) {
        guard var path = options.output else { return }
        for name in picture.folder.utf8.split(separator: UInt8(ascii: "/")) {
            path = PathText.joined(path, String(Substring(name)))
            let code = unsafe PathText.withName(of: path) { unsafe mkdir($0, 0o777) }
            guard code == 0 || errno == EEXIST else { throw .cannotWrite(path: path, reason: systemReason()) }
        }
    }
}

extension PictureList {
    /// What of folders was left out.
    var notes: [String] {
        if others.isEmpty { return [] }
        let kinds = others.sorted { ExactString($0.key) < ExactString($1.key) }.map { "\($0.value) .\($0.key)" }
        return ["of the folders' pictures those that dseg cannot read are left out: \(kinds.joined(separator: ", "))"]
    }
}

/// Why there is nothing to look at.
enum BatchError: Error, Equatable, CustomStringConvertible, ReasonedError {
    case noPictures(others: [String: Int])
    /// A name in a list, which has no place below the folder of all files.
    case aboveFolder(String, line: Int)

    var exitReason: ExitReason {
        switch self {
        case .noPictures: .missingInput
        case .aboveFolder: .usage
        }
    }

    var description: String {
        switch self {
        case .noPictures(let others):
            "there are no pictures to look at"
                + (others.isEmpty
                    ? "" : ", but those of other formats: \(others.keys.sorted().joined(separator: ", "))")
        case .aboveFolder(let path, let line):
            "\(Streams.printable(path)), name \(line) of the list, leads out of its folder by \"..\": type the names "
                + "as they are below one folder"
        }
    }
}

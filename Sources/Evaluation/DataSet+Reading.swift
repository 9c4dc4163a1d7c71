import FoundationEssentials
import RPC
import Results
import Texts

extension DataSet {
    /// The names of the sets whose layouts are known.
    package static var names: [String] { Layout.all.map(\.name) }

    /// A truth's indices are bytes, of which 0 is the background and 255 is ignored.
    package static let classLimit = 254

    /// Finds the files of a set and checks that all are there, before anything is asked about them.
    ///
    /// - Parameters:
    ///   - name: one of ``names``
    ///   - root: the set's folder, or a folder that holds it
    ///   - split: of the set's lists; `nil` is the one that publications report
    ///   - truth: which truth, where a folder may hold several; `nil` is the first that is there
    ///   - classes: a file of as many classes in the truth's order, which takes the place of the set's names
    ///   - needsTruth: whether each picture must have its truth
    ///   - first: how many pictures of the list, more than 0; `nil` is all of them
    package init(
        named name: String, root: String, split: String?, truth: String?, classes: String?, needsTruth: Bool,
        first: Int?
    ) throws(DataSetError) {
        precondition(first.map { $0 > 0 } ?? true, "a set has pictures")
        guard let layout = Layout.named(name) else { throw .unknownSet(name) }
        let place = try SetPlace(layout, below: root, split: split)
        let truths = try place.truths(named: truth, isNeeded: needsTruth)
        let identifiers = try place.identifiers(truths.first)
        let candidates = try place.candidates(from: classes)
        var findings: [DataSetError.Finding] = []
        let chosen = identifiers.prefix(first ?? identifiers.count)
        pictures = chosen.map { id in
            place.picture(id, truth: needsTruth ? truths.first : nil, findings: &findings)
        }
        if !findings.isEmpty { throw .incomplete(findings, of: "\(name), \(place.split)") }
        self.name = name
        self.root = place.home
        self.split = place.split
        self.truth = needsTruth ? truths.first?.truth.name : nil
        self.classes = candidates.candidates.enumerated().map { number, candidate in
            EvaluatedClass(
                name: candidate.name, phrases: candidate.phrases, synonyms: candidate.synonyms,
                index: UInt8(number + 1))
        }
        background = candidates.background
        protocols = layout.backgrounds.map { [count = candidates.candidates.count] in
            EvaluationProtocol(classes: count, background: $0)
        }
        splitCount = identifiers.count
        notes = place.notes(truths, isNeeded: needsTruth, hasOwnClasses: classes != nil)
        digits = layout.digits
        meanings = (truths.first?.truth.coding ?? .indices).meanings(classes: candidates.candidates.count)
    }
}

/// A truth whose folder is there.
private typealias FoundTruth = (truth: TruthFolder, folder: String)

/// A set's folder, and the split that is asked for.
private struct SetPlace {
    let layout: Layout
    let home: String
    let split: String

    init(_ layout: Layout, below root: String, split: String?) throws(DataSetError) {
        guard FileStatus(root)?.isFolder == true else { throw .noFolder(root) }
        let homes = layout.folders.map { $0.isEmpty ? root : PathText.joined(root, $0) }
        guard
            let home = homes.first(where: { home in
                layout.marks.contains { FileStatus(PathText.joined(home, $0))?.isFolder == true }
            })
        else { throw .noSet(root, of: layout.name, marks: layout.marks) }
        self.layout = layout
        self.home = home
        let asked = split ?? layout.splits.first?.name ?? "val"
        guard !layout.splits.isEmpty else {
            guard asked.isIdentifier else { throw .noSplit(asked, names: []) }
            self.split = asked
            return
        }
        let known = layout.splits.first { $0.words.contains { ExactString($0) == ExactString(asked) } }
        guard let known else { throw .noSplit(asked, names: layout.splits.map(\.name)) }
        self.split = known.name
    }

    private func path(_ template: String, id: String = "") -> String {
        // The split first: an identifier may hold anything.
        PathText.joined(home, template.replacing("{split}", with: split).replacing("{id}", with: id))
    }

    /// The truths that are there, in the layout's order, or the one that is asked for.
    func truths(named name: String?, isNeeded: Bool) throws(DataSetError) -> [FoundTruth] {
        let names = layout.truths.map(\.name)
        if let name, !names.contains(where: { ExactString($0) == ExactString(name) }) {
            throw .unknownTruth(name, of: layout.name, names: names)
        }
        let asked = layout.truths.filter { truth in name.map { ExactString($0) == ExactString(truth.name) } ?? true }
        let found = asked.compactMap { truth -> FoundTruth? in
            let folder = truth.folders.map { path($0) }.first { !Self.names(in: $0, ending: truth.ending).isEmpty }
            return folder.map { (truth, $0) }
        }
        if isNeeded, found.isEmpty {
            let folders = Set(asked.flatMap(\.folders).map { path($0) }).sorted()
            throw .noTruth(home, of: layout.name, folders: folders)
        }
        return found
    }

    /// Distinct, at least one.
    func identifiers(_ truth: FoundTruth?) throws(DataSetError) -> [String] {
        for list in layout.lists {
            switch list {
            case .lines(let template), .columns(let template):
                let path = path(template)
                if FileStatus(path) == nil { continue }
                var isColumns = false
                if case .columns = list { isColumns = true }
                return try identifiers(listedIn: path, isColumns: isColumns)
            case .truths:
                guard let truth else { continue }
                return Self.names(in: truth.folder, ending: truth.truth.ending)
            case .folder(let template, let ending):
                let names = Self.names(in: path(template), ending: ending)
                if names.isEmpty { throw .emptyList(path(template)) }
                return names
            }
        }
        guard case .lines(let template)? = layout.lists.first else {
            throw .noTruth(home, of: layout.name, folders: layout.truths.flatMap(\.folders).map { path($0) })
        }
        throw .noList(path(template), of: layout.name)
    }

    private func identifiers(listedIn path: String, isColumns: Bool) throws(DataSetError) -> [String] {
        let list: ListFile
        do throws(FileError) {
            list = try ListFile(at: path)
        } catch {
            throw .list(error)
        }
        var lines: [ExactString: Int] = [:]
        var identifiers: [String] = []
        for (number, text) in list.lines {
            let name = isColumns ? text.columns.first ?? "" : text
            guard name.isIdentifier, let id = DataSet.identifier(in: name, digits: layout.digits) else {
                throw .identifier(name, path: path, line: number)
            }
            if let first = lines.updateValue(number, forKey: ExactString(id)) {
                throw .repeated(id, path: path, line: number, first: first)
            }
            identifiers.append(id)
        }
        if identifiers.isEmpty { throw .emptyList(path) }
        return identifiers
    }

    /// The classes in the order of their indices.
    func candidates(from file: String?) throws(DataSetError) -> VocabularyList {
        let shipped = try layout.vocabulary.map { name throws(DataSetError) in try Self.vocabulary(named: name) }
        guard let path = file ?? (shipped == nil ? path("classes.txt") : nil) else {
            guard let shipped else { throw .noClasses(home) }
            return shipped
        }
        let isShipped = VocabularyList.shipped.contains { ExactString("@\($0)") == ExactString(path) }
        if !isShipped, FileStatus(path) == nil { throw .noClasses(path) }
        let list = try Self.vocabulary(named: isShipped ? String(path.dropFirst()) : path)
        let count = list.candidates.count
        if count > DataSet.classLimit { throw .tooManyClasses(count) }
        if let shipped, shipped.candidates.count != count {
            throw .classCount(count, path: path, of: layout.name, needed: shipped.candidates.count)
        }
        return list
    }

    private static func vocabulary(named name: String) throws(DataSetError) -> VocabularyList {
        do throws(VocabularyError) {
            return try VocabularyList(named: name)
        } catch {
            throw .classes(error)
        }
    }

    func picture(_ id: String, truth: FoundTruth?, findings: inout [DataSetError.Finding]) -> Picture {
        let paths = layout.pictures.map { path($0, id: id) }
        let picture =
            paths.first { FileStatus($0) != nil }
            ?? paths.first { FileStatus(PathText.folder(of: $0)) != nil } ?? paths[0]
        if let fault = DataSetError.Fault(ofPicture: picture) {
            findings.append(DataSetError.Finding(path: picture, kind: "picture", fault: fault))
        }
        let map = truth.map { PathText.joined($0.folder, id + $0.truth.ending) }
        if let map, let fault = DataSetError.Fault(ofTruth: map) {
            findings.append(DataSetError.Finding(path: map, kind: "truth", fault: fault))
        }
        return Picture(id: id, path: picture, truth: map)
    }

    func notes(_ truths: [FoundTruth], isNeeded: Bool, hasOwnClasses: Bool) -> [String] {
        guard isNeeded, let first = truths.first else { return [] }
        var notes: [String] = []
        if truths.count > 1 {
            let others = truths.dropFirst().map(\.truth.name).joined(separator: ", ")
            notes.append("the truth is \(first.truth.name); \(others) lies there, too: --truth NAME")
        }
        if let note = layout.note, !hasOwnClasses { notes.append(note) }
        return notes
    }

    /// What the names of a folder's files begin with, in the order of their bytes.
    private static func names(in folder: String, ending: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.utf8.count > ending.utf8.count && $0.hasSuffix(ending) }
            .map { ExactString(String($0.dropLast(ending.count))) }.sorted().map(\.text)
    }
}

extension DataSet {
    /// The identifier that stands for a picture in lists; `nil` where there is none.
    ///
    /// - Parameter digits: its length, where lists say more than it
    static func identifier(in name: String, digits: Int?) -> String? {
        guard let digits else { return name }
        let end = name.utf8.suffix(digits)
        return end.count == digits && end.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
            ? String(end) : nil
    }
}

extension DataSetError.Fault {
    /// What keeps a file from being read, as far as its first bytes tell.
    init?(ofPicture path: String) {
        switch Self.beginning(of: path) {
        case .success: return nil
        case .failure(let fault): self = fault.fault
        }
    }

    /// The same of one that must be a PNG file of indices.
    init?(ofTruth path: String) {
        switch Self.beginning(of: path) {
        case .success(let bytes):
            // The signature; the length and name of the first chunk; of its payload width, height, depth and kind.
            let start: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8)
            guard bytes.starts(with: start), bytes.count >= 33 else {
                self = .noPNG
                return
            }
            let (depth, kind) = (bytes[24], bytes[25])
            guard depth <= 8, kind == 0 || kind == 3 else {
                self = .colours
                return
            }
            return nil
        case .failure(let fault): self = fault.fault
        }
    }

    private struct Unread: Error { let fault: DataSetError.Fault }

    private static func beginning(of path: String) -> Result<[UInt8], Unread> {
        guard let status = FileStatus(path) else { return .failure(Unread(fault: .missing)) }
        guard status.isFile else { return .failure(Unread(fault: .noFile)) }
        guard let bytes = try? InputFile.beginning(of: path) else { return .failure(Unread(fault: .unreadable)) }
        return bytes.isEmpty ? .failure(Unread(fault: .empty)) : .success(bytes)
    }
}

import FoundationEssentials
import RPC
import Results
import Texts

/// Which classes are in which picture, as a file says.
///
/// Two published formats are told apart by their content: TagCLIP's text, a line `ID INDEX INDEX ...` a picture with
/// indices from 0 (https://github.com/linyq2117/TagCLIP), and DiffSegmenter's JSON, lists of names by the pictures'
/// paths (https://github.com/VCG-team/DiffSegmenter).
package struct ImageLabels: Sendable, Equatable {
    /// The lists of DiffSegmenter's file.
    package enum List: String, CaseIterable, Sendable {
        case image = "image_similarity"
        case text = "text_similarity"
        case synonym = "synonym_matching"

        /// Of which its published figures are.
        package static let published: [List] = [.image, .text]

        /// - Parameter word: `image`, `text` or `synonym`
        package init?(word: String) {
            guard let list = Self.allCases.first(where: { ExactString($0.word) == ExactString(word) }) else {
                return nil
            }
            self = list
        }

        package var word: String { "\(self)" }
    }

    /// What is to be said to people, a sentence each.
    package let notes: [String]
    private let indices: [ExactString: [UInt8]]

    /// - Parameter lists: of a file that has several; a picture's labels are all of theirs
    /// - Throws: also where a picture of the set has no line
    package init(reading path: String, of dataSet: DataSet, lists: [List]) throws(LabelFileError) {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try InputFile.regularBytes(at: path, limit: ListFile.byteLimit)
        } catch {
            throw .unreadable(error)
        }
        // Blanks, and the bytes of a byte-order mark.
        let text = bytes.drop { [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }
        let pictures = Set(dataSet.pictures.map { ExactString($0.id) })
        var reader = LabelReader(path: path, dataSet: dataSet, pictures: pictures)
        if text.first == UInt8(ascii: "{") {
            try reader.readNames(in: text, lists)
        } else {
            try reader.readIndices(in: ListFile(reading: bytes))
        }
        let missing = dataSet.pictures.map(\.id).filter { reader.indices[ExactString($0)] == nil }
        if !missing.isEmpty { throw .missing(missing, of: path) }
        indices = reader.indices.mapValues { $0.sorted() }
        let others = reader.strangers.count
        let noun = others == 1 ? "picture" : "pictures"
        notes = others == 0 ? [] : ["\(path) has labels of \(others) \(noun) more, which are not asked about"]
    }

    /// The indices of a picture's classes, ascending; none where all of it is background.
    package subscript(picture: Picture) -> [UInt8] { indices[ExactString(picture.id)] ?? [] }
}

/// What a file's lines say, up to the one that was read last.
private struct LabelReader {
    let path: String
    let dataSet: DataSet
    /// The identifiers of the set's pictures.
    let pictures: Set<ExactString>
    private(set) var indices: [ExactString: Set<UInt8>] = [:]
    /// Pictures that are not the set's.
    private(set) var strangers: Set<ExactString> = []

    init(path: String, dataSet: DataSet, pictures: Set<ExactString>) {
        (self.path, self.dataSet, self.pictures) = (path, dataSet, pictures)
    }

    mutating func readIndices(in file: ListFile) throws(LabelFileError) {
        if file.lines.isEmpty { throw .empty(path: path) }
        var lines: [ExactString: Int] = [:]
        for (number, text) in file.lines {
            let columns = text.columns
            guard let id = dataSet.identifier(ofPictureAt: columns.first ?? "") else {
                throw .noPicture(text, path: path, line: number)
            }
            if let first = lines.updateValue(number, forKey: ExactString(id)) {
                throw .repeated(id, path: path, line: number, first: first)
            }
            var found: Set<UInt8> = []
            for column in columns.dropFirst() {
                guard let index = Int(column), dataSet.classes.indices.contains(index) else {
                    throw .index(column, path: path, line: number, classes: dataSet.classes.count)
                }
                found.insert(dataSet.classes[index].index)
            }
            add(found, to: id)
        }
    }

    mutating func readNames(in bytes: ArraySlice<UInt8>, _ lists: [ImageLabels.List]) throws(LabelFileError) {
        guard let file = try? JSONDecoder().decode([String: [String: [String]]].self, from: Data(bytes)) else {
            throw .noLists(path: path)
        }
        let names = ClassNames(dataSet.classes)
        var unknown: Set<ExactString> = []
        for list in lists {
            guard let labels = file[list.rawValue] else {
                throw .noList(list.rawValue, path: path, names: file.keys.sorted())
            }
            var places: [ExactString: String] = [:]
            for (place, words) in labels.sorted(by: { ExactString($0.key) < ExactString($1.key) }) {
                guard let id = dataSet.identifier(ofPictureAt: place) else {
                    throw .noPicture(place, path: path, line: nil)
                }
                if let other = places.updateValue(place, forKey: ExactString(id)) {
                    throw .twoPaths(place, other, path: path)
                }
                let isAsked = pictures.contains(ExactString(id))
                let found = words.map { word in (word, names[word]) }
                if isAsked { unknown.formUnion(found.filter { $0.1 == nil }.map { ExactString($0.0) }) }
                add(Set(found.compactMap(\.1)), to: id)
            }
        }
        if !unknown.isEmpty { throw .unknownNames(unknown.sorted().map(\.text), path: path) }
    }

    private mutating func add(_ found: Set<UInt8>, to id: String) {
        guard pictures.contains(ExactString(id)) else {
            strangers.insert(ExactString(id))
            return
        }
        indices[ExactString(id), default: []].formUnion(found)
    }
}

/// The words that mean a class.
private struct ClassNames {
    /// As DiffSegmenter's file of COCO spells it.
    private static let misspelt = ["toothbrus": "toothbrush"]

    /// By a word's letters and digits: the classes that have it as name; as phrase; as synonym.
    private let owners: [[String: Set<UInt8>]]

    init(_ classes: [EvaluatedClass]) {
        let kinds: [(EvaluatedClass) -> [String]] = [{ [$0.name] }, { $0.phrases.map(\.words) }, { $0.synonyms }]
        owners = kinds.map { words in
            var owners: [String: Set<UInt8>] = [:]
            for one in classes {
                for word in words(one) { owners[Self.key(word), default: []].insert(one.index) }
            }
            return owners
        }
    }

    /// The one class that a word means; `nil` for none, and for several.
    subscript(word: String) -> UInt8? {
        let key = Self.key(word)
        return owners.lazy.compactMap { $0[Self.misspelt[key] ?? key] }.first { $0.count == 1 }?.first
    }

    /// "Dining table" and "diningtable" are one.
    private static func key(_ word: String) -> String {
        String(word.lowercased().unicodeScalars.filter { !" _-".unicodeScalars.contains($0) })
    }
}

extension DataSet {
    /// The identifier of the picture that a path names; `nil` where its name has none.
    fileprivate func identifier(ofPictureAt path: String) -> String? {
        let name = PathText.split(path).name
        let endings = [".jpg", ".jpeg", ".png", ".webp"]
        let ending = endings.first { name.lowercased().hasSuffix($0) } ?? ""
        let id = String(name.dropLast(ending.count))
        return id.isIdentifier ? Self.identifier(in: id, digits: digits) : nil
    }
}

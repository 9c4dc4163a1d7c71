import Limits
package import RPC
import Texts

/// Candidates, of which those that are in a picture are looked for, and words that compete with them.
///
/// A file of them is UTF-8 text, perhaps with a byte-order mark. A line is a label, or several that commas part; blank
/// lines and those that begin with `#` say nothing. After a line `[background]` the lines are words for what else
/// pictures show. A backslash before a comma, `=`, `|`, `~`, `:`, `.`, `#`, `[`, `@` or a backslash makes it part of
/// the words.
///
///     # One label
///     dog
///     # Found by the maps of these phrases, averaged, as on the command line, weights included
///     person=people|man:1.2
///     # What a caption may call it
///     person=people ~ man|woman|child
///     sofa ~ couch
///     [background]
///     grass, sky
package struct VocabularyList: Sendable, Equatable {
    package static let fileLimit = 4 << 20

    /// The vocabularies that ship with the programs, which `@voc` and so on mean.
    package static let shipped = ["voc", "context", "coco", "ade", "lvis", "demo"]

    /// 1 to ``Limit/labels``, with distinct names.
    package let candidates: [Candidate]
    /// At most ``Limit/labels``, distinct.
    package let background: [String]

    /// Reads a vocabulary.
    ///
    /// - Parameter name: one of ``shipped``; anything else is a file's path
    package init(named name: String) throws(VocabularyError) {
        let isShipped = Self.shipped.contains { ExactString($0) == ExactString(name) }
        let path = isShipped ? "\(ShippedFiles.folder(of: "dsegd"))/vocabularies/\(name).txt" : name
        if !isShipped, !name.utf8.contains(where: { "./".utf8.contains($0) }), name.isEmpty || FileStatus(name) == nil {
            throw .unknown(name)
        }
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try InputFile.regularBytes(at: path, limit: Self.fileLimit)
        } catch .tooLarge {
            throw .tooLarge(path: path)
        } catch {
            throw .unreadable(error)
        }
        try self.init(reading: bytes, path: path)
    }

    /// - Parameter path: where the bytes are from, for errors
    package init(reading bytes: [UInt8], path: String) throws(VocabularyError) {
        guard let text = String(validating: bytes, as: UTF8.self), PathText.isUnicode(text) else {
            throw .notText(path: path)
        }
        var lines = VocabularyLines()
        for (number, line) in WrittenWords.lines(of: text).enumerated() {
            do throws(VocabularyError.Fault) {
                try lines.read(line, number: number + 1)
            } catch {
                throw .line(number + 1, of: path, error)
            }
        }
        if lines.candidates.isEmpty { throw .empty(path: path) }
        try self.init(lines.candidates, lines.background)
    }

    /// Joins vocabularies and words beside them. Of labels with one name the first stays, with the synonyms of all; the
    /// phrases of a word that was typed take the place of a vocabulary's. A synonym or background word that is also the
    /// name of a label means that label.
    ///
    /// - Parameter words: with distinct names
    init(joining vocabularies: [VocabularyList], _ words: [Label]) throws(VocabularyError) {
        var candidates: [Candidate] = []
        var places: [ExactString: Int] = [:]
        for candidate in vocabularies.flatMap(\.candidates) {
            if let place = places[ExactString(candidate.name)] {
                candidates[place].synonyms += candidate.synonyms
            } else {
                places[ExactString(candidate.name)] = candidates.count
                candidates.append(candidate)
            }
        }
        for word in words {
            if let place = places[ExactString(word.name)] {
                if !word.phrases.isEmpty { candidates[place].phrases = word.phrases }
            } else {
                places[ExactString(word.name)] = candidates.count
                candidates.append(Candidate(name: word.name, phrases: word.phrases, synonyms: []))
            }
        }
        for place in candidates.indices {
            var seen: Set<ExactString> = []
            candidates[place].synonyms.removeAll {
                places[ExactString($0)] != nil || !seen.insert(ExactString($0)).inserted
            }
        }
        var seen = Set(places.keys)
        let background = vocabularies.flatMap(\.background).filter { seen.insert(ExactString($0)).inserted }
        try self.init(candidates, background)
    }

    private init(_ candidates: [Candidate], _ background: [String]) throws(VocabularyError) {
        for count in [candidates.count, background.count] where count > Limit.labels { throw .tooMany(count) }
        self.candidates = candidates
        self.background = background
    }
}

/// What the lines of a vocabulary's file say, up to the one that was read last.
private struct VocabularyLines {
    private(set) var candidates: [Candidate] = []
    private(set) var background: [String] = []
    private var isBackground = false
    /// Where each name, and each background word, stands.
    private var linesOfNames: [ExactString: Int] = [:]
    private var linesOfBackground: [ExactString: Int] = [:]

    mutating func read(_ line: Substring, number: Int) throws(VocabularyError.Fault) {
        let opening = WrittenWords.opening(of: line)
        if opening == nil || opening == "#" { return }
        let marks = WrittenWords.marks(of: String(line), .ofFiles)
        if opening == "[" {
            let heading = WrittenWords.text(of: marks[...])
            guard ExactString(heading) == "[background]" else { throw .heading(heading) }
            isBackground = true
            return
        }
        // A comma may end the line.
        guard let entries = WrittenWords.entries(of: [.line] + marks + [.line]) else { throw .label(.emptyName) }
        for entry in entries {
            if isBackground {
                try readBackground(entry, number)
            } else {
                try readCandidate(entry, number)
            }
        }
    }

    private mutating func readCandidate(
        _ entry: ArraySlice<WrittenWords.Mark>, _ number: Int
    ) throws(VocabularyError.Fault) {
        let parts = entry.split(separator: .sign("~"), maxSplits: 1, omittingEmptySubsequences: false)
        let label: Label
        do throws(LabelFault) {
            label = try Label(written: parts[0])
        } catch {
            throw .label(error)
        }
        let written = parts.count == 1 ? [] : parts[1].split(separator: .sign("|"), omittingEmptySubsequences: false)
        let synonyms = written.map(WrittenWords.text)
        if synonyms.contains(where: \.isEmpty) { throw .emptySynonym(of: label.name) }
        for text in [label.name] + label.phrases.map(\.words) + synonyms { try Self.check(text) }
        if let line = linesOfNames.updateValue(number, forKey: ExactString(label.name)) {
            throw .repeated(label.name, line: line)
        }
        candidates.append(Candidate(name: label.name, phrases: label.phrases, synonyms: synonyms))
    }

    private mutating func readBackground(
        _ entry: ArraySlice<WrittenWords.Mark>, _ number: Int
    ) throws(VocabularyError.Fault) {
        let text = WrittenWords.text(of: entry)
        if entry.contains(where: { [.sign("="), .sign("|"), .sign("~")].contains($0) }) {
            throw .backgroundParts(text)
        }
        try Self.check(text)
        if let line = linesOfBackground.updateValue(number, forKey: ExactString(text)) {
            throw .repeated(text, line: line)
        }
        background.append(text)
    }

    private static func check(_ text: String) throws(VocabularyError.Fault) {
        if !StreamSafe.isSafe(text) { throw .label(.tooManyMarks(text)) }
        if text.utf8.count > Limit.promptBytes { throw .tooLong(text) }
    }
}

import Limits
package import RPC
import Texts

/// What is looked for in a picture.
package enum Sought: Sendable, Equatable {
    /// These, which are taken to be there: at least one, with distinct names.
    case labels([Label])
    /// Those of these that are there.
    case candidates(VocabularyList)
    /// Whatever a caption of the picture names.
    case anything
}

/// Parses the labels as a person types them.
///
/// Commas, line ends and separate arguments separate labels; `name=phrase|phrase` gives a label several phrases. Space
/// around a name or phrase is trimmed, space inside is kept. `dog:1.2` gives words a weight. `@coco` is a shipped
/// vocabulary, `@path` a file of one (``VocabularyList``): labels beside it are then candidates, too. A backslash
/// before a comma, `=`, `|`, `:`, `@`, a full stop, a backslash or a line end makes it part of the words.
///
///     dseg mask street.jpg "car, traffic light" road=street|asphalt 'Paris\, Texas'
package struct WordList: Sendable, Equatable {
    /// The arguments as they were typed, or as they would be.
    package let given: [String]
    package let sought: Sought
    /// Of the arguments, also where they are candidates.
    private let words: [Label]

    package init(_ arguments: [String]) throws(WordError) {
        var words: [Label] = []
        var names: Set<String> = []
        var vocabularies: [VocabularyList] = []
        for argument in arguments {
            guard PathText.isUnicode(argument) else { throw .notText(argument: argument) }
            guard let entries = WrittenWords.entries(of: WrittenWords.marks(of: argument, .ofArguments)) else {
                throw .emptyLabel(argument: argument)
            }
            for entry in entries {
                if let name = WrittenWords.vocabulary(in: entry) {
                    vocabularies.append(try Self.vocabulary(name))
                    continue
                }
                let label = try Self.label(entry, in: argument)
                guard names.insert(label.name).inserted else { throw .repeatedLabel(label.name) }
                words.append(label)
            }
        }
        given = arguments
        self.words = words
        if !vocabularies.isEmpty {
            sought = .candidates(try Self.joined(vocabularies, words))
        } else if words.isEmpty {
            sought = .anything
        } else {
            if words.count > Limit.maskedLabels { throw .tooManyLabels(words.count) }
            sought = .labels(words)
        }
    }

    /// Those that are taken to be there.
    package var labels: [Label] {
        if case .labels(let labels) = sought { labels } else { [] }
    }

    /// The labels that regions name, each once, in the order in which they stand.
    init(namedIn regions: [WrittenRegion]) throws(WordError) {
        var arguments: [String] = []
        var names: Set<String> = []
        for region in regions {
            for argument in try region.arguments() {
                guard let name = try WordList([argument]).names.first, names.insert(name).inserted else { continue }
                arguments.append(argument)
            }
        }
        try self.init(arguments)
    }

    /// Of the labels, or of the candidates.
    var names: [String] {
        switch sought {
        case .labels(let labels): labels.map(\.name)
        case .candidates(let list): list.candidates.map(\.name)
        case .anything: []
        }
    }

    /// Hints for labels that look like several, separated as other tools do, for example by GroundingDINO's full stops.
    package var notes: [String] {
        words.map(\.name).filter(WrittenWords.looksLikeSeveral).map {
            "\"\(Streams.excerpt($0))\" was taken as one label; commas part labels: dog, grass"
        }
    }

    /// An argument's labels as possible file names, without those whose last full stop is escaped, and vocabularies.
    static func fileNames(in argument: String) -> [String] {
        WrittenWords.marks(of: argument, .ofArguments).split(whereSeparator: \.partsLabels).filter { entry in
            entry.last { $0.scalar == "." } != .scalar(".") && WrittenWords.vocabulary(in: entry) == nil
        }.map(WrittenWords.text)
    }

    private static func label(
        _ entry: ArraySlice<WrittenWords.Mark>, in argument: String
    ) throws(WordError) -> Label {
        do throws(LabelFault) {
            return try Label(written: entry)
        } catch {
            throw WordError(error, in: argument)
        }
    }

    private static func vocabulary(_ name: String) throws(WordError) -> VocabularyList {
        do throws(VocabularyError) {
            return try VocabularyList(named: name)
        } catch {
            throw .vocabulary(error)
        }
    }

    private static func joined(
        _ vocabularies: [VocabularyList], _ words: [Label]
    ) throws(WordError) -> VocabularyList {
        do throws(VocabularyError) {
            return try VocabularyList(joining: vocabularies, words)
        } catch {
            throw .vocabulary(error)
        }
    }
}

package import RPC

/// What to look for, as a person types it.
///
/// Commas and separate arguments part labels; `name=phrase|phrase` says a label in several ways.
/// Space around a name or phrase does not count, space inside it does.
///
///     dseg mask street.jpg "car, traffic light" road=street|asphalt
package struct WordList: Sendable, Equatable {
    /// Indices of the mask are bytes and 0 is the background.
    package static let labelLimit = 255

    /// As they were typed, one argument each.
    package let given: [String]
    /// At least one, with distinct names.
    package let labels: [Label]

    package init(_ arguments: [String]) throws(WordError) {
        var labels: [Label] = []
        for argument in arguments {
            for entry in argument.split(separator: ",", omittingEmptySubsequences: false) {
                let label = try Self.label(entry, in: argument)
                if labels.contains(where: { $0.name == label.name }) {
                    throw .repeatedLabel(label.name)
                }
                labels.append(label)
            }
        }
        if labels.isEmpty { throw .noLabels }
        if labels.count > Self.labelLimit { throw .tooManyLabels(labels.count) }
        given = arguments
        self.labels = labels
    }

    /// One label: `name`, or `name=phrase|phrase`.
    private static func label(
        _ entry: Substring, in argument: String
    ) throws(WordError) -> Label {
        let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = trimmed(parts[0])
        if name.isEmpty { throw .emptyLabel(argument: argument) }
        if name.contains("|") { throw .namelessPhrases(name) }
        guard parts.count == 2 else { return Label(name: name, phrases: []) }
        let phrases = parts[1].split(separator: "|", omittingEmptySubsequences: false).map(trimmed)
        if phrases.contains("") { throw .emptyPhrase(label: name, argument: argument) }
        return Label(name: name, phrases: phrases.map { Phrase(words: $0, prompt: "") })
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop(while: \.isWhitespace)
        let end = start.lastIndex { !$0.isWhitespace }
        return end.map { String(start[...$0]) } ?? ""
    }
}

/// Why words name no labels, and what to type instead.
package enum WordError: Error, Equatable, CustomStringConvertible {
    case noLabels
    case emptyLabel(argument: String)
    case emptyPhrase(label: String, argument: String)
    case namelessPhrases(String)
    case repeatedLabel(String)
    case tooManyLabels(Int)

    package var description: String {
        switch self {
        case .noLabels:
            "no words to look for; type them after the picture: dog, grass"
        case .emptyLabel(let argument):
            "a label in \"\(argument)\" is empty; type a word between the commas: dog, grass"
        case .emptyPhrase(let label, let argument):
            "a phrase of \"\(label)\" in \"\(argument)\" is empty; type \(label)=phrase|phrase, "
                + "or \(label) alone"
        case .namelessPhrases(let phrases):
            "\"\(phrases)\" are phrases without a name; type name=\(phrases)"
        case .repeatedLabel(let name):
            "the label \"\(name)\" is there twice; to say it in several ways type "
                + "\(name)=phrase|phrase"
        case .tooManyLabels(let count):
            "\(count) labels are over the limit of \(WordList.labelLimit); ask in several runs"
        }
    }
}

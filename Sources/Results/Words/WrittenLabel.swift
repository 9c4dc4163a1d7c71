import RPC
import Texts

extension Label {
    /// A label as it is written, in arguments and in files: `name`, or `name=phrase|phrase`, where each phrase, or a
    /// name without phrases, may end with a weight.
    init(written marks: ArraySlice<WrittenWords.Mark>) throws(LabelFault) {
        let parts = marks.split(separator: .sign("="), maxSplits: 1, omittingEmptySubsequences: false)
        if parts[0].contains(.sign("|")) {
            let name = try WrittenWords.name(in: parts[0])
            throw .namelessPhrases(name)
        }
        guard parts.count == 2 else {
            let phrase = try Phrase(written: parts[0])
            if phrase.words.isEmpty { throw .emptyName }
            self.init(name: phrase.words, phrases: phrase.weight == 0 ? [] : [phrase])
            return
        }
        let name = try WrittenWords.name(in: parts[0])
        var phrases: [Phrase] = []
        for part in parts[1].split(separator: .sign("|"), omittingEmptySubsequences: false) {
            phrases.append(try Phrase(written: part))
        }
        if phrases.contains(where: \.words.isEmpty) { throw .emptyPhrase(of: name) }
        self.init(name: name, phrases: phrases)
    }
}

extension Phrase {
    /// What a weight may be.
    static let weights: ClosedRange<Float> = 0.1...10

    fileprivate init(written marks: ArraySlice<WrittenWords.Mark>) throws(LabelFault) {
        let (words, number) = WrittenWords.weighted(marks)
        let text = WrittenWords.text(of: words)
        if !StreamSafe.isSafe(text) { throw .tooManyMarks(text) }
        guard let number else {
            self.init(words: text)
            return
        }
        guard let weight = Float(number), Self.weights.contains(weight) else { throw .weight(number, of: text) }
        self.init(words: text, weight: weight)
    }
}

extension WrittenWords {
    fileprivate static func name(in marks: ArraySlice<Mark>) throws(LabelFault) -> String {
        let name = text(of: marks)
        if name.isEmpty { throw .emptyName }
        if !StreamSafe.isSafe(name) { throw .tooManyMarks(name) }
        return name
    }
}

/// Why something written is no label.
package enum LabelFault: Error, Equatable {
    case emptyName
    case emptyPhrase(of: String)
    case namelessPhrases(String)
    /// A number that is no weight, and the words before it.
    case weight(String, of: String)
    /// More combining marks in a row than ``StreamSafe`` allows: comparing them takes quadratic time.
    case tooManyMarks(String)
}

import Limits
import RPC
import Texts

/// Why arguments are no labels, and what to type instead.
package enum WordError: Error, Equatable, CustomStringConvertible {
    /// A picture's file among the words.
    case picture(String)
    /// An existing file or folder that is no picture, followed by words.
    case noPicture(String, what: String)
    /// A name with a picture's extension that does not exist.
    case missingPicture(String)
    case notText(argument: String)
    case emptyLabel(argument: String)
    case emptyPhrase(label: String, argument: String)
    case namelessPhrases(String)
    /// A number outside ``Phrase/weights``, and the words before it.
    case weight(String, of: String)
    case repeatedLabel(String)
    /// More combining marks in a row than ``StreamSafe`` allows: comparing them takes quadratic time.
    case tooManyMarks(String)
    case tooManyLabels(Int)
    case vocabulary(VocabularyError)
    /// Of a region whose labels are the words.
    case region(RegionError)

    init(_ fault: LabelFault, in argument: String) {
        self =
            switch fault {
            case .emptyName: .emptyLabel(argument: argument)
            case .emptyPhrase(let label): .emptyPhrase(label: label, argument: argument)
            case .namelessPhrases(let phrases): .namelessPhrases(phrases)
            case .weight(let number, let words): .weight(number, of: words)
            case .tooManyMarks(let words): .tooManyMarks(words)
            }
    }

    package var description: String {
        switch self {
        case .picture(let file):
            return "\(Streams.excerpt(file)) among the words is a picture; pictures come first, then words. "
                + Self.instead(of: file)
        case .noPicture(let file, let what):
            return "\(Streams.excerpt(file)) among the pictures is \(what); leave it out. " + Self.instead(of: file)
        case .missingPicture(let file):
            return "there is no such file. " + Self.instead(of: file)
        case .notText(let argument):
            return "\"\(Streams.excerpt(argument))\" is not UTF-8; type words in it"
        case .emptyLabel(let argument):
            return "a label in \"\(Streams.excerpt(argument))\" is empty; type a word between the commas: dog, grass"
        case .emptyPhrase(let label, let argument):
            let label = Streams.excerpt(label)
            return "a phrase of \"\(label)\" in \"\(Streams.excerpt(argument))\" is empty; "
                + "type \(label)=phrase|phrase, or \(label) alone"
        case .namelessPhrases(let phrases):
            let phrases = Streams.excerpt(phrases)
            return "\"\(phrases)\" are phrases without a name; type name=\(phrases)"
        case .weight(let number, let words):
            let escaped = Streams.excerpt(ShellWord.quoted("\(words)\\:\(number)"))
            return "\(Self.refusal(ofWeight: number, words)), or \(escaped) if these are the words"
        case .repeatedLabel(let name):
            let name = Streams.excerpt(name)
            return "the label \"\(name)\" is there twice; to say it in several ways type \(name)=phrase|phrase"
        case .tooManyMarks(let words):
            return
                "\"\(Streams.excerpt(words))\" has over \(Limit.combiningMarks) combining marks in a row, the limit; "
                + "leave some out"
        case .tooManyLabels(let count):
            return "\(count) labels are over the limit of \(Limit.maskedLabels); ask in several runs"
        case .vocabulary(let error):
            return error.description
        case .region(let error):
            return error.description
        }
    }

    /// Of a number that stands as a weight and is none.
    static func refusal(ofWeight number: String, _ words: String) -> String {
        let (number, words) = (Streams.excerpt(number), Streams.excerpt(words))
        let (least, most) = (Phrase.weights.lowerBound, Int(Phrase.weights.upperBound))
        return "the weight \(number) of \"\(words)\" is not from \(least) to \(most); write \(words):1.2"
    }

    /// How to type a file's name as words.
    private static func instead(of file: String) -> String {
        let (directory, name) = PathText.split(file)
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else {
            return "To look for these very words type \(Streams.excerpt(ShellWord.quoted("\(file)=\(file)")))"
        }
        let words = directory + String(name.unicodeScalars[..<dot]) + "\\" + String(name.unicodeScalars[dot...])
        return "To look for these very words type \(Streams.excerpt(ShellWord.quoted(words)))"
    }
}

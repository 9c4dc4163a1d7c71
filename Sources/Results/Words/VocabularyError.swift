import Limits
import RPC
import Texts

/// Why there is no vocabulary, and what to do.
package enum VocabularyError: Error, Equatable, CustomStringConvertible, ReasonedError {
    /// What is wrong with one line.
    package enum Fault: Error, Equatable {
        case label(LabelFault)
        case emptySynonym(of: String)
        /// A name or background word that an earlier line has.
        case repeated(String, line: Int)
        /// A background word with phrases or synonyms.
        case backgroundParts(String)
        /// A line that begins with a bracket and is no heading.
        case heading(String)
        case tooLong(String)
    }

    /// Neither a shipped vocabulary nor a file.
    case unknown(String)
    case unreadable(FileError)
    case tooLarge(path: String)
    case notText(path: String)
    case empty(path: String)
    case line(Int, of: String, Fault)
    /// Of names, or of background words, in one file or in all that are joined.
    case tooMany(Int)

    package var exitReason: ExitReason {
        switch self {
        case .unknown: .usage
        case .unreadable(let error): ExitReason(error, picture: nil)
        case .tooLarge, .notText, .empty, .line, .tooMany: .badData
        }
    }

    package var description: String {
        switch self {
        case .unknown(let name):
            let names = VocabularyList.shipped.map { "@\($0)" }.joined(separator: ", ")
            let (name, label) = (Streams.excerpt(name), Streams.excerpt(ShellWord.quoted("\\@\(name)")))
            return "@\(name) is no vocabulary: there are \(names), and no file \(name); the label is typed \(label)"
        case .unreadable(let error):
            return error.description
        case .tooLarge(let path):
            return "\(Streams.printable(path)) is over the limit of \(VocabularyList.fileLimit >> 20) MiB for a "
                + "vocabulary; name a list of words"
        case .notText(let path):
            return "\(Streams.printable(path)) is no vocabulary: it is not UTF-8; save it as UTF-8 text"
        case .empty(let path):
            return "\(Streams.printable(path)) holds no labels; write one a line"
        case .line(let number, let path, let fault):
            return "\(Streams.printable(path)), line \(number): \(Self.description(of: fault))"
        case .tooMany(let count):
            return "\(count) words of vocabularies are over the limit of \(Limit.labels); leave some out"
        }
    }

    private static func description(of fault: Fault) -> String {
        switch fault {
        case .label(.emptyName):
            return "a label is empty; write a word between the commas"
        case .label(.emptyPhrase(let name)):
            let name = Streams.excerpt(name)
            return "a phrase of \"\(name)\" is empty; write \(name)=phrase|phrase, or \(name) alone"
        case .label(.namelessPhrases(let phrases)):
            let phrases = Streams.excerpt(phrases)
            return "\"\(phrases)\" are phrases without a name; write name=\(phrases), or name ~ \(phrases)"
        case .label(.weight(let number, let words)):
            return "\(WordError.refusal(ofWeight: number, words)), or a backslash before a colon of the words"
        case .label(.tooManyMarks(let words)):
            return WordError.tooManyMarks(words).description
        case .emptySynonym(let name):
            let name = Streams.excerpt(name)
            return "a synonym of \"\(name)\" is empty; write \(name) ~ synonym|synonym, or \(name) alone"
        case .repeated(let name, let line):
            return "\"\(Streams.excerpt(name))\" is there twice, first in line \(line); leave one out"
        case .backgroundParts(let words):
            return "\"\(Streams.excerpt(words))\" stands below [background], where words have neither phrases nor "
                + "synonyms; write a backslash before =, | and ~ that belong to the words"
        case .heading(let text):
            return "\"\(Streams.excerpt(text))\" is no heading; write [background], or a backslash before the bracket "
                + "of a label"
        case .tooLong(let text):
            return "\"\(Streams.excerpt(text))\" has \(text.utf8.count) bytes, over the limit of "
                + "\(Limit.promptBytes); shorten it"
        }
    }
}

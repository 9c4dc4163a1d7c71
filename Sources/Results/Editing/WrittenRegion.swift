import RPC
import Texts

/// A region as it is typed: labels, joined by a plus or a minus sign with space on both sides, left to right.
///
///     dseg mask beach.jpg "sky, water, person, face" --inpaint "sky + water" --inpaint "person - face"
///
/// A text that as a whole names a label is that label. A sign without space, or with a backslash before it, is part of
/// the words.
struct WrittenRegion: Sendable {
    /// As it was typed.
    let text: String
    private let marks: [WrittenWords.Mark]

    private struct Term {
        let isExcluded: Bool
        let marks: ArraySlice<WrittenWords.Mark>
    }

    init(_ text: String) throws(RegionError) {
        guard PathText.isUnicode(text) else { throw .notText(text) }
        self.text = text
        marks = WrittenWords.marks(of: text, .ofRegions)
    }

    /// The region, of labels with these names.
    func region(among names: [String]) throws(RegionError) -> RegionExpression {
        if let name = Self.name(of: [text] + Self.words(of: marks[...]), among: names) {
            return RegionExpression(label: name)
        }
        var (included, excluded): ([String], [String]) = ([], [])
        for term in try terms() {
            guard let name = Self.name(of: Self.words(of: term.marks), among: names) else {
                throw .noLabel(WrittenWords.text(of: term.marks), in: text, names: names)
            }
            if (included + excluded).contains(name) { throw .repeated(name, in: text) }
            if term.isExcluded { excluded.append(name) } else { included.append(name) }
        }
        guard let region = RegionExpression(included: included, excluded: excluded) else { throw .emptyTerm(in: text) }
        return region
    }

    /// Its labels as they would be typed where words are, one an argument.
    func arguments() throws(WordError) -> [String] {
        let terms: [Term]
        do throws(RegionError) { terms = try self.terms() } catch { throw .region(error) }
        var arguments: [String] = []
        for term in terms {
            if term.marks.contains(where: \.partsLabels) || WrittenWords.vocabulary(in: term.marks) != nil {
                throw .region(.severalLabels(WrittenWords.text(of: term.marks)))
            }
            arguments.append(WrittenWords.argument(of: term.marks))
        }
        return arguments
    }

    private func terms() throws(RegionError) -> [Term] {
        var terms: [Term] = []
        for (sign, marks) in WrittenWords.terms(of: marks) {
            if WrittenWords.isEmpty(marks) { throw .emptyTerm(in: text) }
            terms.append(Term(isExcluded: sign == "-", marks: marks))
        }
        return terms
    }

    /// What words may be called: as they stand, and as a label of them is called.
    private static func words(of marks: ArraySlice<WrittenWords.Mark>) -> [String] {
        [WrittenWords.text(of: marks)] + [(try? Label(written: marks))?.name].compactMap(\.self)
    }

    /// The name that the first of the words has which is one.
    private static func name(of words: [String], among names: [String]) -> String? {
        words.filter { StreamSafe.isSafe($0) }.lazy.compactMap { word in names.first { $0 == word } }.first
    }
}

/// Why a text is no region of the labels that there are, and what to type instead.
package enum RegionError: Error, Equatable, CustomStringConvertible {
    case notText(String)
    case emptyTerm(in: String)
    case repeated(String, in: String)
    case noLabel(String, in: String, names: [String])
    /// What would be several labels, or a vocabulary, where one is meant.
    case severalLabels(String)
    /// A number of pixels that an option does not take.
    case pixels(Int, of: String, ClosedRange<Int>)

    package var description: String {
        switch self {
        case .notText(let text):
            return "\"\(Streams.excerpt(text))\" is not UTF-8; type labels in it"
        case .emptyTerm(let text):
            return "a label in \"\(Streams.excerpt(text))\" is empty; type LABEL + LABEL - LABEL, and a backslash "
                + "before a sign that is part of a label"
        case .repeated(let name, let text):
            return "the label \"\(Streams.excerpt(name))\" is twice in \"\(Streams.excerpt(text))\"; leave one out"
        case .noLabel(let term, let text, let names):
            let place = term == text ? "" : " in \"\(Streams.excerpt(text))\""
            return "\"\(Streams.excerpt(term))\"\(place) is no label; type one of the \(names.count): "
                + Streams.excerpt(names.joined(separator: ", "))
        case .severalLabels(let term):
            return "\"\(Streams.excerpt(term))\" is not one label; join labels by + and - with space around, or type "
                + "all words before the options"
        case .pixels(let pixels, let option, let limits):
            return "\(option) \(pixels) is not from \(limits.lowerBound) to \(limits.upperBound) pixels; type a number "
                + "that is"
        }
    }
}

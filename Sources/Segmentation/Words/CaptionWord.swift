import Networks
import Texts

/// A run of letters, digits and combining marks, or one scalar of anything else but white space.
struct CaptionWord {
    /// Lower-case.
    let text: ExactString
    /// Where it stands in the text.
    let range: Range<String.Index>
    /// Whether it is such a run.
    let isWord: Bool

    static func all(in text: String) -> [CaptionWord] {
        let scalars = text.unicodeScalars
        var words: [CaptionWord] = []
        var place = scalars.startIndex
        while place < scalars.endIndex {
            let first = scalars[place]
            var end = scalars.index(after: place)
            let isWord = PromptText.isWordScalar(first)
            if isWord { end = scalars[end...].firstIndex { !PromptText.isWordScalar($0) } ?? scalars.endIndex }
            if !first.properties.isWhitespace {
                let text = ExactString(String(scalars[place..<end]).lowercased())
                words.append(CaptionWord(text: text, range: place..<end, isWord: isWord))
            }
            place = end
        }
        return words
    }
}

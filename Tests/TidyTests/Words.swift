extension UInt8 {
    /// A byte of an identifier.
    var isWord: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}

extension String {
    /// Where `word` begins, in bytes, not as a part of a longer identifier. A mark that itself
    /// begins or ends with punctuation, such as `try!`, is bounded by it.
    func occurrences(ofWord word: String) -> [Int] {
        let text = Array(utf8)
        let mark = Array(word.utf8)
        guard let first = mark.first, let last = mark.last, text.count >= mark.count else {
            return []
        }
        return (0...(text.count - mark.count)).filter { start in
            let end = start + mark.count
            return text[start] == first && text[start..<end].elementsEqual(mark)
                && !(first.isWord && start > 0 && text[start - 1].isWord)
                && !(last.isWord && end < text.count && text[end].isWord)
        }
    }

    func containsWord(_ word: String) -> Bool { !occurrences(ofWord: word).isEmpty }

    /// The identifiers of a line of code, in order.
    var identifiers: [String] {
        utf8.split { !$0.isWord }.compactMap { String($0) }
    }
}

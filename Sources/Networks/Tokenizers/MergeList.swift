/// The merges of a tokenizer in their order, read from `merges.txt` or `tokenizer.json`.
struct MergeList {
    struct Pair {
        let left, right: String
        /// Where the pair stands: its line in `merges.txt`, from 1, or its index in `tokenizer.json`.
        let place: Int
    }

    /// The longest line that is accepted, in bytes; CLIP's longest has fewer than 60.
    private static let lineLimit = 1024
    /// The beginning of the header line; in CLIP's own file it is in the middle of the first line.
    private static let header = "#version"

    let path: String
    let pairs: [Pair]
    private let isJSON: Bool

    init(lines file: RegularFile) throws(TokenizerError) {
        let (path, bytes) = (file.path, try TokenizerFile.bytes(of: file))
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        var pairs: [Pair] = []
        pairs.reserveCapacity(lines.count)
        for (index, line) in lines.enumerated() {
            let text = try TokenizerFile.text(of: line, number: index + 1, in: path, limit: Self.lineLimit)
            if text.utf8.starts(with: Self.header.utf8) || index == 0 && text.contains(Self.header + ":") {
                continue
            }
            // Bytes, not Characters: grapheme breaking would take most of the time that loading this file takes.
            let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw .line(
                    file: path, line: index + 1, value: TokenizerError.excerpt(text),
                    expected: "two tokens with one space between them")
            }
            pairs.append(Pair(left: String(Substring(parts[0])), right: String(Substring(parts[1])), place: index + 1))
        }
        self.path = path
        self.pairs = pairs
        isJSON = false
    }

    init(_ json: TokenizerJSON) throws(TokenizerError) {
        var pairs: [Pair] = []
        pairs.reserveCapacity(json.merges?.count ?? 0)
        for (index, parts) in (json.merges ?? []).enumerated() {
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw .malformed(
                    file: json.path, key: "model.merges.\(index)",
                    reason: "\"\(TokenizerError.excerpt(parts.joined(separator: " ")))\" found, two tokens expected")
            }
            pairs.append(Pair(left: parts[0], right: parts[1], place: index))
        }
        path = json.path
        self.pairs = pairs
        isJSON = true
    }

    func error(at pair: Pair, expected: String) -> TokenizerError {
        let value = TokenizerError.excerpt("\(pair.left) \(pair.right)")
        return isJSON
            ? .malformed(
                file: path, key: "model.merges.\(pair.place)", reason: "\"\(value)\" found, \(expected) expected")
            : .line(file: path, line: pair.place, value: value, expected: expected)
    }

    /// The merges between a vocabulary's tokens, each of which the vocabulary must hold.
    func table(over vocabulary: Vocabulary) throws(TokenizerError) -> MergeTable {
        var table = MergeTable(capacity: pairs.count)
        for (rank, pair) in pairs.enumerated() {
            guard let left = vocabulary[pair.left], let right = vocabulary[pair.right] else {
                throw error(at: pair, expected: "a pair of the vocabulary's tokens")
            }
            guard let made = vocabulary[pair.left + pair.right] else {
                throw error(at: pair, expected: "a pair that makes one of the vocabulary's tokens")
            }
            table[left, right] = MergeTable.Merge(rank: Int32(rank), token: made)
        }
        return table
    }
}

import Texts

/// An identifier in a text encoder's vocabulary: the row of its token embedding.
package typealias Token = Int32

/// The characters that stand for bytes in a byte-level BPE vocabulary (GPT-2's `bytes_to_unicode`), so that no token
/// contains white space.
enum ByteAlphabet {
    /// The suffix of a token at a word's end.
    static let wordEnd = "</w>"

    /// The bytes whose character has the same code point, in the order of CLIP's vocabulary.
    private static let printable: [Int] = Array(33...126) + Array(161...172) + Array(174...255)

    /// `[256]`: the character of each byte. Unprintable bytes take the characters from U+0100 on, in order.
    static let characters: [String] = {
        var replacement = UInt32(0x100)
        return (0...255).map { (byte: Int) -> String in
            var value = UInt32(byte)
            if !printable.contains(byte) {
                value = replacement
                replacement += 1
            }
            return Unicode.Scalar(value).map { String(Character($0)) } ?? ""
        }
    }()

    /// The characters in the order of CLIP's vocabulary: printable bytes before the others.
    static let published: [String] = {
        let others = (0...255).filter { !printable.contains($0) }
        return (printable + others).map { characters[$0] }
    }()
}

/// The tokens and their identifiers: a permutation of `0..<count`.
struct Vocabulary: Sendable {
    private let identifiers: [ExactString: Token]
    let count: Int

    /// The identifier of a token, `nil` if the vocabulary does not hold it.
    subscript(token: String) -> Token? { identifiers[ExactString(token)] }

    /// - Parameter json: path of an object from tokens to identifiers
    init(json path: String) throws(TokenizerError) {
        let entries = try TokenizerFile.decode([String: Int].self, at: path)
        count = entries.count
        var owners = [String?](repeating: nil, count: entries.count)
        for (token, identifier) in entries {
            guard owners.indices.contains(identifier), owners[identifier] == nil else {
                throw .identifier(
                    file: path, token: TokenizerError.excerpt(token), identifier: identifier,
                    count: count,
                    other: owners.indices.contains(identifier)
                        ? owners[identifier].map(TokenizerError.excerpt) : nil)
            }
            owners[identifier] = token
        }
        identifiers = Dictionary(uniqueKeysWithValues: entries.lazy.map { (ExactString($0.key), Token($0.value)) })
    }

    /// CLIP's vocabulary, in the published order.
    init(clip merges: MergeFile) throws(TokenizerError) {
        var identifiers: [ExactString: Token] = [:]
        identifiers.reserveCapacity(2 * ByteAlphabet.published.count + merges.pairs.count + 2)
        for character in ByteAlphabet.published {
            identifiers[ExactString(character)] = Token(identifiers.count)
        }
        for character in ByteAlphabet.published {
            identifiers[ExactString(character + ByteAlphabet.wordEnd)] = Token(identifiers.count)
        }
        for pair in merges.pairs {
            let made = ExactString(pair.left + pair.right)
            guard identifiers[made] == nil else {
                throw merges.error(at: pair, expected: "a merge that makes a new token")
            }
            identifiers[made] = Token(identifiers.count)
        }
        for special in [BytePairConfiguration.clipStart, BytePairConfiguration.clipEnd] {
            identifiers[ExactString(special)] = Token(identifiers.count)
        }
        self.identifiers = identifiers
        count = identifiers.count
    }
}

/// The merges of a tokenizer in their order, read from `merges.txt`.
struct MergeFile {
    struct Pair {
        let left, right: String
        /// Where the pair stands in the file, counted from 1.
        let line: Int
    }

    /// The longest line that is accepted, in bytes; CLIP's longest has fewer than 60.
    private static let lineLimit = 1024
    /// The beginning of the header line; in CLIP's own file it is in the middle of the first line.
    private static let header = "#version"

    let path: String
    let pairs: [Pair]

    init(path: String) throws(TokenizerError) {
        let bytes = try TokenizerFile.bytes(at: path)
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        var pairs: [Pair] = []
        pairs.reserveCapacity(lines.count)
        for (index, line) in lines.enumerated() {
            func refuse(_ value: some Sequence<UInt8>, _ expected: String) -> TokenizerError {
                let text = String(decoding: Array(value), as: UTF8.self)
                return .line(
                    file: path, line: index + 1, value: TokenizerError.excerpt(text),
                    expected: expected)
            }
            guard line.count <= Self.lineLimit else {
                throw refuse(line.prefix(80), "a line of at most \(Self.lineLimit) bytes")
            }
            let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard let text = String(validating: content, as: UTF8.self) else {
                throw refuse(content, "UTF-8")
            }
            if content.starts(with: Self.header.utf8) || index == 0 && text.contains(Self.header + ":") {
                continue
            }
            // Bytes, not Characters: grapheme breaking would take most of the time that loading this file takes.
            let parts = content.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw refuse(content, "two tokens with one space between them")
            }
            let (left, right) = (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self))
            pairs.append(Pair(left: left, right: right, line: index + 1))
        }
        self.path = path
        self.pairs = pairs
    }

    func error(at pair: Pair, expected: String) -> TokenizerError {
        .line(
            file: path, line: pair.line,
            value: TokenizerError.excerpt("\(pair.left) \(pair.right)"), expected: expected)
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

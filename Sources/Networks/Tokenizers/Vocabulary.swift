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

/// The tokens and their identifiers, which are `0..<count`.
struct Vocabulary: Sendable {
    /// `[count]`: the tokens in the order of their identifiers.
    private(set) var texts: [String] = []
    private var identifiers: [ExactString: Token] = [:]

    /// The longest line that is accepted, in bytes; BERT's longest has fewer than 60.
    private static let lineLimit = 1024

    var count: Int { texts.count }

    /// The identifier of a token, `nil` if the vocabulary does not hold it.
    subscript(text: String) -> Token? { identifiers[ExactString(text)] }

    /// Gives a token the next identifier; false, changing nothing, if the vocabulary holds it already.
    @discardableResult mutating func add(_ text: String) -> Bool {
        let key = ExactString(text)
        guard identifiers[key] == nil else { return false }
        identifiers[key] = Token(count)
        texts.append(text)
        return true
    }

    /// - Parameter file: an object from tokens to identifiers
    init(json file: RegularFile) throws(TokenizerError) {
        try self.init(try TokenizerFile.identifiers(of: file), in: file.path)
    }

    /// - Parameter file: a token a line, its identifier the line's number from 0. White space that ends a line is none
    ///   of the token.
    init(lines file: RegularFile) throws(TokenizerError) {
        let (path, bytes) = (file.path, try TokenizerFile.bytes(of: file))
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (index, line) in lines.enumerated() {
            let written = try TokenizerFile.text(of: line, number: index + 1, in: path, limit: Self.lineLimit)
            var scalars = Substring(written).unicodeScalars
            while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
            guard add(String(scalars)) else {
                throw .line(
                    file: path, line: index + 1, value: TokenizerError.excerpt(written),
                    expected: "a token that no line before has")
            }
        }
    }

    /// The vocabulary of `tokenizer.json`, without its added tokens.
    init(_ json: TokenizerJSON) throws(TokenizerError) {
        try self.init(json.vocabulary, in: json.path)
    }

    private init(_ entries: [ExactString: Int], in path: String) throws(TokenizerError) {
        let count = entries.count
        var owners = [String?](repeating: nil, count: count)
        for (token, identifier) in entries {
            let token = token.text
            guard owners.indices.contains(identifier), owners[identifier] == nil else {
                throw .identifier(
                    file: path, token: TokenizerError.excerpt(token), identifier: identifier,
                    count: count,
                    other: owners.indices.contains(identifier)
                        ? owners[identifier].map(TokenizerError.excerpt) : nil)
            }
            owners[identifier] = token
        }
        texts = owners.compactMap { $0 }
        identifiers = entries.mapValues { Token($0) }
    }

    /// CLIP's vocabulary, in the published order.
    init(clip merges: MergeList) throws(TokenizerError) {
        texts.reserveCapacity(2 * ByteAlphabet.published.count + merges.pairs.count + 2)
        identifiers.reserveCapacity(texts.capacity)
        for character in ByteAlphabet.published { add(character) }
        for character in ByteAlphabet.published { add(character + ByteAlphabet.wordEnd) }
        for pair in merges.pairs {
            guard add(pair.left + pair.right) else {
                throw merges.error(at: pair, expected: "a merge that makes a new token")
            }
        }
        for special in [BytePairConfiguration.clipStart, BytePairConfiguration.clipEnd] { add(special) }
    }
}

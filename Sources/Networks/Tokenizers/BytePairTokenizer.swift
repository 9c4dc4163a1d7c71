/// CLIP's tokenizer: byte-level byte-pair encoding of words.
///
/// It agrees with transformers' `CLIPTokenizer` (5.x) token by token, on any text.
package struct BytePairTokenizer: Sendable {
    /// The token before a prompt's words, the one after them, and the one that fills the rest.
    package let start, end, padding: Token
    /// How many tokens there are; identifiers are `0..<vocabularyCount`.
    package let vocabularyCount: Int
    /// The longest sequence in tokens, if the tokenizer's files state one.
    package let maximumLength: Int?

    /// What CLIP's published tokenizer fills a prompt's rest with.
    package static let clipPadding = BytePairConfiguration.clipEnd

    private let bytes: ByteTokens
    private let merges: MergeTable
    private let specials: SpecialTokens

    /// - Parameter folder: a checkpoint's `tokenizer` folder with `vocab.json` and `merges.txt`, or else
    ///   `tokenizer.json`, and, where present, `tokenizer_config.json`, `special_tokens_map.json` and
    ///   `added_tokens.json`
    package init(_ folder: ModelFolder) throws(TokenizerError) {
        func file(_ name: String) throws(TokenizerError) -> RegularFile {
            try TokenizerFile.opening { () throws(CheckpointError) in try folder.file(name) }
        }
        let readsVocabulary = try TokenizerFile.opening { () throws(CheckpointError) in
            try Self.readsVocabulary(folder)
        }
        guard readsVocabulary else {
            let json = try TokenizerJSON(file("tokenizer.json"), kind: .clip)
            let settings = try TokenizerSettings(folder, json: json)
            var vocabulary = try Vocabulary(json)
            for (_, token) in json.added.sorted(by: { $0.key < $1.key }) { vocabulary.add(token.text) }
            try self.init(vocabulary, try MergeList(json), try BytePairConfiguration(settings))
            return
        }
        let settings = try TokenizerSettings(folder, json: nil)
        try self.init(
            try Vocabulary(json: file("vocab.json")), try MergeList(lines: file("merges.txt")),
            try BytePairConfiguration(settings))
    }

    /// Whether a folder's `vocab.json` and `merges.txt` are read, not its `tokenizer.json`.
    private static func readsVocabulary(_ folder: ModelFolder) throws(CheckpointError) -> Bool {
        if try folder.found("vocab.json") != nil, try folder.found("merges.txt") != nil { return true }
        return try folder.found("tokenizer.json") == nil
    }

    /// The files of a folder that say what the tokens of a text are.
    package static func files(in folder: ModelFolder) throws(CheckpointError) -> [String] {
        let vocabulary = try readsVocabulary(folder) ? ["vocab.json", "merges.txt"] : ["tokenizer.json"]
        return (vocabulary + TokenizerSettings.files).filter(folder.has)
    }

    /// CLIP's published vocabulary, which follows from its merges: 256 bytes, 256 bytes at a word's end, the result of
    /// each merge, and the two special tokens.
    ///
    /// - Parameters:
    ///   - path: the list of merges
    ///   - padding: the token that fills a prompt's rest
    package init(clipMerges path: String, padding: String) throws(TokenizerError) {
        let file = try TokenizerFile.opening { () throws(CheckpointError) in try RegularFile(path: path) }
        let merges = try MergeList(lines: file)
        try self.init(try Vocabulary(clip: merges), merges, BytePairConfiguration(clip: path, padding: padding))
    }

    private init(
        _ vocabulary: Vocabulary, _ merges: MergeList, _ configuration: BytePairConfiguration
    ) throws(TokenizerError) {
        var vocabulary = vocabulary
        for token in configuration.added { vocabulary.add(token.text) }
        let named = try configuration.named(in: vocabulary)
        start = named.start
        end = named.end
        padding = named.padding
        vocabularyCount = vocabulary.count
        maximumLength = configuration.maximumLength
        bytes = ByteTokens(vocabulary, unknown: named.unknown)
        self.merges = try merges.table(over: vocabulary)
        specials = SpecialTokens(try configuration.specials(in: vocabulary))
    }

    /// The tokens of a text, without start, end or padding.
    package func tokens(of text: String) -> [Token] {
        words(of: text).flatMap(tokens)
    }

    /// Start, the words, end and padding, `length` tokens in all.
    ///
    /// - Parameter length: the text encoder's number of positions, at least 2
    package func encode(_ text: String, length: Int) -> EncodedPrompt {
        precondition(length >= 2, "a prompt of \(length) tokens has no room for start and end")
        let words = tokens(of: text)
        let kept = [start] + words.prefix(length - 2) + [end]
        let rest = repeatElement(padding, count: length - kept.count)
        return EncodedPrompt(
            tokens: kept + rest, count: kept.count, truncated: words.count > length - 2)
    }

    /// The words of a text in order, special tokens among them.
    package func words(of text: String) -> [PromptText.Word] {
        var words: [PromptText.Word] = []
        var isSpaced = true
        for piece in specials.pieces(of: text, normalize: PromptText.normalized) {
            switch piece {
            case .special(let special):
                words.append(PromptText.Word(scalars: special.scalars, isSpaced: isSpaced, special: special.token))
                isSpaced = false
            case .text(let text):
                words += PromptText.words(in: text, isSpaced: isSpaced)
                isSpaced = text.last.map { PromptText.kind(of: $0) == .space } ?? isSpaced
            }
        }
        return words
    }

    /// The tokens of one word.
    package func tokens(of word: PromptText.Word) -> [Token] {
        if let special = word.special { return [special] }
        return merges.merged(bytes.tokens(of: word.scalars))
    }
}

/// A prompt's tokens as a text encoder reads them.
package struct EncodedPrompt: Sendable, Equatable {
    /// `[length]`: start, words, end, padding.
    package let tokens: [Token]
    /// How many tokens stand before the padding, start and end included.
    package let count: Int
    /// Whether tokens did not fit and were left out.
    package let truncated: Bool
}

/// The tokens of single bytes, before merges.
private struct ByteTokens: Sendable {
    /// `[256]`, for bytes inside a word and for its last byte.
    private let inside, last: [Token]

    init(_ vocabulary: Vocabulary, unknown: Token) {
        inside = ByteAlphabet.characters.map { vocabulary[$0] ?? unknown }
        last = ByteAlphabet.characters.map { vocabulary[$0 + ByteAlphabet.wordEnd] ?? unknown }
    }

    func tokens(of scalars: [Unicode.Scalar]) -> [Token] {
        let bytes = String(String.UnicodeScalarView(scalars)).utf8
        guard let final = bytes.last else { return [] }
        return bytes.dropLast().map { inside[Int($0)] } + [last[Int(final)]]
    }
}

/// The special tokens of CLIP's tokenizer and the length of its sequences.
struct BytePairConfiguration {
    static let clipStart = "<|startoftext|>"
    static let clipEnd = "<|endoftext|>"

    /// The longest sequence in tokens, if the files state one.
    let maximumLength: Int?
    /// The file that errors about special tokens name.
    private let path: String
    private let start, end, unknown, padding: WrittenToken
    /// Further tokens that are matched as a whole. Those that the vocabulary does not hold come after it in this order.
    let added: [WrittenToken]

    /// CLIP's published configuration.
    ///
    /// - Parameters:
    ///   - path: the file that the vocabulary comes from
    ///   - padding: the token that fills a prompt's rest
    init(clip path: String, padding: String) {
        self.path = path
        maximumLength = nil
        start = WrittenToken(Self.clipStart)
        end = WrittenToken(Self.clipEnd)
        unknown = end
        self.padding = WrittenToken(padding)
        added = []
    }

    init(_ settings: TokenizerSettings) throws(TokenizerError) {
        path = settings.path
        start = settings.token(.start, published: Self.clipStart)
        end = settings.token(.end, published: Self.clipEnd)
        unknown = settings.token(.unknown, published: Self.clipEnd)
        padding = settings.token(.padding, published: Self.clipEnd)
        added = settings.added(beside: [start, end, unknown, padding])
        maximumLength = settings.maximumLength
        if let maximumLength, maximumLength < 2 {
            throw .malformed(
                file: path, key: "model_max_length",
                reason: "\(maximumLength) tokens have no room for start and end")
        }
    }

    /// The identifiers of the start, end, unknown and padding tokens.
    func named(in vocabulary: Vocabulary) throws(TokenizerError) -> Named {
        Named(
            start: try identifier(of: start, TokenRole.start.rawValue, vocabulary),
            end: try identifier(of: end, TokenRole.end.rawValue, vocabulary),
            unknown: try identifier(of: unknown, TokenRole.unknown.rawValue, vocabulary),
            padding: try identifier(of: padding, TokenRole.padding.rawValue, vocabulary))
    }

    struct Named {
        let start, end, unknown, padding: Token
    }

    /// All special tokens, each once: where roles share a token, the last of start, end, unknown and padding says
    /// whether it is matched in normalized text.
    func specials(in vocabulary: Vocabulary) throws(TokenizerError) -> [SpecialToken] {
        var specials: [SpecialToken] = []
        for written in added + [start, end, unknown, padding] where !written.text.isEmpty {
            let token = try identifier(of: written, "added_tokens_decoder", vocabulary)
            specials.removeAll { $0.token == token }
            specials.append(SpecialToken(written, token: token, normalize: PromptText.normalized))
        }
        return specials
    }

    private func identifier(
        of written: WrittenToken, _ key: String, _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> Token {
        guard let token = vocabulary[written.text] else {
            throw .unknownToken(
                file: path, key: key, token: TokenizerError.excerpt(written.text))
        }
        return token
    }
}

extension TokenizerJSON.Kind {
    /// CLIP's tokenizer.
    static let clip = TokenizerJSON.Kind(
        model: [
            "type": ["BPE", .null], "dropout": [.null, .number(0)], "continuing_subword_prefix": ["", .null],
            "end_of_word_suffix": [.string(ByteAlphabet.wordEnd)], "fuse_unk": [false, .null],
            "byte_fallback": [false, .null], "ignore_merges": [false, .null],
        ],
        hasMerges: true,
        normalizers: [
            ["type": ["NFC"]],
            ["type": ["Replace"], "pattern.Regex": [#"\s+"#], "content": [" "]],
            ["type": ["Lowercase"]],
        ],
        preTokenizers: [
            [
                "type": ["Split"],
                "pattern.Regex": [.string(#"<\|startoftext\|>|<\|endoftext\|>|"# + words), .string(words)],
                "behavior": ["Removed"], "invert": [true],
            ],
            ["type": ["ByteLevel"], "add_prefix_space": [false], "use_regex": [true, .null]],
        ])

    /// The pattern of CLIP's words.
    private static let words = #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
}

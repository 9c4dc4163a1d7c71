import Texts

/// The special tokens of CLIP's tokenizer and the length of its sequences.
struct BytePairConfiguration {
    static let clipStart = "<|startoftext|>"
    static let clipEnd = "<|endoftext|>"

    /// The longest sequence in tokens; `nil` if the files state none, or one beyond the range of `Int`.
    let maximumLength: Int?
    /// The file that errors about special tokens name.
    private let path: String
    private let start, end, unknown, padding: Content
    /// The tokens of `added_tokens_decoder`.
    private let added: [Content]

    /// CLIP's published configuration.
    ///
    /// - Parameter path: the file that the vocabulary comes from
    init(clip path: String) {
        self.path = path
        maximumLength = nil
        start = Content(plain: Self.clipStart)
        end = Content(plain: Self.clipEnd)
        unknown = end
        padding = end
        added = []
    }

    /// Reads a folder as transformers does: `special_tokens_map.json` overrides `tokenizer_config.json`, unless the
    /// latter has `added_tokens_decoder`. Either file may be missing.
    init(directory: String) throws(TokenizerError) {
        path = "\(directory)/tokenizer_config.json"
        let written = try Written(at: path)
        let map = "\(directory)/special_tokens_map.json"
        let first = written.added == nil ? try Written(at: map) : Written()

        let added = Array((written.added ?? [:]).values)
        func named(_ key: KeyPath<Written, Content?>, _ published: String) -> Content {
            let content = first[keyPath: key] ?? written[keyPath: key]
            let named = content ?? Content(plain: published)
            return added.first { ExactString($0.text) == ExactString(named.text) } ?? named
        }
        start = named(\.start, Self.clipStart)
        end = named(\.end, Self.clipEnd)
        unknown = named(\.unknown, Self.clipEnd)
        padding = named(\.padding, Self.clipEnd)
        self.added = added
        maximumLength = written.length.flatMap { Int(exactly: $0.rounded()) }
        if let maximumLength, maximumLength < 2 {
            throw .malformed(
                file: path, key: "model_max_length",
                reason: "\(maximumLength) tokens have no room for start and end")
        }
    }

    /// The identifiers of the start, end, unknown and padding tokens.
    func named(in vocabulary: Vocabulary) throws(TokenizerError) -> Named {
        Named(
            start: try identifier(of: start, "bos_token", vocabulary),
            end: try identifier(of: end, "eos_token", vocabulary),
            unknown: try identifier(of: unknown, "unk_token", vocabulary),
            padding: try identifier(of: padding, "pad_token", vocabulary))
    }

    struct Named {
        let start, end, unknown, padding: Token
    }

    /// All special tokens, each once: where roles share a token, the last of start, end, unknown and padding says
    /// whether it is matched in normalized text.
    func specials(in vocabulary: Vocabulary) throws(TokenizerError) -> [SpecialToken] {
        var specials: [SpecialToken] = []
        for content in added + [start, end, unknown, padding] where !content.text.isEmpty {
            let token = try identifier(of: content, "added_tokens_decoder", vocabulary)
            specials.removeAll { $0.token == token }
            specials.append(
                SpecialToken(content.text, token: token, isNormalized: content.isNormalized))
        }
        return specials
    }

    private func identifier(
        of content: Content, _ key: String, _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> Token {
        guard let token = vocabulary[content.text] else {
            throw .unknownToken(
                file: path, key: key, token: TokenizerError.excerpt(content.text))
        }
        return token
    }
}

/// The keys of both configuration files that CLIP's tokenizer reads.
private struct Written: Decodable {
    var start, end, unknown, padding: Content?
    var added: [String: Content]?
    var length: Double?

    init() {}

    /// Reads a file; empty where there is none. Tokens with `lstrip`, `rstrip` or `single_word` are refused.
    init(at path: String) throws(TokenizerError) {
        guard TokenizerFile.exists(at: path) else { return }
        self = try TokenizerFile.decode(Written.self, at: path)
        let contents = [start, end, unknown, padding].compactMap { $0 } + (added ?? [:]).values
        for content in contents where content.changesItsNeighbours {
            throw .malformed(
                file: path, key: TokenizerError.excerpt(content.text),
                reason: "lstrip, rstrip and single_word are not supported; set them to false")
        }
    }

    enum CodingKeys: String, CodingKey {
        case start = "bos_token"
        case end = "eos_token"
        case unknown = "unk_token"
        case padding = "pad_token"
        case added = "added_tokens_decoder"
        case length = "model_max_length"
    }
}

/// A special token in a file: its text alone, or an object with options.
private struct Content: Decodable {
    let text: String
    let isNormalized: Bool
    /// Whether it has `lstrip`, `rstrip` or `single_word`.
    let changesItsNeighbours: Bool

    init(plain text: String) {
        self.text = text
        isNormalized = false
        changesItsNeighbours = false
    }

    enum CodingKeys: String, CodingKey {
        case content, normalized, lstrip, rstrip
        case special
        case singleWord = "single_word"
    }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self = Content(plain: text)
            return
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        text = try fields.decode(String.self, forKey: .content)
        let isSpecial = try fields.decodeIfPresent(Bool.self, forKey: .special) ?? false
        isNormalized = try fields.decodeIfPresent(Bool.self, forKey: .normalized) ?? !isSpecial
        let neighbours: [CodingKeys] = [.lstrip, .rstrip, .singleWord]
        changesItsNeighbours = try neighbours.contains { key in
            try fields.decodeIfPresent(Bool.self, forKey: key) ?? false
        }
    }
}

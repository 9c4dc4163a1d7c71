import Texts

/// What the files beside a vocabulary say of a tokenizer: `tokenizer_config.json`, `special_tokens_map.json`,
/// `added_tokens.json` and the added tokens of `tokenizer.json`. Each may be missing.
///
/// They are read as transformers does: the map overrides the configuration, and the other files add their tokens,
/// unless the configuration has `added_tokens_decoder`.
struct TokenizerSettings {
    static let files = ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]

    /// The file that errors about special tokens name.
    let path: String
    /// The tokens of `added_tokens_decoder`, else of `tokenizer.json`, by their identifiers there.
    private let added: [Int: WrittenToken]
    /// What `added_tokens.json` adds to them; nothing where the configuration lists its added tokens, besides which no
    /// other file counts.
    private let others: [ExactString: Int]
    private let configuration, map: WrittenSettings

    init(_ folder: ModelFolder, json: TokenizerJSON?) throws(TokenizerError) {
        path = "\(folder.path)/\(Self.files[0])"
        configuration = try WrittenSettings(Self.files[0], in: folder)
        let isListed = configuration.added != nil
        map = isListed ? WrittenSettings() : try WrittenSettings(Self.files[1], in: folder)
        added = configuration.added ?? json?.added ?? [:]
        let others =
            isListed
            ? nil
            : try TokenizerFile.opening { () throws(CheckpointError) in
                try folder.found(Self.files[2])
            }
        self.others = try others.map(TokenizerFile.identifiers) ?? [:]
    }

    /// The added tokens in the order of their identifiers; one of `added_tokens.json` is special if another file names
    /// it.
    ///
    /// - Parameter named: the special tokens of roles
    func added(beside named: [WrittenToken]) -> [WrittenToken] {
        let special = Set((named + further).map { ExactString($0.text) })
        var added = self.added
        for (token, identifier) in others where added[identifier] == nil {
            added[identifier] = WrittenToken(token.text, isSpecial: special.contains(token))
        }
        return added.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The special token of a role, with the options of the added token that is spelled so.
    ///
    /// - Parameter published: what it is where the files say nothing
    func token(_ role: TokenRole, published: String) -> WrittenToken {
        token(role) ?? spelled(WrittenToken(published))
    }

    /// The special token of a role; `nil` where the files say nothing.
    func token(_ role: TokenRole) -> WrittenToken? {
        (map.tokens[role] ?? configuration.tokens[role]).map(spelled)
    }

    private func spelled(_ token: WrittenToken) -> WrittenToken {
        added.values.first { ExactString($0.text) == ExactString(token.text) } ?? token
    }

    /// Special tokens of roles that only this tokenizer has.
    var own: [WrittenToken] {
        let tokens = configuration.own.merging(map.own) { $1 }
        return tokens.sorted { ExactString($0.key) < ExactString($1.key) }.map(\.value)
    }

    /// Special tokens without a role that the configuration names.
    var further: [WrittenToken] { further(unsaid: []) }

    /// Special tokens without a role. The map's additional ones count only where the configuration has none.
    var allFurther: [WrittenToken] { further(unsaid: map.additional ?? []) }

    private func further(unsaid: [WrittenToken]) -> [WrittenToken] {
        var named = configuration.extra ?? []
        if named.isEmpty { named = configuration.additional ?? named }
        let isSaid = configuration.extra != nil || configuration.additional != nil || map.extra != nil
        return isSaid ? named + (map.extra ?? []) : unsaid
    }

    /// The longest sequence in tokens; `nil` if the configuration states none, or one beyond the range of `Int`.
    var maximumLength: Int? { configuration.length.flatMap { Int(exactly: $0.rounded()) } }

    /// What a key says that is true or false; `nil` where it is absent.
    func flag(_ flag: TokenizerFlag) -> Bool? { map.flags[flag] ?? configuration.flags[flag] }
}

/// What a special token is for.
enum TokenRole: String, CaseIterable {
    case start = "bos_token"
    case end = "eos_token"
    case unknown = "unk_token"
    case separator = "sep_token"
    case padding = "pad_token"
    case classifier = "cls_token"
    case mask = "mask_token"
}

/// A key of the configuration that is true or false.
enum TokenizerFlag: String, CaseIterable {
    case lowercases = "do_lower_case"
    case stripsAccents = "strip_accents"
    case spacesIdeographs = "tokenize_chinese_chars"
    case tidiesText = "clean_up_tokenization_spaces"
    case splitsSpecials = "split_special_tokens"
}

/// The keys of both configuration files that tokenizers read.
private struct WrittenSettings: Decodable {
    var tokens: [TokenRole: WrittenToken] = [:]
    /// Of other keys that end in `_token`.
    var own: [String: WrittenToken] = [:]
    var flags: [TokenizerFlag: Bool] = [:]
    var added: [Int: WrittenToken]?
    var extra, additional: [WrittenToken]?
    var length: Double?

    init() {}

    /// Reads a file; empty where there is none. Tokens with `lstrip`, `rstrip` or `single_word` are refused.
    init(_ name: String, in folder: ModelFolder) throws(TokenizerError) {
        let found = try TokenizerFile.opening { () throws(CheckpointError) in try folder.found(name) }
        guard let file = found else { return }
        self = try TokenizerFile.decode(WrittenSettings.self, of: file)
        let lists = [Array(tokens.values), Array((added ?? [:]).values), extra ?? [], additional ?? []]
        for token in lists.joined() { try token.requireOwnPlace(in: file.path) }
    }

    private enum CodingKeys: String, CodingKey {
        case added = "added_tokens_decoder"
        case extra = "extra_special_tokens"
        case additional = "additional_special_tokens"
        case length = "model_max_length"
    }

    init(from decoder: any Decoder) throws {
        let all = try decoder.container(keyedBy: JSONKey.self)
        for role in TokenRole.allCases {
            tokens[role] = try all.decodeIfPresent(WrittenToken.self, forKey: JSONKey(role.rawValue))
        }
        for flag in TokenizerFlag.allCases {
            flags[flag] = try all.decodeIfPresent(Bool.self, forKey: JSONKey(flag.rawValue))
        }
        for key in all.allKeys where key.stringValue.hasSuffix("_token") && TokenRole(rawValue: key.stringValue) == nil
        {
            own[key.stringValue] = try? all.decode(WrittenToken.self, forKey: key)
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        added = try fields.decodeIfPresent([Int: AddedToken].self, forKey: .added)?.mapValues(\.token)
        additional = try fields.decodeIfPresent([WrittenToken].self, forKey: .additional)
        if let roles = try? fields.decode([String: WrittenToken].self, forKey: .extra) {
            own.merge(roles) { $1 }
        } else {
            extra = try fields.decodeIfPresent([WrittenToken].self, forKey: .extra)
        }
        length = try fields.decodeIfPresent(Double.self, forKey: .length)
    }
}

/// A special token in a file: its text alone, or an object with options.
struct WrittenToken: Decodable {
    let text: String
    /// Whether it is matched in the normalized text instead of the text as written.
    let isNormalized: Bool
    /// Whether it is left out of decoded text.
    var isSpecial: Bool
    /// Whether it has `lstrip`, `rstrip` or `single_word`.
    private let changesItsNeighbours: Bool

    enum CodingKeys: String, CodingKey {
        case content, normalized, lstrip, rstrip, special
        case type = "__type"
        case singleWord = "single_word"
    }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self = WrittenToken(text)
            return
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self = try WrittenToken(fields, isSpecial: !fields.contains(.type))
    }

    /// - Parameter isSpecial: whether it is special where `special` is not said
    fileprivate init(_ fields: KeyedDecodingContainer<CodingKeys>, isSpecial: Bool) throws {
        text = try fields.decode(String.self, forKey: .content)
        let isSpecial = try fields.decodeIfPresent(Bool.self, forKey: .special) ?? isSpecial
        self.isSpecial = isSpecial
        isNormalized = try fields.decodeIfPresent(Bool.self, forKey: .normalized) ?? !isSpecial
        let neighbours: [CodingKeys] = [.lstrip, .rstrip, .singleWord]
        changesItsNeighbours = try neighbours.contains { key in
            try fields.decodeIfPresent(Bool.self, forKey: key) ?? false
        }
    }

    /// - Parameter isSpecial: whether it is matched as written and left out of decoded text
    init(_ text: String, isSpecial: Bool = true) {
        self.text = text
        isNormalized = !isSpecial
        self.isSpecial = isSpecial
        changesItsNeighbours = false
    }

    func requireOwnPlace(in file: String) throws(TokenizerError) {
        guard !changesItsNeighbours else {
            throw .malformed(
                file: file, key: TokenizerError.excerpt(text),
                reason: "lstrip, rstrip and single_word are not supported; set them to false")
        }
    }
}

/// A token in a list of added tokens: always an object, and special only where it says so.
struct AddedToken: Decodable {
    let token: WrittenToken
    /// Where the list says it; the vocabulary decides.
    let identifier: Int?

    private enum CodingKeys: String, CodingKey {
        case id
    }

    init(from decoder: any Decoder) throws {
        token = try WrittenToken(try decoder.container(keyedBy: WrittenToken.CodingKeys.self), isSpecial: false)
        identifier = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Int.self, forKey: .id)
    }
}

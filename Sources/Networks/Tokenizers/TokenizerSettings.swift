import Texts

/// What the files beside a vocabulary say of a tokenizer: `tokenizer_config.json`, `special_tokens_map.json` and the
/// added tokens of `tokenizer.json`. Each may be missing.
///
/// They are read as transformers does: the map overrides the configuration, and `tokenizer.json` adds its tokens,
/// unless the configuration has `added_tokens_decoder`.
struct TokenizerSettings {
    /// The file that errors about special tokens name.
    let path: String
    /// The tokens of `added_tokens_decoder`, else of `tokenizer.json`, in the order of their identifiers.
    let added: [WrittenToken]
    private let configuration, map: WrittenSettings

    init(directory: String, json: TokenizerJSON?) throws(TokenizerError) {
        path = "\(directory)/tokenizer_config.json"
        configuration = try WrittenSettings(at: path)
        if let listed = configuration.added {
            map = WrittenSettings()
            added = listed
        } else {
            map = try WrittenSettings(at: "\(directory)/special_tokens_map.json")
            added = json?.added ?? []
        }
    }

    /// The special token of a role, with the options of the added token that is spelled so.
    ///
    /// - Parameter published: what it is where the files say nothing
    func token(_ role: TokenRole, published: String) -> WrittenToken {
        let named = map.tokens[role] ?? configuration.tokens[role] ?? WrittenToken(plain: published)
        return added.first { ExactString($0.text) == ExactString(named.text) } ?? named
    }

    /// The longest sequence in tokens; `nil` if the configuration states none, or one beyond the range of `Int`.
    var maximumLength: Int? { configuration.length.flatMap { Int(exactly: $0.rounded()) } }
}

/// What a special token is for.
enum TokenRole: String, CaseIterable {
    case start = "bos_token"
    case end = "eos_token"
    case unknown = "unk_token"
    case padding = "pad_token"
}

/// The keys of both configuration files that tokenizers read.
private struct WrittenSettings: Decodable {
    var tokens: [TokenRole: WrittenToken] = [:]
    /// In the order of their identifiers.
    var added: [WrittenToken]?
    var length: Double?

    init() {}

    /// Reads a file; empty where there is none. Tokens with `lstrip`, `rstrip` or `single_word` are refused.
    init(at path: String) throws(TokenizerError) {
        guard TokenizerFile.exists(at: path) else { return }
        self = try TokenizerFile.decode(WrittenSettings.self, at: path)
        for token in Array(tokens.values) + (added ?? []) { try token.requireOwnPlace(in: path) }
    }

    private enum CodingKeys: String, CodingKey {
        case added = "added_tokens_decoder"
        case length = "model_max_length"
    }

    init(from decoder: any Decoder) throws {
        let roles = try decoder.container(keyedBy: JSONKey.self)
        for role in TokenRole.allCases {
            tokens[role] = try roles.decodeIfPresent(WrittenToken.self, forKey: JSONKey(role.rawValue))
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        added = try fields.decodeIfPresent([Int: AddedToken].self, forKey: .added)?
            .sorted { $0.key < $1.key }.map(\.value.token)
        length = try fields.decodeIfPresent(Double.self, forKey: .length)
    }
}

/// A special token in a file: its text alone, or an object with options.
struct WrittenToken: Decodable {
    let text: String
    /// Whether it is matched in the normalized text instead of the text as written.
    let isNormalized: Bool
    /// Whether it has `lstrip`, `rstrip` or `single_word`.
    private let changesItsNeighbours: Bool

    init(plain text: String) {
        self.text = text
        isNormalized = false
        changesItsNeighbours = false
    }

    enum CodingKeys: String, CodingKey {
        case content, normalized, lstrip, rstrip, special
        case type = "__type"
        case singleWord = "single_word"
    }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self = WrittenToken(plain: text)
            return
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self = try WrittenToken(fields, isSpecial: !fields.contains(.type))
    }

    /// - Parameter isSpecial: whether it is special where `special` is not said
    fileprivate init(_ fields: KeyedDecodingContainer<CodingKeys>, isSpecial: Bool) throws {
        text = try fields.decode(String.self, forKey: .content)
        let isSpecial = try fields.decodeIfPresent(Bool.self, forKey: .special) ?? isSpecial
        isNormalized = try fields.decodeIfPresent(Bool.self, forKey: .normalized) ?? !isSpecial
        let neighbours: [CodingKeys] = [.lstrip, .rstrip, .singleWord]
        changesItsNeighbours = try neighbours.contains { key in
            try fields.decodeIfPresent(Bool.self, forKey: key) ?? false
        }
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
    /// Its place in the list's order, where it has one.
    let identifier: Int?

    private enum CodingKeys: String, CodingKey {
        case id
    }

    init(from decoder: any Decoder) throws {
        token = try WrittenToken(try decoder.container(keyedBy: WrittenToken.CodingKeys.self), isSpecial: false)
        identifier = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Int.self, forKey: .id)
    }
}

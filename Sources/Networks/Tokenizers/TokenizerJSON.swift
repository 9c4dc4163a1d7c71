import Texts

/// A `tokenizer.json`, the form in which the library tokenizers writes a whole tokenizer: vocabulary, merges, added
/// tokens, and the steps that a text goes through before.
///
/// transformers reads of it what this type gives and takes the steps from its class. A file whose steps are others is
/// refused by the step, because its identifiers would be those of another tokenizer.
struct TokenizerJSON {
    let path: String
    /// From tokens to identifiers, without the added tokens that come after it.
    let vocabulary: [ExactString: Int]
    /// In their order, two parts each; nil where the file has none.
    let merges: [[String]]?
    /// By their identifiers there.
    let added: [Int: WrittenToken]
    private let values: ConfigurationValue

    /// What a file must say, for a dotted key the values that are supported; `null` stands for an absent key too.
    typealias Rules = KeyValuePairs<String, [ConfigurationValue]>

    /// The steps of one kind of tokenizer.
    struct Kind {
        let model: Rules
        let hasMerges: Bool
        let normalizers, preTokenizers: [Rules]
    }

    init(_ file: RegularFile, kind: Kind) throws(TokenizerError) {
        let (path, bytes) = (file.path, try TokenizerFile.bytes(of: file))
        let written = try TokenizerFile.decode(WrittenTokenizer.self, from: bytes, of: path)
        self.path = path
        values = .object([
            "model": .object(written.model.options),
            "normalizer": written.normalizer ?? .null,
            "pre_tokenizer": written.preTokenizer ?? .null,
        ])
        merges = written.model.merges
        var added: [Int: WrittenToken] = [:]
        for (index, token) in written.added.enumerated() {
            guard let identifier = token.identifier else {
                throw .malformed(file: path, key: "added_tokens.\(index)", reason: "a token without \"id\"")
            }
            try token.token.requireOwnPlace(in: path)
            added[identifier] = token.token
        }
        self.added = added
        let hasVocabulary = written.model.hasVocabulary
        vocabulary =
            hasVocabulary ? try TokenizerFile.identifiers(in: bytes, under: ["model", "vocab"], of: path) : [:]
        try require(kind.model, at: "model")
        guard hasVocabulary else {
            throw .malformed(
                file: path, key: "model.vocab", reason: "an object from tokens to whole numbers expected")
        }
        guard (merges != nil) == kind.hasMerges else {
            throw .unsupported(
                file: path, key: "model.merges", value: merges == nil ? "no list" : "a list",
                supported: kind.hasMerges ? "the list of merges" : "none")
        }
        try require(kind.normalizers, at: "normalizer", list: "normalizers")
        try require(kind.preTokenizers, at: "pre_tokenizer", list: "pretokenizers")
    }

    /// The value at a dotted key, `null` where there is none.
    func value(_ key: String) -> ConfigurationValue {
        key.split(separator: ".").reduce(values) { value, part in
            switch value {
            case .object(let fields): fields[String(part)] ?? .null
            case .list(let list): Int(part).flatMap { list.indices.contains($0) ? list[$0] : nil } ?? .null
            default: .null
            }
        }
    }

    private func require(_ rules: Rules, at place: String) throws(TokenizerError) {
        for (key, supported) in rules {
            let found = value("\(place).\(key)")
            guard supported.contains(found) else {
                let expected = supported.first ?? .null
                throw .unsupported(file: path, key: "\(place).\(key)", value: found.text, supported: expected.text)
            }
        }
    }

    /// Holds each step of a sequence to its rules. No steps at all are those of the tokenizer's class.
    private func require(_ rules: [Rules], at place: String, list: String) throws(TokenizerError) {
        guard value(place) != .null else { return }
        guard case .list(let steps) = value("\(place).\(list)") else {
            guard let only = rules.first, rules.count == 1 else {
                throw .unsupported(
                    file: path, key: "\(place).type", value: value("\(place).type").text, supported: "\"Sequence\"")
            }
            return try require(only, at: place)
        }
        guard steps.count == rules.count else {
            throw .unsupported(
                file: path, key: "\(place).\(list)", value: "\(steps.count) steps", supported: "\(rules.count) steps")
        }
        for (index, rules) in rules.enumerated() { try require(rules, at: "\(place).\(list).\(index)") }
    }
}

/// The keys of a `tokenizer.json` that decide tokens.
private struct WrittenTokenizer: Decodable {
    let model: Model
    let added: [AddedToken]
    let normalizer, preTokenizer: ConfigurationValue?

    private enum CodingKeys: String, CodingKey {
        case model, normalizer
        case added = "added_tokens"
        case preTokenizer = "pre_tokenizer"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        model = try fields.decode(Model.self, forKey: .model)
        added = try fields.decodeIfPresent([AddedToken].self, forKey: .added) ?? []
        normalizer = try fields.decodeIfPresent(ConfigurationValue.self, forKey: .normalizer)
        preTokenizer = try fields.decodeIfPresent(ConfigurationValue.self, forKey: .preTokenizer)
    }

    struct Model: Decodable {
        /// Whether it is an object of identifiers; other kinds of tokenizers have another.
        var hasVocabulary = false
        var merges: [[String]]?
        /// All other keys.
        var options: [String: ConfigurationValue] = [:]

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: JSONKey.self)
            for key in fields.allKeys {
                switch key.stringValue {
                case "vocab":
                    hasVocabulary = (try? fields.decode([String: Int].self, forKey: key)) != nil
                case "merges":
                    if let lines = try? fields.decode([String].self, forKey: key) {
                        merges = lines.map(Self.parts)
                    } else {
                        merges = try fields.decode([[String]].self, forKey: key)
                    }
                default:
                    options[key.stringValue] = try fields.decode(ConfigurationValue.self, forKey: key)
                }
            }
        }

        /// The tokens of a merge that is written as a line; bytes, not Characters, for speed.
        private static func parts(of line: String) -> [String] {
            line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
                .map { String(decoding: Array($0), as: UTF8.self) }
        }
    }
}

extension ConfigurationValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral {
    init(stringLiteral text: String) { self = .string(text) }

    init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// Any key of a JSON object.
struct JSONKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ key: String) { stringValue = key }

    init?(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }
}

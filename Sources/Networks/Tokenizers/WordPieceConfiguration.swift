import Texts

/// The special tokens of BERT's tokenizer and how it reads and writes texts.
struct WordPieceConfiguration {
    /// How a text is normalized.
    let text: UncasedText
    /// Whether blanks before punctuation are removed from a whole text too, not only in front of each token.
    let tidiesText: Bool
    /// What stands before and after a text, for padding and for unknown words.
    let classifier, separator, padding, unknown: WrittenToken
    /// All tokens that are matched as a whole, each once. Those that the vocabulary does not hold come after it in
    /// this order.
    let specials: [WrittenToken]

    /// - Parameter json: where the vocabulary comes from, if not from `vocab.txt`
    init(_ folder: ModelFolder, json: TokenizerJSON?) throws(TokenizerError) {
        let settings = try TokenizerSettings(folder, json: json)
        unknown = settings.token(.unknown, published: "[UNK]")
        separator = settings.token(.separator, published: "[SEP]")
        padding = settings.token(.padding, published: "[PAD]")
        classifier = settings.token(.classifier, published: "[CLS]")
        let mask = settings.token(.mask, published: "[MASK]")
        let roles = [settings.token(.start), settings.token(.end), unknown, separator, padding, classifier, mask]
        let named = roles.compactMap { $0 } + settings.own
        specials = Self.all(
            added: settings.added(beside: named), named: named, further: settings.allFurther)
        text = try Self.text(settings, json)
        tidiesText = settings.flag(.tidiesText) ?? false
        if settings.flag(.splitsSpecials) == true {
            throw .unsupported(
                file: settings.path, key: TokenizerFlag.splitsSpecials.rawValue, value: "true", supported: "false")
        }
        if let json, case .string(let other) = json.value("model.unk_token"), other != unknown.text {
            throw .unsupported(
                file: json.path, key: "model.unk_token", value: "\"\(other)\"", supported: "\"\(unknown.text)\"")
        }
    }

    private static func all(
        added: [WrittenToken], named: [WrittenToken], further: [WrittenToken]
    ) -> [WrittenToken] {
        let roles = Set(named.map { ExactString($0.text) })
        var seen: Set<ExactString> = []
        return (added + named + further).filter { !$0.text.isEmpty && seen.insert(ExactString($0.text)).inserted }
            .map { token in
                var token = token
                if roles.contains(ExactString(token.text)) { token.isSpecial = true }
                return token
            }
    }

    /// How the files say that a text is normalized. Where `tokenizer.json` says it too, both must agree.
    private static func text(
        _ settings: TokenizerSettings, _ json: TokenizerJSON?
    ) throws(TokenizerError) -> UncasedText {
        func flag(_ name: TokenizerFlag, _ key: String, published: Bool) throws(TokenizerError) -> Bool {
            let here = settings.flag(name)
            guard let json, case .bool(let there) = json.value("normalizer.\(key)") else { return here ?? published }
            guard let here, here != there else { return there }
            throw .unsupported(
                file: json.path, key: "normalizer.\(key)",
                value: "\(there) beside \"\(name.rawValue)\": \(here) in \(settings.path)", supported: "\(here)")
        }
        let lowercases = try flag(.lowercases, "lowercase", published: true)
        return UncasedText(
            lowercases: lowercases,
            stripsAccents: try flag(.stripsAccents, "strip_accents", published: lowercases),
            spacesIdeographs: try flag(.spacesIdeographs, "handle_chinese_chars", published: true))
    }
}

extension TokenizerJSON.Kind {
    /// BERT's tokenizer.
    static let bert = TokenizerJSON.Kind(
        model: [
            "type": ["WordPiece", .null], "continuing_subword_prefix": [.string(PieceTree.continuation), .null],
            "max_input_chars_per_word": [.number(Double(PieceTree.wordLimit)), .null],
        ],
        hasMerges: false,
        normalizers: [["type": ["BertNormalizer"], "clean_text": [true, .null]]],
        preTokenizers: [["type": ["BertPreTokenizer"]]])
}

/// BERT's tokenizer, as BLIP uses it: words in lower case without accents, cut into the longest pieces of a vocabulary.
///
/// It agrees with transformers' `BertTokenizer` (5.x) token by token, on any text, and in the text that it makes of
/// tokens.
package struct WordPieceTokenizer: Sendable {
    /// What stands before and after a text, for padding, and for a word that the vocabulary has no pieces of.
    package let classifier, separator, padding, unknown: Token
    /// How many tokens there are, those included that the files add to the vocabulary; identifiers are
    /// `0..<vocabularyCount`.
    package let vocabularyCount: Int

    private let text: UncasedText
    private let tree: PieceTree
    private let specials: SpecialTokens
    /// `[vocabularyCount]`: what each token is decoded to.
    let spellings: [Spelling]
    /// Whether a decoded text is tidied as a whole too.
    let tidiesText: Bool

    /// - Parameter folder: with `tokenizer.json`, or else `vocab.txt`, and, where present,
    ///   `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`
    package init(_ folder: ModelFolder) throws(TokenizerError) {
        let (whole, file) = try TokenizerFile.opening { () throws(CheckpointError) -> (RegularFile?, RegularFile) in
            if let whole = try folder.found("tokenizer.json") { return (whole, whole) }
            return (nil, try folder.file("vocab.txt"))
        }
        let json = try whole.map { whole throws(TokenizerError) in try TokenizerJSON(whole, kind: .bert) }
        var vocabulary = if let json { try Vocabulary(json) } else { try Vocabulary(lines: file) }
        let configuration = try WordPieceConfiguration(folder, json: json)
        func held(_ role: TokenRole, _ token: WrittenToken) throws(TokenizerError) -> Token {
            if let held = vocabulary[token.text] { return held }
            throw .unknownToken(
                file: file.path, key: role.rawValue, token: TokenizerError.excerpt(token.text))
        }
        unknown = try held(.unknown, configuration.unknown)
        classifier = try held(.classifier, configuration.classifier)
        separator = try held(.separator, configuration.separator)
        tree = PieceTree(vocabulary)
        for token in configuration.specials { vocabulary.add(token.text) }
        padding = try held(.padding, configuration.padding)
        vocabularyCount = vocabulary.count
        text = configuration.text
        tidiesText = configuration.tidiesText
        let matched = configuration.specials.compactMap { written in
            vocabulary[written.text].map { SpecialToken(written, token: $0, normalize: configuration.text.normalized) }
        }
        specials = SpecialTokens(matched)
        spellings = Spelling.all(of: vocabulary, configuration.specials, matched)
    }

    /// The tokens of a text, without those that stand before and after it.
    package func tokens(of text: String) -> [Token] {
        var tokens: [Token] = []
        for piece in specials.pieces(of: text, normalize: self.text.normalized) {
            switch piece {
            case .special(let special): tokens.append(special.token)
            case .text(let text):
                for word in UncasedText.words(in: text) { tokens += tree.pieces(of: word) ?? [unknown] }
            }
        }
        return tokens
    }

    /// The tokens of a text between the two that stand before and after it.
    package func encode(_ text: String) -> [Token] {
        [classifier] + tokens(of: text) + [separator]
    }
}

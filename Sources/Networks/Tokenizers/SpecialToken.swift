/// A token whose spelling is matched as a whole before a text is split into words.
struct SpecialToken: Sendable {
    let scalars: [Unicode.Scalar]
    let token: Token
    /// Whether it is matched in the normalized text instead of the text as written.
    let isNormalized: Bool

    init(_ content: String, token: Token, isNormalized: Bool) {
        let scalars = Array(content.unicodeScalars)
        self.scalars = isNormalized ? PromptText.normalized(scalars) : scalars
        self.token = token
        self.isNormalized = isNormalized
    }

    /// Text between special tokens, or one of these.
    enum Piece {
        case text([Unicode.Scalar])
        case special(SpecialToken)
    }

    /// Splits a text at its special tokens: leftmost match, and of those that begin there the longest.
    static func pieces(of text: [Unicode.Scalar], at specials: [SpecialToken]) -> [Piece] {
        var pieces: [Piece] = []
        var plain: [Unicode.Scalar] = []
        var rest = text[...]
        while let first = rest.first {
            let here = specials.filter { rest.starts(with: $0.scalars) }
            if let found = here.max(by: { $0.scalars.count < $1.scalars.count }) {
                if !plain.isEmpty { pieces.append(.text(plain)) }
                plain = []
                pieces.append(.special(found))
                rest = rest.dropFirst(found.scalars.count)
            } else {
                plain.append(first)
                rest = rest.dropFirst()
            }
        }
        if !plain.isEmpty { pieces.append(.text(plain)) }
        return pieces
    }
}

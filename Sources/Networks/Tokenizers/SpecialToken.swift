/// A token whose spelling is matched as a whole before a text is split into words.
struct SpecialToken: Sendable {
    let scalars: [Unicode.Scalar]
    let token: Token
    /// Whether it is matched in the normalized text instead of the text as written.
    let isNormalized: Bool

    /// - Parameter normalize: the tokenizer's own, which spells a token that is matched in normalized text
    init(_ written: WrittenToken, token: Token, normalize: ([Unicode.Scalar]) -> [Unicode.Scalar]) {
        let scalars = Array(written.text.unicodeScalars)
        self.scalars = written.isNormalized ? normalize(scalars) : scalars
        self.token = token
        isNormalized = written.isNormalized
    }
}

/// The special tokens of a tokenizer, at which it splits a text first.
struct SpecialTokens: Sendable {
    /// By their first scalar: those that are matched in the text as written, and in the normalized text.
    private let early, late: [Unicode.Scalar: [SpecialToken]]

    init(_ tokens: [SpecialToken]) {
        func grouped(_ isNormalized: Bool) -> [Unicode.Scalar: [SpecialToken]] {
            let some = tokens.filter { $0.isNormalized == isNormalized && !$0.scalars.isEmpty }
            return Dictionary(grouping: some) { $0.scalars[0] }
        }
        (early, late) = (grouped(false), grouped(true))
    }

    /// Text between special tokens, or one of these.
    enum Piece {
        case text([Unicode.Scalar])
        case special(SpecialToken)
    }

    /// Special tokens, and the normalized text between them.
    func pieces(of text: String, normalize: ([Unicode.Scalar]) -> [Unicode.Scalar]) -> [Piece] {
        Self.pieces(of: Array(text.unicodeScalars), at: early).flatMap { piece in
            guard case .text(let written) = piece else { return [piece] }
            return Self.pieces(of: normalize(written), at: late)
        }
    }

    /// Splits a text at special tokens: leftmost match, and of those that begin there the longest.
    private static func pieces(of text: [Unicode.Scalar], at specials: [Unicode.Scalar: [SpecialToken]]) -> [Piece] {
        guard !specials.isEmpty else { return text.isEmpty ? [] : [.text(text)] }
        var pieces: [Piece] = []
        var (start, place) = (0, 0)
        while place < text.count {
            let here = specials[text[place]]?.filter { text[place...].starts(with: $0.scalars) } ?? []
            guard let found = here.max(by: { $0.scalars.count < $1.scalars.count }) else {
                place += 1
                continue
            }
            if start < place { pieces.append(.text(Array(text[start..<place]))) }
            pieces.append(.special(found))
            place += found.scalars.count
            start = place
        }
        if start < text.count { pieces.append(.text(Array(text[start...]))) }
        return pieces
    }
}

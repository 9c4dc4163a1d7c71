/// The pieces of words of a vocabulary as a tree of scalars, in which the longest that begins somewhere is found in one
/// walk.
struct PieceTree: Sendable {
    /// What a piece that does not begin a word is spelled with.
    static let continuation = "##"
    /// The most scalars of a word that is cut; a longer one is unknown.
    static let wordLimit = 100

    /// From a node and a scalar to the node after it.
    private var children: [UInt64: UInt32] = [:]
    /// `[nodes]`: the token that ends at a node. The first node is the tree's root.
    private var tokens: [Token?] = [nil]
    /// The node from which pieces go on inside a word.
    private let inside: UInt32?

    init(_ vocabulary: Vocabulary) {
        children.reserveCapacity(4 * vocabulary.count)
        for (token, text) in vocabulary.texts.enumerated() where !text.isEmpty {
            var node: UInt32 = 0
            for scalar in text.unicodeScalars {
                let key = Self.key(node, scalar)
                if let child = children[key] {
                    node = child
                } else {
                    node = UInt32(tokens.count)
                    children[key] = node
                    tokens.append(nil)
                }
            }
            tokens[Int(node)] = Token(token)
        }
        var node: UInt32? = 0
        for scalar in Self.continuation.unicodeScalars {
            node = node.flatMap { [children] in children[Self.key($0, scalar)] }
        }
        inside = node
    }

    private static func key(_ node: UInt32, _ scalar: Unicode.Scalar) -> UInt64 {
        UInt64(node) << 32 | UInt64(scalar.value)
    }

    /// The pieces of a word, each the longest that goes on from the one before; `nil` where there is none, or the word
    /// is too long.
    func pieces(of word: ArraySlice<Unicode.Scalar>) -> [Token]? {
        guard word.count <= Self.wordLimit else { return nil }
        var pieces: [Token] = []
        var rest = word
        while !rest.isEmpty {
            guard let root = pieces.isEmpty ? 0 : inside, let longest = longest(from: root, in: rest) else {
                return nil
            }
            pieces.append(longest.token)
            rest = rest[longest.end...]
        }
        return pieces
    }

    private func longest(from root: UInt32, in text: ArraySlice<Unicode.Scalar>) -> (token: Token, end: Int)? {
        var longest: (Token, Int)?
        var node = root
        for (place, scalar) in zip(text.indices, text) {
            guard let child = children[Self.key(node, scalar)] else { break }
            node = child
            if let token = tokens[Int(node)] { longest = (token, place + 1) }
        }
        return longest
    }
}

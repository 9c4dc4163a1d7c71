package import Networks
import Texts

/// The text before and after a label's words in its prompt.
package struct PromptTemplate: Sendable, Hashable {
    let before: String
    let after: String

    package static let photograph = PromptTemplate(before: "a photograph of ", after: "")

    package func prompt(for words: String) -> String {
        before + words + after
    }
}

/// What the U-Net reads in the passes of a request.
package enum ForwardPrompt: Sendable, Hashable {
    /// Each phrase's own prompt, in a pass of its own.
    case own
    /// One text for all phrases, in one pass; each phrase is scored by the keys of its own prompt. A request may choose
    /// another text.
    case fixed(String)
    /// One prompt that lists all phrases, in one pass; phrases are scored by its keys (iSeg). A label's map depends on
    /// the other labels.
    case joined(PhraseList)
}

/// A prompt that lists the words of all phrases of a request.
package struct PhraseList: Sendable, Hashable {
    let before: String
    let between: String
    let after: String

    package func prompt(for words: [String]) -> String {
        before + words.joined(separator: between) + after
    }

    /// The positions of each phrase's tokens in the prompt, where the start token has position 0.
    ///
    /// - Parameter length: how many tokens the text encoder reads
    /// - Throws: `noTokens`, and `tooManyForPrompt` where not all are read
    package func places(
        of words: [String], _ tokenizer: BytePairTokenizer, length: Int
    ) throws(SegmentationError) -> [Range<Int>] {
        let gap = tokenizer.tokens(of: between).count
        var places: [Range<Int>] = []
        var next = 1 + tokenizer.tokens(of: before).count
        for words in words {
            let count = tokenizer.tokens(of: words).count
            guard count > 0 else { throw .noTokens(words: words) }
            places.append(next..<next + count)
            next += count + gap
        }
        guard next - gap < length else {
            throw .recipe(.tooManyForPrompt(phrases: words.count, tokens: next - gap + 1, limit: length))
        }
        return places
    }
}

/// By how much the states of labels' tokens are moved away from an origin: `z' = origin + w (z - origin)`.
package struct Enhancement: Sendable, Hashable {
    /// w; 1: states stay as they are.
    package internal(set) var factor: Float
    let origin: EnhancementOrigin
    package internal(set) var words: EnhancedWords

    static let none = Enhancement(factor: 1, origin: .zero, words: .all)
}

/// From what the states of tokens are moved away.
package enum EnhancementOrigin: Sendable, Hashable {
    /// States are multiplied (iSeg's enhancement of categories).
    case zero
    /// The state that the empty prompt has at the same position, as the library compel weights words.
    case emptyPrompt
}

/// Which of a label's words are enhanced.
package enum EnhancedWords: String, Sendable, Hashable, CaseIterable {
    case all
    /// The last between spaces, to which compel's `++` binds.
    case last
}

/// How the state of a token in a prompt is moved.
struct WeightedToken: Sendable, Hashable {
    let position: Int32
    let factor: Float
    let origin: EnhancementOrigin

    /// Tokens at some positions; none where their states stay as they are.
    static func all(
        at positions: some Sequence<Int32>, by factor: Float, from origin: EnhancementOrigin
    ) -> [WeightedToken] {
        factor == 1 ? [] : positions.map { WeightedToken(position: $0, factor: factor, origin: origin) }
    }
}

/// A prompt as the networks read it: equal values, equal states of the text encoder.
package struct ReadPrompt: Sendable, Hashable {
    let prompt: ExactString
    /// How final states are moved, one after the other; none: they are read as the text encoder makes them.
    let weights: [WeightedToken]

    package var text: String { prompt.text }

    package init(_ text: String) {
        self.init(text, weights: [])
    }

    /// - Parameter positions: of the tokens that are enhanced
    package init(_ text: String, enhancing positions: [Int32], by factor: Float, from origin: EnhancementOrigin) {
        self.init(text, weights: WeightedToken.all(at: Set(positions).sorted(), by: factor, from: origin))
    }

    init(_ text: String, weights: [WeightedToken]) {
        prompt = ExactString(text)
        self.weights = weights
    }

    var bytes: Int { prompt.text.utf8.count + weights.count * MemoryLayout<WeightedToken>.stride }
}

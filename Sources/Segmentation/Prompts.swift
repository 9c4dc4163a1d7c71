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

/// What a token's state z is moved away from by a factor w: `z' = origin + w (z - origin)`.
package enum EnhancementOrigin: Sendable, Hashable {
    /// States are multiplied (iSeg's enhancement of categories).
    case zero
    /// The state that the empty prompt has at the same position, as the library compel weights words.
    case emptyPrompt
}

/// A prompt as the networks read it: equal values, equal states of the text encoder.
package struct ReadPrompt: Sendable, Hashable {
    let prompt: ExactString
    /// How the final states of some tokens are moved away from an origin; `nil`: of none.
    let enhancement: Enhancement?

    struct Enhancement: Hashable {
        let factor: Float
        let origin: EnhancementOrigin
        /// Ascending.
        let positions: [Int32]
    }

    package var text: String { prompt.text }

    package init(_ text: String) {
        prompt = ExactString(text)
        enhancement = nil
    }

    /// - Parameter positions: of the tokens that are enhanced
    package init(_ text: String, enhancing positions: [Int32], by factor: Float, from origin: EnhancementOrigin) {
        prompt = ExactString(text)
        enhancement =
            factor == 1 || positions.isEmpty
            ? nil : Enhancement(factor: factor, origin: origin, positions: Set(positions).sorted())
    }

    var bytes: Int { prompt.text.utf8.count + (enhancement?.positions.count ?? 0) * MemoryLayout<Int32>.stride }
}

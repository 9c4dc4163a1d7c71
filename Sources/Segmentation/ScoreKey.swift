import Networks
import Texts

/// Everything that a phrase's score map depends on, before labels share pixels: equal keys, equal maps, bit for bit.
struct ScoreKey: Hashable {
    let features: FeatureKey
    let aggregation: Aggregation
    let refinement: Refinement
    let prompt: ReadPrompt
    let positions: [Int32]
    /// The CLIP that scores labels; `nil`: cross-attention does.
    let filter: NetworkKey?
    /// `nil`: no other label's tokens join the phrase's softmax.
    let company: Company?

    /// Of the key, which a cache holds twice, and of what both copies share.
    var bytes: Int {
        2 * MemoryLayout<Self>.stride + prompt.bytes + positions.count * MemoryLayout<Int32>.stride
            + (company?.bytes ?? 0)
    }
}

/// A label among those whose softmaxes are joined, in no order. All phrases of a question share the set's memory.
struct Company: Hashable {
    private let labels: Set<[ReadPhrase: Int]>
    private let own: [ReadPhrase: Int]
    /// Of all labels, as if no other phrase had them.
    let bytes: Int

    /// The company that each of some labels has; `nil` for a label alone.
    static func all(_ labels: ArraySlice<UnderstoodLabel>) -> [Company?] {
        guard labels.count > 1 else { return [nil] }
        let read = labels.map(\.read)
        let bytes = read.joined().reduce(0) { $0 + $1.key.bytes }
        let together = Set(read)
        return read.map { Company(labels: together, own: $0, bytes: bytes) }
    }
}

extension ReadPhrase {
    fileprivate var bytes: Int {
        MemoryLayout<Self>.stride + tokens.count * MemoryLayout<Token>.stride
            + positions.count * MemoryLayout<Int32>.stride + weights.count * MemoryLayout<WeightedToken>.stride
    }
}

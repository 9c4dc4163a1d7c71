import Texts

/// How labels are told from the patches of a picture: what a CLIP was measured to need, from the `filter.json` of its
/// folder.
package struct PatchConfiguration: Sendable, Hashable {
    /// What embeddings of patches are made of.
    package enum States: String, Sendable, CaseIterable {
        /// The last hidden states, for a CLIP whose training saw its patches.
        case hidden
        /// The value path of the last layer: MaskCLIP's (Zhou et al., 2022), for one whose training saw pictures alone.
        case values
    }

    package let states: States
    /// The score, in 0...1, that a label needs in its best place to be taken for present.
    package let threshold: Float
    /// The same where a caption names the label, at most ``threshold``.
    package let lower: Float
    /// The score of the best label below which a picture where none is present keeps none; 0: it keeps that one.
    package let least: Float
    /// Words for what is around labels, which share each patch with them.
    package let background: [String]

    /// The file's name in a CLIP's folder.
    package static let file = "filter.json"

    /// The most words of ``background``.
    package static let wordLimit = 256

    /// For published CLIPs: MaskCLIP's path and CLIPer's background words for VOC. The numbers are the caller's choice:
    /// nobody measured them on photographs.
    package static let published = PatchConfiguration(
        states: .values, threshold: 0.5, lower: 0.25, least: 0,
        background: [
            "ground", "land", "grass", "tree", "building", "wall", "sky", "lake", "water", "river", "sea", "railway",
            "railroad", "keyboard", "helmet", "cloud", "house", "mountain", "ocean", "road", "rock", "street", "valley",
            "bridge", "sign",
        ])

    private init(states: States, threshold: Float, lower: Float, least: Float, background: [String]) {
        self.states = states
        self.threshold = threshold
        self.lower = lower
        self.least = least
        self.background = background
    }

    /// Reads `file`, which says all of it and nothing else.
    package init(_ file: RegularFile) throws(CheckpointError) {
        let file = try ConfigurationFile(file)
        try file.require(only: ["patches", "threshold", "lower", "least", "background"])
        let names = States.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
        guard case .string(let name) = file.value("patches"), let states = States(rawValue: name) else {
            throw file.refusal("patches", expected: names)
        }
        self.states = states
        threshold = try file.share("threshold", most: 1)
        lower = try file.share("lower", most: threshold)
        least = try file.share("least", most: 1)
        background = try file.words("background", limit: Self.wordLimit)
    }
}

extension ConfigurationFile {
    /// A required number from 0 to `most`.
    fileprivate func share(_ key: String, most: Float) throws(CheckpointError) -> Float {
        guard case .number(let number) = value(key), number >= 0, Float(number) <= most else {
            throw refusal(key, expected: "a number from 0 to \(most)")
        }
        return Float(number)
    }

    /// A required list of different words, perhaps none.
    fileprivate func words(_ key: String, limit: Int) throws(CheckpointError) -> [String] {
        let expected = "a list of up to \(limit) different words"
        guard case .list(let list) = value(key), list.count <= limit else { throw refusal(key, expected: expected) }
        var words: [String] = []
        for case .string(let word) in list where !word.isEmpty { words.append(word) }
        guard words.count == list.count, Set(words.map { ExactString($0) }).count == list.count else {
            throw refusal(key, expected: expected)
        }
        return words
    }
}

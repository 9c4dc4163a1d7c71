import Limits
import Images
import Kernels
import Texts

/// A thing to look for: its name, and one or more ways to say it, whose maps are averaged.
package struct Label: Sendable, Equatable {
    package let name: String
    package let phrases: [Phrase]

    /// - Parameter phrases: none means the name itself
    package init(name: String, phrases: [Phrase]) {
        self.name = name
        self.phrases = phrases.isEmpty ? [Phrase(words: name, prompt: nil)] : phrases
    }
}

/// Words to look for, and the prompt that contains them.
package struct Phrase: Sendable, Equatable {
    package let words: String
    /// `nil`: the recipe's template around the words, continued by the captioner where the recipe says so.
    package let prompt: String?
    /// w of the words, in ``weights``: as compel weights them, before the recipe's enhancement.
    package let weight: Float

    package static let weights: ClosedRange<Float> = 0.1...10

    package init(words: String, prompt: String?, weight: Float = 1) {
        self.words = words
        self.prompt = prompt
        self.weight = weight
    }
}

/// Where the picture comes from.
package enum PictureSource: Sendable {
    /// The bytes of a PNG, JPEG or WebP file.
    case file([UInt8])
    /// The SHA-256 of a file that this user has sent before.
    case handle(String)

    /// The file's SHA-256, in hexadecimal digits; computes it for a file.
    package var handle: String {
        switch self {
        case .file(let bytes): SHA256.hexadecimal(of: bytes)
        case .handle(let handle): handle
        }
    }
}

/// Which score maps are wanted.
package enum MapRequest: Sendable, Equatable {
    /// On the latent grid, not resized and not rescaled.
    case latent
    /// Resized (bilinear), then min-max scaled to 0...1.
    case sized(width: Int, height: Int)
    /// As `sized`, with the picture's size.
    case picture
    case none
}

/// A valid request: its initialiser checks every limit that does not depend on the model.
package struct SegmentationRequest: Sendable {
    package let picture: PictureSource
    /// None where there is a vocabulary.
    package let labels: [Label]
    /// What the labels are chosen from; `nil`: they are given.
    package let vocabulary: Vocabulary?
    package let recipe: Recipe
    /// The chosen prompt of the one U-Net pass for all phrases; `nil`: the recipe's.
    package let forwardPrompt: String?
    package let seed: UInt32
    package let timestep: Int
    package let threshold: Float
    package let maps: MapRequest
    package let wantsMask: Bool
    /// Name or hash of the model; empty: the one that is loaded.
    package let model: String
    /// What else of the computation is wanted.
    package let probes: [Probe]

    /// - Parameters:
    ///   - vocabulary: in place of labels
    ///   - forwardPrompt: `nil`: the recipe's
    ///   - timestep: `nil`: the recipe's
    ///   - threshold: the score of the background; `nil`: the recipe's
    package init(
        picture: PictureSource, labels: [Label], vocabulary: Vocabulary? = nil, recipe: Recipe, forwardPrompt: String?,
        seed: UInt32, timestep: Int?, threshold: Float?, maps: MapRequest, wantsMask: Bool, model: String,
        probes: [Probe] = []
    ) throws(SegmentationError) {
        if vocabulary == nil {
            try Self.check(labels, others: [])
        } else if !labels.isEmpty {
            throw .labelsAndVocabulary(labels: labels.count)
        }
        try recipe.checkJointSoftmax(labels)
        guard !wantsMask || labels.count <= Limit.maskedLabels else {
            throw .tooManyForMask(labels: labels.count, limit: Limit.maskedLabels)
        }
        if let forwardPrompt {
            if recipe.forwardPrompt == .own { throw .recipe(.unneededForwardPrompt(recipe: recipe.name)) }
            try Self.check(forwardPrompt, of: "a forward prompt")
        }
        let threshold = threshold ?? recipe.background
        guard threshold >= 0, threshold <= 1 else { throw .threshold(threshold) }
        if case .sized(let width, let height) = maps {
            let pixels = width.multipliedReportingOverflow(by: height)
            guard width > 0, height > 0, !pixels.overflow, pixels.partialValue <= Limit.pixels else {
                throw .mapSize(width: width, height: height, limit: Limit.pixels)
            }
        }
        guard probes.count <= Limit.probes else {
            throw .tooMany(what: "probes", count: probes.count, limit: Limit.probes)
        }
        for probe in probes { try probe.check(recipe) }
        self.picture = picture
        self.labels = labels
        self.vocabulary = vocabulary
        self.recipe = recipe
        self.forwardPrompt = forwardPrompt
        self.seed = seed
        self.timestep = timestep ?? recipe.timestep
        self.threshold = threshold
        self.maps = maps
        self.wantsMask = wantsMask
        self.model = model
        self.probes = probes
    }

    /// What one pass reads for all phrases, where the recipe has such a text.
    var fixedPrompt: String? {
        if case .fixed(let text) = recipe.forwardPrompt { forwardPrompt ?? text } else { nil }
    }

    /// A bound of the labels that the answer has.
    package var mostLabels: Int {
        guard let vocabulary else { return labels.count }
        let most = vocabulary.candidates.isEmpty ? Limit.maskedLabels : vocabulary.candidates.count
        return wantsMask ? min(most, Limit.maskedLabels) : most
    }

    /// - Parameter others: texts that count like the labels' own
    static func check(_ labels: [Label], others: [String]) throws(SegmentationError) {
        guard !labels.isEmpty else { throw .noLabels }
        guard labels.count <= Limit.labels else {
            throw .tooMany(what: "labels", count: labels.count, limit: Limit.labels)
        }
        let phrases = labels.reduce(0) { $0 + $1.phrases.count }
        guard phrases <= Limit.phrases else {
            throw .tooMany(what: "phrases", count: phrases, limit: Limit.phrases)
        }
        let bytes = labels.reduce(others.reduce(0) { $0 + $1.utf8.count }) { sum, label in
            label.phrases.reduce(sum + label.name.utf8.count) {
                $0 + $1.words.utf8.count + ($1.prompt?.utf8.count ?? 0)
            }
        }
        guard bytes <= Limit.textBytes else {
            throw .tooMany(what: "bytes of text", count: bytes, limit: Limit.textBytes)
        }
        var names: Set<ExactString> = []
        for (index, label) in labels.enumerated() {
            guard !label.name.isEmpty else { throw .emptyName(label: index) }
            try check(label.name, of: "the name of label \(index + 1)")
            guard names.insert(ExactString(label.name)).inserted else { throw .repeatedName(label.name) }
            for phrase in label.phrases {
                try check(phrase.words, of: "the words of label \"\(label.name)\"")
                try check(phrase.prompt ?? "", of: "a prompt of label \"\(label.name)\"")
                guard Phrase.weights.contains(phrase.weight) else { throw .weight(phrase.weight, label: label.name) }
            }
        }
    }

    static func check(_ text: String, of what: @autoclosure () -> String) throws(SegmentationError) {
        guard text.utf8.count <= Limit.promptBytes else {
            throw .tooLong(what: what(), bytes: text.utf8.count, limit: Limit.promptBytes)
        }
        guard StreamSafe.isSafe(text) else { throw .tooManyMarks(what: what(), limit: Limit.combiningMarks) }
    }
}

extension Recipe {
    /// Throws where labels are to have one softmax, and cannot.
    func checkJointSoftmax(_ labels: [Label]) throws(SegmentationError) {
        guard softmax == .joint else { return }
        guard fitsJointSoftmax else {
            throw .recipe(.jointSoftmax(recipe: name, fitting: Self.all.filter(\.fitsJointSoftmax).map(\.name)))
        }
        let phrases = labels.reduce(0) { $0 + $1.phrases.count }
        let limit = Limit.jointPhrases
        guard phrases <= limit else { throw .recipe(.tooManyForSoftmax(phrases: phrases, limit: limit)) }
    }
}

import RPC
import Results

/// What decides an evaluation's result, of what is known before anything is asked, as the journal keeps it.
struct Question: Sendable, Equatable, Codable {
    let set: String
    /// With links resolved.
    let root: String
    let split: String
    let truth: String
    /// How many there are, and the fingerprint of their names and words.
    let classes: String
    /// How many there are, and the fingerprint of their names.
    let pictures: String
    let labels: String
    let recipe: String
    let settings: [String]
    let seed: UInt32
    /// `nil`: the recipe's.
    let threshold: Float?
    let filter: String
    let filterSettings: [String]
    let model: String
    /// What is written beside the counts.
    let export: String

    /// What a person calls each, and its value.
    var facts: [(name: String, value: String)] {
        [
            ("the set", set), ("the folder", root), ("the split", split), ("the truth", truth),
            ("the classes", classes),
            ("the pictures", pictures), ("--labels", labels), ("--recipe", recipe), ("settings", told(settings)),
            ("--seed", "\(seed)"), ("--threshold", threshold.map { "\($0)" } ?? "the recipe's"),
            ("--filter", filter.isEmpty ? "the default" : filter), ("--filter-set", told(filterSettings)),
            ("--model", model.isEmpty ? "the default" : model), ("--export", export.isEmpty ? "none" : export),
        ]
    }
}

/// By what a daemon answers, as it says itself: with the question it decides the result.
struct EvaluatedMethod: Sendable, Equatable, Codable {
    let recipe: String
    /// In which it differs from the recipe of its name.
    let settings: [String]
    let seed: UInt32
    let timestep: UInt32
    /// At which pixels become background, 0 to 1.
    let threshold: Float
    /// By which labels are chosen; `nil`: they are given.
    let filter: String?
    let filterSettings: [String]
    /// The hash of what they are chosen from.
    let vocabulary: String?
    let model: String
    let modelHash: String
    let filterHash: String?
    let precision: String
    let instructionSet: String
    let blas: String
    let version: String

    init(_ header: Header) {
        recipe = header.recipe
        settings = header.settings
        seed = header.seed
        timestep = header.timestep
        threshold = header.threshold
        filter = header.choice?.filter
        filterSettings = header.choice?.settings ?? []
        vocabulary = header.choice?.vocabularyHash
        model = header.model
        modelHash = header.modelHash
        filterHash = header.filter?.hash
        precision = header.precision
        instructionSet = header.instructionSet
        blas = header.blas
        version = header.version
    }

    /// What a person calls each, and its value.
    var facts: [(name: String, value: String)] {
        [
            ("the recipe", recipe), ("the recipe's settings", told(settings)), ("the seed", "\(seed)"),
            ("the timestep", "\(timestep)"), ("the threshold", "\(threshold)"), ("the filter", filter ?? "none"),
            ("the filter's settings", told(filterSettings)), ("the vocabulary", vocabulary ?? "none"),
            ("the model", model),
            ("the model's hash", modelHash), ("the filter's hash", filterHash ?? "none"), ("the precision", precision),
            ("the instruction set", instructionSet), ("the BLAS", blas), ("the daemon's version", version),
        ]
    }
}

private func told(_ settings: [String]) -> String { settings.isEmpty ? "none" : settings.joined(separator: " ") }

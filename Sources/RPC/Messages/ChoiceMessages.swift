import CMessages

/// How labels were chosen from a vocabulary.
package struct Choice: WireMessage, @unsafe PackedMessage {
    package var filter: String
    /// In which the filter differs from the one of its name, `key=value` each.
    package var settings: [String]
    /// Of the picture; empty where none was needed.
    package var caption: String
    /// That the caption names.
    package var nouns: [Noun]
    /// Of each candidate, in their order.
    package var verdicts: [Verdict]
    /// Of the candidates and background words, as the daemon read them.
    package var vocabularyHash: String

    package init(
        filter: String, settings: [String], caption: String, nouns: [Noun], verdicts: [Verdict], vocabularyHash: String
    ) {
        self.filter = filter
        self.settings = settings
        self.caption = caption
        self.nouns = nouns
        self.verdicts = verdicts
        self.vocabularyHash = vocabularyHash
    }

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Choice>?) -> Void {
        unsafe dseg__v1__choice__init
    }

    init(_ packed: Dseg__V1__Choice) throws(RPCStatus) {
        unsafe filter = try text(packed.filter, "Choice.filter", .name)
        unsafe settings = try texts(packed.settings, packed.n_settings, "Choice.settings", .name)
        unsafe caption = try text(packed.caption, "Choice.caption", .sentence)
        unsafe nouns = try list(packed.nouns, packed.n_nouns)
        unsafe verdicts = try list(packed.verdicts, packed.n_verdicts)
        unsafe vocabularyHash = try text(packed.vocabulary_hash, "Choice.vocabulary_hash", .name)
    }

    func fill(_ packed: inout Dseg__V1__Choice, in arena: borrowing MessageArena) {
        unsafe packed.filter = arena.text(filter)
        unsafe packed.n_settings = settings.count
        unsafe packed.settings = arena.texts(settings)
        unsafe packed.caption = arena.text(caption)
        unsafe packed.n_nouns = nouns.count
        unsafe packed.nouns = arena.list(nouns)
        unsafe packed.n_verdicts = verdicts.count
        unsafe packed.verdicts = arena.list(verdicts)
        unsafe packed.vocabulary_hash = arena.text(vocabularyHash)
    }
}

/// A thing that a caption names.
package struct Noun: WireMessage, @unsafe PackedMessage {
    /// In the singular.
    package var name: String
    /// As they stand in the caption.
    package var words: String

    package init(name: String, words: String) {
        self.name = name
        self.words = words
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Noun>?) -> Void {
        unsafe dseg__v1__noun__init
    }

    init(_ packed: Dseg__V1__Noun) throws(RPCStatus) {
        unsafe name = try text(packed.name, "Noun.name", .sentence)
        unsafe words = try text(packed.words, "Noun.words", .sentence)
    }

    func fill(_ packed: inout Dseg__V1__Noun, in arena: borrowing MessageArena) {
        unsafe packed.name = arena.text(name)
        unsafe packed.words = arena.text(words)
    }
}

/// Whether a candidate is taken for present.
package struct Verdict: WireMessage, @unsafe PackedMessage {
    package var name: String
    package var kept: Bool
    /// By which those that stay are ranked.
    package var score: Float
    /// What was measured; it stays where one holds.
    package var criteria: [Criterion]
    /// The earlier candidate that the model reads as this one; empty: none.
    package var alike: String

    package init(name: String, kept: Bool, score: Float, criteria: [Criterion], alike: String) {
        self.name = name
        self.kept = kept
        self.score = score
        self.criteria = criteria
        self.alike = alike
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Verdict>?) -> Void {
        unsafe dseg__v1__verdict__init
    }

    init(_ packed: Dseg__V1__Verdict) throws(RPCStatus) {
        unsafe name = try text(packed.name, "Verdict.name", .sentence)
        unsafe kept = packed.kept != 0
        unsafe score = packed.score
        unsafe criteria = try list(packed.criteria, packed.n_criteria)
        unsafe alike = try text(packed.alike, "Verdict.alike", .sentence)
    }

    func fill(_ packed: inout Dseg__V1__Verdict, in arena: borrowing MessageArena) {
        unsafe packed.name = arena.text(name)
        unsafe packed.kept = kept ? 1 : 0
        unsafe packed.score = score
        unsafe packed.n_criteria = criteria.count
        unsafe packed.criteria = arena.list(criteria)
        unsafe packed.alike = arena.text(alike)
    }
}

/// One of the reasons for which a candidate may stay.
package struct Criterion: WireMessage, @unsafe PackedMessage {
    /// Of the filter.
    package var part: String
    package var value: Float
    /// Which the value must reach.
    package var limit: Float
    package var held: Bool
    /// Of the caption, where it compares one; else empty.
    package var noun: String

    package init(part: String, value: Float, limit: Float, held: Bool, noun: String) {
        self.part = part
        self.value = value
        self.limit = limit
        self.held = held
        self.noun = noun
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Criterion>?) -> Void {
        unsafe dseg__v1__criterion__init
    }

    init(_ packed: Dseg__V1__Criterion) throws(RPCStatus) {
        unsafe part = try text(packed.part, "Criterion.part", .name)
        unsafe value = packed.value
        unsafe limit = packed.limit
        unsafe held = packed.held != 0
        unsafe noun = try text(packed.noun, "Criterion.noun", .sentence)
    }

    func fill(_ packed: inout Dseg__V1__Criterion, in arena: borrowing MessageArena) {
        unsafe packed.part = arena.text(part)
        unsafe packed.value = value
        unsafe packed.limit = limit
        unsafe packed.held = held ? 1 : 0
        unsafe packed.noun = arena.text(noun)
    }
}

/// A network beside the model.
package struct Network: WireMessage, @unsafe PackedMessage {
    package var name: String
    package var hash: String

    package init(name: String, hash: String) {
        self.name = name
        self.hash = hash
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Network>?) -> Void {
        unsafe dseg__v1__network__init
    }

    init(_ packed: Dseg__V1__Network) throws(RPCStatus) {
        unsafe name = try text(packed.name, "Network.name", .name)
        unsafe hash = try text(packed.hash, "Network.hash", .name)
    }

    func fill(_ packed: inout Dseg__V1__Network, in arena: borrowing MessageArena) {
        unsafe packed.name = arena.text(name)
        unsafe packed.hash = arena.text(hash)
    }
}

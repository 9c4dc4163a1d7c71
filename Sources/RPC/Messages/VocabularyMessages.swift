import CMessages

/// Labels of which only those are looked for that a filter takes for present.
package struct Vocabulary: WireMessage, @unsafe PackedMessage {
    /// None: what the picture's caption names.
    package var candidates: [Candidate]
    /// Words that compete with the candidates; none: the filter model's own.
    package var background: [String]
    /// Empty: the default.
    package var filter: String
    /// Over those of the filter, `key=value` each.
    package var settings: [String]

    package init(candidates: [Candidate], background: [String], filter: String, settings: [String]) {
        self.candidates = candidates
        self.background = background
        self.filter = filter
        self.settings = settings
    }

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Vocabulary>?) -> Void {
        unsafe dseg__v1__vocabulary__init
    }

    init(_ packed: Dseg__V1__Vocabulary) throws(RPCStatus) {
        unsafe candidates = try list(packed.candidates, packed.n_candidates)
        unsafe background = try texts(packed.background, packed.n_background, "Vocabulary.background", .sentence)
        unsafe filter = try text(packed.filter, "Vocabulary.filter", .name)
        unsafe settings = try texts(packed.settings, packed.n_settings, "Vocabulary.settings", .name)
    }

    func fill(_ packed: inout Dseg__V1__Vocabulary, in arena: borrowing MessageArena) {
        unsafe packed.n_candidates = candidates.count
        unsafe packed.candidates = arena.list(candidates)
        unsafe packed.n_background = background.count
        unsafe packed.background = arena.texts(background)
        unsafe packed.filter = arena.text(filter)
        unsafe packed.n_settings = settings.count
        unsafe packed.settings = arena.texts(settings)
    }
}

/// A label that may be in the picture.
package struct Candidate: WireMessage, @unsafe PackedMessage {
    package var name: String
    /// As of a ``Label``.
    package var phrases: [Phrase]
    /// What a caption may call it, beside its name and its phrases.
    package var synonyms: [String]

    package init(name: String, phrases: [Phrase], synonyms: [String]) {
        self.name = name
        self.phrases = phrases
        self.synonyms = synonyms
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Candidate>?) -> Void {
        unsafe dseg__v1__candidate__init
    }

    init(_ packed: Dseg__V1__Candidate) throws(RPCStatus) {
        unsafe name = try text(packed.name, "Candidate.name", .sentence)
        unsafe phrases = try list(packed.phrases, packed.n_phrases)
        unsafe synonyms = try texts(packed.synonyms, packed.n_synonyms, "Candidate.synonyms", .sentence)
    }

    func fill(_ packed: inout Dseg__V1__Candidate, in arena: borrowing MessageArena) {
        unsafe packed.name = arena.text(name)
        unsafe packed.n_phrases = phrases.count
        unsafe packed.phrases = arena.list(phrases)
        unsafe packed.n_synonyms = synonyms.count
        unsafe packed.synonyms = arena.texts(synonyms)
    }
}

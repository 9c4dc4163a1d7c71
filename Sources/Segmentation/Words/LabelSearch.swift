import Networks

/// The labels of an answer while they are found: chosen from a vocabulary, and their prompts continued by captions.
///
///     given ───────────────────────────────────┬─► worded ─► found
///     vocabulary ─► caption, nouns ─► chosen ───┘
struct LabelSearch {
    /// What is read next of the picture.
    enum Step {
        /// The labels are chosen from a vocabulary; where the caption is needed and not there yet, that comes first.
        case choosing(Vocabulary, Caption?)
        /// A caption continues the prompt of a phrase, and then of the next ones.
        case wording(ArraySlice<PhraseIndex>)
        case found
    }

    /// A sentence of the captioner, and the things that it names.
    struct Caption: Sendable {
        let text: String
        let nouns: [Noun]
    }

    /// A phrase among those of all labels.
    struct PhraseIndex: Hashable {
        let label: Int
        let phrase: Int
    }

    private(set) var step: Step
    /// Those that are given, or that stay of the vocabulary; none before they are chosen.
    private(set) var labels: [Label]
    private(set) var choice: Choice?
    /// The sentences from which prompts were made.
    private var sentences: [PhraseIndex: String] = [:]
    /// What the captioner continues to prompts; `nil`: prompts are the recipe's alone.
    let template: PromptTemplate?

    /// Whether the answer depends on what the captioner writes, or on what the filter sees.
    var usesCaptioner: Bool { choice?.caption != nil || !sentences.isEmpty }
    var usesFilter: Bool { choice?.filter != nil }

    /// - Parameters:
    ///   - labels: given; none where there is a vocabulary
    ///   - template: what the captioner continues to prompts; `nil`: prompts are the recipe's alone
    init(labels: [Label], vocabulary: Vocabulary?, continuing template: PromptTemplate?) {
        self.template = template
        self.labels = labels
        step = .found
        if let vocabulary { step = .choosing(vocabulary, nil) } else { step = wording }
    }

    /// Whether all labels are found.
    var isOver: Bool { if case .found = step { true } else { false } }

    /// The step to the prompts of labels, if there are any to continue.
    private var wording: Step {
        guard template != nil else { return .found }
        let phrases = labels.enumerated().flatMap { index, label in
            label.phrases.indices.filter { label.phrases[$0].prompt == nil }.map {
                PhraseIndex(label: index, phrase: $0)
            }
        }
        return phrases.isEmpty ? .found : .wording(phrases[...])
    }

    /// Notes what the picture's caption says.
    mutating func describe(_ caption: Caption) {
        guard case .choosing(let vocabulary, _) = step else { return }
        step = .choosing(vocabulary, caption)
    }

    /// Takes the labels that stay.
    mutating func choose(_ choice: Choice) {
        labels = choice.kept
        self.choice = choice
        step = wording
    }

    /// The phrase at a place.
    subscript(place: PhraseIndex) -> Phrase { labels[place.label].phrases[place.phrase] }

    /// Gives the next phrase a prompt.
    ///
    /// - Parameter sentence: from which it was made
    mutating func word(_ place: PhraseIndex, _ prompt: String, from sentence: String) {
        guard case .wording(let rest) = step else { return }
        let label = labels[place.label]
        var phrases = label.phrases
        phrases[place.phrase] = Phrase(words: self[place].words, prompt: prompt, weight: self[place].weight)
        labels[place.label] = Label(name: label.name, phrases: phrases)
        sentences[place] = sentence
        step = rest.count > 1 ? .wording(rest.dropFirst()) : .found
    }

    /// Labels as the model reads them, with the sentences that their prompts were made from.
    func captioned(_ labels: [UnderstoodLabel]) -> [UnderstoodLabel] {
        guard !sentences.isEmpty else { return labels }
        return labels.enumerated().map { index, label in
            UnderstoodLabel(
                name: label.name,
                phrases: label.phrases.enumerated().map { place, phrase in
                    var phrase = phrase
                    phrase.caption = sentences[PhraseIndex(label: index, phrase: place)]
                    return phrase
                })
        }
    }
}

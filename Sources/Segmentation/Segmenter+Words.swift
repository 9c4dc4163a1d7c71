import Images
import Kernels
import Networks
import Texts

extension Segmenter {
    /// What is looked for, as far as a request says it; all that can be refused before a network runs is refused here.
    func search(
        for request: SegmentationRequest, of owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> LabelSearch {
        let template = request.recipe.captions ? request.recipe.template : nil
        let search = LabelSearch(labels: request.labels, vocabulary: request.vocabulary, continuing: template)
        if let vocabulary = request.vocabulary {
            try check(vocabulary)
        } else {
            _ = try understand(request.labels, request, for: owner, cancellation: cancellation)
        }
        if request.recipe.dense != nil { _ = try filter(for: request.recipe) }
        if template != nil, !search.isOver { _ = try captioner(for: "continuing prompts by captions") }
        return search
    }

    /// What a request to describe a picture looks for.
    func search(for request: DescriptionRequest) throws(SegmentationError) -> LabelSearch {
        let vocabulary = request.vocabulary ?? .named
        try check(vocabulary)
        return LabelSearch(labels: [], vocabulary: vocabulary, continuing: nil)
    }

    /// Throws where a vocabulary needs a network that is not loaded, or a candidate has no words.
    func check(_ vocabulary: Vocabulary) throws(SegmentationError) {
        let filter = try judge(for: vocabulary)?.filter
        if vocabulary.candidates.isEmpty {
            _ = try captioner(for: "finding what is in a picture without words")
        } else if let filter, filter.needsCaption {
            _ = try captioner(for: "the filter \(filter.name), which compares nouns of a caption,")
        }
        for words in vocabulary.candidates.flatMap(\.label.phrases).map(\.words)
        where model.tokenizer.tokens(of: words).isEmpty {
            throw .noTokens(words: words)
        }
    }

    /// By which filter, and by which network, a vocabulary's labels are chosen; `nil`: all stay.
    private func judge(
        for vocabulary: Vocabulary
    ) throws(SegmentationError) -> (filter: Filter, network: LabelFilter)? {
        switch vocabulary.filter {
        case .none: return nil
        case .standard where vocabulary.candidates.isEmpty && filter == nil: return nil
        case .standard: return (.best, try filter(for: "choosing among candidates"))
        case .of(let chosen): return (chosen, try filter(for: "the filter \(chosen.name)"))
        }
    }

    private func captioner(for need: String) throws(SegmentationError) -> Captioner {
        guard let captioner else { throw .noCaptioner(need: need) }
        return captioner
    }

    private func filter(for need: String) throws(SegmentationError) -> LabelFilter {
        guard let filter else { throw .noFilter(need: need) }
        return filter
    }

    /// The network that scores labels for a recipe.
    func filter(for recipe: Recipe) throws(SegmentationError) -> LabelFilter {
        try filter(for: "recipe \(recipe.name)")
    }

    /// How captioner and filter read a picture for a search, where what they saw of it is not cached.
    func views(
        for search: LabelSearch, of picture: LookedAt, _ owner: UInt32
    ) throws(SegmentationError) -> [PictureConfiguration] {
        var views: [PictureConfiguration] = []
        if case .choosing(let vocabulary, _) = search.step {
            let judge = try judge(for: vocabulary)
            if vocabulary.candidates.isEmpty || judge?.filter.readsCaption == true {
                views += captionerViews(of: picture, owner)
            }
            if let (chosen, network) = judge,
                workspace.sights.embedding(
                    of: picture.handle, network.parts(of: chosen), by: network.key, for: owner) == nil
            {
                views += network.views(of: picture.size)
            }
        }
        if search.template != nil, !search.isOver { views += captionerViews(of: picture, owner) }
        return views
    }

    /// Holds what captioner and filter saw of a picture, where a search may need it and it is cached.
    func hold(_ asked: AskedPicture, for search: LabelSearch) throws(SegmentationError) {
        let handle = asked.picture.looked.handle
        asked.states = captioner.flatMap { workspace.sights.states(of: handle, by: $0.key, for: asked.owner) }
        guard case .choosing(let vocabulary, _) = search.step, let (chosen, network) = try judge(for: vocabulary) else {
            return
        }
        let parts = network.parts(of: chosen)
        asked.embeddings[parts] = workspace.sights.embedding(of: handle, parts, by: network.key, for: asked.owner)
    }

    func captionerViews(of picture: LookedAt, _ owner: UInt32) -> [PictureConfiguration] {
        guard let captioner, workspace.sights.states(of: picture.handle, by: captioner.key, for: owner) == nil
        else { return [] }
        return [captioner.pictures]
    }

    /// How captioner and filter read a picture for answers by a recipe.
    func allViews(of picture: LookedAt, for recipe: Recipe) -> [PictureConfiguration] {
        let beside = [captioner?.pictures, denseView(for: recipe)].compactMap(\.self)
        return beside + (filter?.views(of: picture.size) ?? [])
    }

    /// How the filter reads a picture whose labels it scores itself.
    func denseView(for recipe: Recipe) -> PictureConfiguration? {
        recipe.dense.flatMap { filter?.reading(by: $0) }
    }

    /// Reads the next thing that a search needs of a picture.
    ///
    /// - Parameter limit: the most labels that may stay; `nil`: all that the filter keeps
    func advance(
        _ search: inout LabelSearch, _ picture: AskedPicture, atMost limit: Int?, cancellation: Cancellation
    ) throws(SegmentationError) {
        switch search.step {
        case .found: break
        case .wording(let rest):
            guard let place = rest.first, let template = search.template else { return }
            let beginning = template.prompt(for: search[place].words)
            let sentence = try caption(of: picture, beginning: beginning, cancellation: cancellation)
            let rest = CaptionText.withoutArtefacts(
                try captioner(for: "a caption").continuation(in: sentence, of: beginning))
            search.word(place, rest.isEmpty ? beginning : "\(beginning) \(rest)", from: sentence)
        case .choosing(let vocabulary, let caption):
            let judge = try judge(for: vocabulary)
            if caption == nil, captioner != nil, vocabulary.candidates.isEmpty || judge?.filter.readsCaption == true {
                _ = try describe(&search, picture, cancellation: cancellation)
            } else {
                search.choose(
                    try choose(from: vocabulary, caption, judge, picture, atMost: limit, cancellation: cancellation))
            }
        }
    }

    /// Has the captioner describe the picture; `nil` where none is loaded.
    func describe(
        _ search: inout LabelSearch, _ picture: AskedPicture, cancellation: Cancellation
    ) throws(SegmentationError) -> LabelSearch.Caption? {
        guard captioner != nil else { return nil }
        let text = CaptionText.cleaned(try caption(of: picture, beginning: "", cancellation: cancellation))
        let caption = LabelSearch.Caption(text: text, nouns: Nouns.all(in: text))
        search.describe(caption)
        return caption
    }

    private func choose(
        from vocabulary: Vocabulary, _ caption: LabelSearch.Caption?, _ judge: (filter: Filter, network: LabelFilter)?,
        _ picture: AskedPicture, atMost limit: Int?, cancellation: Cancellation
    ) throws(SegmentationError) -> Choice {
        let background = vocabulary.background.isEmpty ? judge?.network.patches.background ?? [] : vocabulary.background
        let nouns = caption?.nouns ?? []
        let candidates =
            vocabulary.candidates.isEmpty ? Candidate.all(of: nouns, besides: background) : vocabulary.candidates
        let merged = merged(candidates)
        var verdicts = merged.different.indices.map { Verdict(candidate: $0, kept: true, score: 0, criteria: []) }
        if let (filter, network) = judge, !candidates.isEmpty {
            do throws(Interruption) {
                let embedding = try embedding(of: picture, network, network.parts(of: filter), cancellation)
                verdicts = try network.judge(
                    merged.different, background: background, nouns: nouns, picture: embedding, by: filter,
                    for: picture.owner, cancellation: cancellation, &workspace.arena)
            } catch {
                throw SegmentationError(error)
            }
        }
        if let limit { verdicts = verdicts.best(limit) }
        return Choice(
            filter: judge?.filter, caption: caption?.text, nouns: nouns,
            outcomes: zip(candidates, merged.places).map { candidate, place in
                Choice.Outcome(candidate.label, verdicts[place], of: merged.different[place])
            }, vocabularyHash: vocabulary.hash)
    }

    /// The candidates that the model reads differently, and the place of each candidate's among them.
    private func merged(_ candidates: [Candidate]) -> (different: [Candidate], places: [Int]) {
        struct Reading: Hashable {
            let tokens: [Token]
            let prompt: ExactString?
        }
        var different: [Candidate] = []
        var known: [Set<Reading>: Int] = [:]
        let places = candidates.map { candidate in
            let read = Set(
                candidate.label.phrases.map { phrase in
                    Reading(
                        tokens: model.tokenizer.tokens(of: phrase.words), prompt: phrase.prompt.map { ExactString($0) })
                })
            if let place = known[read] { return place }
            different.append(candidate)
            known[read] = different.count - 1
            return different.count - 1
        }
        return (different, places)
    }

    /// What the filter sees of a picture.
    private func embedding(
        of asked: AskedPicture, _ network: LabelFilter, _ parts: PictureEmbedding.Parts, _ cancellation: Cancellation
    ) throws(Interruption) -> PictureEmbedding {
        let looked = asked.picture.looked
        if let known = asked.embeddings[parts] { return known }
        if let known = workspace.sights.embedding(of: looked.handle, parts, by: network.key, for: asked.owner) {
            return known
        }
        let views = network.views(of: looked.size)
        guard let middle = asked.views[views[0]] else { preconditionFailure("a picture that nobody prepared") }
        let found = try network.look(
            at: PreparedPicture(middle: middle, whole: views.count > 1 ? asked.views[views[1]] : nil), for: parts,
            cancellation: cancellation, &workspace.arena)
        workspace.sights.remember(found, of: looked.handle, parts, by: network.key, for: asked.owner)
        for view in views { workspace.pictures.drop(view, of: looked.handle, for: asked.owner) }
        return found
    }

    /// What the captioner writes about a picture.
    private func caption(
        of picture: AskedPicture, beginning: String, cancellation: Cancellation
    ) throws(SegmentationError) -> String {
        let handle = picture.picture.looked.handle
        let captioner = try captioner(for: "a caption")
        if let known = workspace.sights.caption(of: handle, beginning, by: captioner.key, for: picture.owner) {
            return known
        }
        do throws(Interruption) {
            let states = try states(of: picture, captioner, cancellation)
            let sentence = try captioner.caption(
                of: states, beginning: beginning, cancellation: cancellation, &workspace.arena)
            workspace.sights.remember(sentence, of: handle, beginning, by: captioner.key, for: picture.owner)
            return sentence
        } catch {
            throw SegmentationError(error)
        }
    }

    /// What the captioner's decoder sees of a picture.
    private func states(
        of asked: AskedPicture, _ captioner: Captioner, _ cancellation: Cancellation
    ) throws(Interruption) -> Matrix {
        let handle = asked.picture.looked.handle
        if let known = asked.states ?? workspace.sights.states(of: handle, by: captioner.key, for: asked.owner) {
            return known
        }
        guard let samples = asked.views[captioner.pictures] else { preconditionFailure("a picture nobody prepared") }
        let states = try captioner.states(of: samples, cancellation: cancellation, &workspace.arena)
        asked.states = states
        workspace.sights.remember(states, of: handle, by: captioner.key, for: asked.owner)
        workspace.pictures.drop(captioner.pictures, of: handle, for: asked.owner)
        return states
    }
}

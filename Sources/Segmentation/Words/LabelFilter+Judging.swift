package import Kernels
package import Networks
import Texts

extension LabelFilter {
    /// Decides which candidates are in a picture. Neither their order nor that of the background's words matters.
    ///
    /// - Parameters:
    ///   - background: words for what is around labels; those that are candidates are left out
    ///   - nouns: of the picture's caption; those that are no candidates compete with them as the background does
    ///   - picture: of the filter's ``parts(of:)``
    ///   - owner: the user who asks
    /// - Returns: a verdict for each candidate, in their order
    /// - Throws: `Interruption` between layers of the text tower
    package func judge(
        _ candidates: [Candidate], background: [String], nouns: [Noun], picture: PictureEmbedding, by filter: Filter,
        for owner: UInt32, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> [Verdict] {
        guard !candidates.isEmpty else { return [] }
        // Sums over labels have the same bits in this order, whatever the candidates'.
        let wordings = candidates.map { $0.wordings.map { ExactString($0) } }
        let order = candidates.indices.sorted { wordings[$0].lexicographicallyPrecedes(wordings[$1]) }
        let labels = order.map { candidates[$0].wordings }
        let naming = filter.readsCaption ? CaptionNames(nouns) : CaptionNames([])
        var found = order.map { Measured(noun: naming.noun(naming: candidates[$0])) }
        if let part = filter.caption, !nouns.isEmpty {
            let near = try nearest(labels, part, nouns, for: owner, cancellation: cancellation, &arena)
            for place in found.indices { found[place].caption = near[place] }
        }
        if let part = filter.picture, let embedding = picture.picture {
            let near = try nearness(labels, part, embedding, for: owner, cancellation: cancellation, &arena)
            for place in found.indices { found[place].picture = near[place] }
        }
        var best: Int?
        if let part = filter.patches, let patches = picture.patches {
            let around = background + (filter.readsCaption ? nouns.strangers(to: candidates) : [])
            let scores = try peaks(labels, around, part, patches, for: owner, cancellation: cancellation, &arena)
            best = scores.placeOfLargest
            for (place, score) in scores.array.enumerated() { found[place].patches = score }
        }
        let limits = Limits(filter, patches)
        let isEmpty = !found.contains { $0.criteria(limits).contains(where: \.held) }
        var verdicts: [Verdict] = []
        for (place, candidate) in order.enumerated() {
            verdicts.append(found[place].verdict(candidate, limits, isLast: isEmpty && place == best))
        }
        return verdicts.sorted { $0.candidate < $1.candidate }
    }

    /// Of each label the largest cosine to a noun, and which one's.
    private func nearest(
        _ labels: [[String]], _ part: Filter.CaptionPart, _ nouns: [Noun], for owner: UInt32,
        cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) -> [(cosine: Float, noun: String)] {
        let texts = try bank(labels, part.templates, for: owner, cancellation: cancellation, &arena).embeddings
        let named = try bank(nouns.map { [$0.words] }, part.templates, for: owner, cancellation: cancellation, &arena)
            .embeddings
        return arena.scope { arena in
            let cosines = arena.matrix(rows: labels.count, columns: nouns.count)
            cosines.setDotProducts(named, texts)
            return labels.indices.map { label in
                let row = cosines.rows(label..<label + 1)
                let place = row.placeOfLargest
                return (row.columns(place..<place + 1).array[0], nouns[place].words)
            }
        }
    }

    /// Of each label its cosine to the picture, as a share of the best one's; 0 where that is not positive.
    private func nearness(
        _ labels: [[String]], _ part: Filter.PicturePart, _ picture: Matrix, for owner: UInt32,
        cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) -> [Float] {
        let texts = try bank(labels, part.templates, for: owner, cancellation: cancellation, &arena).embeddings
        return arena.scope { arena in
            let cosines = arena.matrix(rows: labels.count, columns: 1)
            cosines.setDotProducts(picture, texts)
            let best = ScoreKernels.largest(cosines.array)
            return cosines.array.map { best > 0 ? $0 / best : 0 }
        }
    }

    /// Of each label its score in its best place, `[1, labels]`.
    private func peaks(
        _ labels: [[String]], _ background: [String], _ part: Filter.PatchPart, _ patches: PictureEmbedding.Patches,
        for owner: UInt32, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> Matrix {
        let bank = try bank(labels, part.templates, for: owner, cancellation: cancellation, &arena)
        let words = try self.bank(
            surroundings(background, besides: bank).map { [$0] }, part.surroundings, for: owner,
            cancellation: cancellation, &arena)
        let texts = Matrix(
            stored: labels.count + words.embeddings.rows, by: clip.network.configuration.projection)
        texts.rows(0..<labels.count).copy(from: bank.embeddings)
        texts.rows(labels.count..<texts.rows).copy(from: words.embeddings)
        try cancellation.check()
        let peaks = Matrix(stored: 1, by: labels.count)
        arena.scope { arena in
            let logits = arena.matrix(rows: texts.rows, columns: patches.grid.pixels)
            let chances = arena.featureMap(
                height: patches.grid.height, width: patches.grid.width, channels: texts.rows)
            clip.network.compare(patches.embeddings, texts, into: logits)
            chances.matrix.interleave(logits)
            chances.matrix.setSoftmax(scale: 1)
            chances.channels(0..<labels.count).peaks(into: peaks)
        }
        return peaks
    }

    /// The words that the tokenizer reads otherwise than any label, each once, in an order of their own.
    private func surroundings(_ words: [String], besides labels: LabelBank) -> [String] {
        var read = labels.tokens
        return words.map { ExactString($0) }.sorted().map(\.text).filter {
            read.insert(tokenizer.tokens(of: $0)).inserted
        }
    }
}

extension [Noun] {
    /// The names of those that no candidate has.
    fileprivate func strangers(to candidates: [Candidate]) -> [String] {
        let known = Set(candidates.flatMap(\.lemmas))
        return filter { noun in
            !([noun.name, noun.words] + noun.kinds).contains { known.contains(ExactString(Nouns.lemma(of: $0))) }
        }.map(\.name)
    }
}

/// The nouns of a caption by their names.
private struct CaptionNames {
    private var nouns: [ExactString: Noun] = [:]

    init(_ nouns: [Noun]) {
        for noun in nouns.reversed() {
            for name in [noun.name, noun.words] + noun.kinds { self.nouns[ExactString(Nouns.lemma(of: name))] = noun }
        }
    }

    /// The noun that is one of a candidate's names.
    func noun(naming candidate: Candidate) -> String? {
        guard !nouns.isEmpty else { return nil }
        return candidate.lemmas.lazy.compactMap { nouns[$0]?.words }.first
    }
}

/// The least values of a filter's parts.
private struct Limits {
    let filter: Filter
    let threshold, lower, least: Float

    init(_ filter: Filter, _ model: PatchConfiguration) {
        self.filter = filter
        threshold = filter.patches?.threshold.value(model.threshold) ?? 0
        lower = min(filter.patches?.lower?.value(model.lower) ?? threshold, threshold)
        least = filter.patches?.least.value(model.least) ?? 0
    }
}

/// What was measured of a candidate; `nil`: its part is off, or has nothing to measure.
private struct Measured {
    /// The noun that names it.
    let noun: String?
    var caption: (cosine: Float, noun: String)?
    var picture: Float?
    var patches: Float?

    init(noun: String?) { self.noun = noun }

    func criteria(_ limits: Limits) -> [Criterion] {
        var criteria: [Criterion] = []
        if let caption, let part = limits.filter.caption {
            criteria.append(
                Criterion(part: .caption, value: caption.cosine, limit: part.cosine, noun: caption.noun))
        }
        if let picture, let part = limits.filter.picture {
            criteria.append(Criterion(part: .picture, value: picture, limit: part.share, noun: nil))
        }
        if limits.filter.synonyms != nil {
            criteria.append(Criterion(part: .synonyms, value: noun == nil ? 0 : 1, limit: 1, noun: noun))
        }
        if let patches {
            let noun = limits.lower < limits.threshold ? noun : nil
            criteria.append(
                Criterion(
                    part: .patches, value: patches, limit: noun == nil ? limits.threshold : limits.lower, noun: noun))
        }
        return criteria
    }

    func verdict(_ candidate: Int, _ limits: Limits, isLast: Bool) -> Verdict {
        var criteria = criteria(limits)
        if isLast, let patches {
            criteria.append(Criterion(part: .least, value: patches, limit: limits.least, noun: nil))
        }
        return Verdict(
            candidate: candidate, kept: criteria.contains(where: \.held),
            score: patches ?? picture ?? caption?.cosine ?? (noun == nil ? 0 : 1), criteria: criteria)
    }
}

package import RPC
package import Segmentation

// Converts between the wire's vocabularies and choices and the method's.

extension Segmentation.Vocabulary {
    /// - Throws: why one is refused whatever the model
    init(_ message: RPC.Vocabulary) throws(SegmentationError) {
        try self.init(
            candidates: message.candidates.map(Segmentation.Candidate.init), background: message.background,
            filter: FilterChoice(named: message.filter, settings: message.settings))
    }
}

extension DescriptionRequest {
    /// The request of a message.
    ///
    /// - Throws: `invalidArgument` for one that is illegal whatever the model
    package init(_ message: DescribeRequest) throws(RPCStatus) {
        let picture = try PictureSource(message.picture)
        do throws(SegmentationError) {
            var vocabulary: Segmentation.Vocabulary?
            if let message = message.vocabulary { vocabulary = try Segmentation.Vocabulary(message) }
            self.init(picture: picture, vocabulary: vocabulary, model: message.model)
        } catch {
            throw RPCStatus(error)
        }
    }
}

extension DescribeReply {
    package init(_ part: DescriptionPart) {
        switch part {
        case .description(let description):
            self = .description(
                Description(
                    handle: description.picture.handle, width: UInt32(description.picture.width),
                    height: UInt32(description.picture.height), caption: description.caption ?? "",
                    nouns: description.nouns.map(RPC.Noun.init),
                    captioner: description.captioner.map(RPC.Network.init),
                    filter: description.filter.map(RPC.Network.init)))
        case .choice(let choice): self = .choice(RPC.Choice(choice))
        }
    }
}

extension Segmentation.Candidate {
    init(_ message: RPC.Candidate) {
        self.init(
            label: Label(name: message.name, phrases: message.phrases.map(Segmentation.Phrase.init)),
            synonyms: message.synonyms)
    }
}

extension RPC.Network {
    init(_ network: NetworkIdentity) {
        self.init(name: network.name, hash: network.hash)
    }
}

extension RPC.Noun {
    init(_ noun: Segmentation.Noun) {
        self.init(name: noun.name, words: noun.words)
    }
}

extension RPC.Choice {
    init(_ choice: Segmentation.Choice) {
        self.init(
            filter: choice.filter?.name ?? FilterChoice.noneName, settings: choice.filter?.settings ?? [],
            caption: choice.caption ?? "", nouns: choice.nouns.map(RPC.Noun.init),
            verdicts: choice.outcomes.map(RPC.Verdict.init), vocabularyHash: choice.vocabularyHash)
    }
}

extension RPC.Verdict {
    init(_ outcome: Segmentation.Choice.Outcome) {
        self.init(
            name: outcome.label.name, kept: outcome.verdict.kept, score: outcome.verdict.score,
            criteria: outcome.verdict.criteria.map(RPC.Criterion.init), alike: outcome.alike ?? "")
    }
}

extension RPC.Criterion {
    init(_ criterion: Segmentation.Criterion) {
        self.init(
            part: criterion.part.rawValue, value: criterion.value, limit: criterion.limit, held: criterion.held,
            noun: criterion.noun ?? "")
    }
}

import Networks

/// A request to say what is in a picture.
package struct DescriptionRequest: Sendable {
    package let picture: PictureSource
    /// `nil`: what the caption names.
    package let vocabulary: Vocabulary?
    /// Name or hash of the model; empty: the one that is loaded.
    package let model: String

    package init(picture: PictureSource, vocabulary: Vocabulary?, model: String) {
        self.picture = picture
        self.vocabulary = vocabulary
        self.model = model
    }
}

/// What a picture shows.
package struct PictureDescription: Sendable {
    package let picture: LookedAt
    /// `nil` where no captioner is loaded.
    package let caption: String?
    /// What the caption names.
    package let nouns: [Noun]
    /// The networks that are loaded beside the model.
    package let captioner: NetworkIdentity?
    package let filter: NetworkIdentity?
}

/// A part of a description: first what the captioner says, then what the filter keeps.
package enum DescriptionPart: Sendable {
    case description(PictureDescription)
    case choice(Choice)
}

/// A description that is computed part by part, on its segmenter's thread.
package final class Describing {
    private let segmenter: Segmenter
    private let picture: AskedPicture
    private let cancellation: Cancellation
    private var search: LabelSearch
    private var stage = Stage.captioning

    private enum Stage {
        case captioning, choosing, over
    }

    init(_ segmenter: Segmenter, _ search: LabelSearch, _ picture: AskedPicture, cancellation: Cancellation) {
        self.segmenter = segmenter
        self.search = search
        self.picture = picture
        self.cancellation = cancellation
    }

    /// Computes the next part; `nil` after the last.
    package func next() throws(SegmentationError) -> DescriptionPart? {
        try segmenter.check(cancellation)
        cancellation.stage = AnswerStage.words.rawValue
        switch stage {
        case .captioning:
            stage = .choosing
            let caption = try segmenter.describe(&search, picture, cancellation: cancellation)
            return .description(
                PictureDescription(
                    picture: picture.picture.looked, caption: caption?.text, nouns: caption?.nouns ?? [],
                    captioner: segmenter.captioner.map { NetworkIdentity($0.blip) },
                    filter: segmenter.filter.map { NetworkIdentity($0.clip) }))
        case .choosing:
            stage = .over
            try segmenter.advance(&search, picture, atMost: nil, cancellation: cancellation)
            return search.choice.map(DescriptionPart.choice)
        case .over: return nil
        }
    }
}

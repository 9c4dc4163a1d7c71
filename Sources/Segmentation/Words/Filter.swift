package import Networks
import Texts

/// How candidates are told to be in a picture, as a value: the parts by which a label stays. It stays where one of them
/// holds.
package struct Filter: Sendable, Hashable {
    /// As requests name it.
    package let name: String
    package internal(set) var caption: CaptionPart?
    package internal(set) var picture: PicturePart?
    package internal(set) var synonyms: SynonymPart?
    package internal(set) var patches: PatchPart?

    /// A noun of the caption is near the label: the cosine of their texts.
    package struct CaptionPart: Sendable, Hashable {
        /// The least cosine.
        package var cosine: Float
        /// Of nouns and labels.
        package let templates: [PromptTemplate]
    }

    /// The whole picture is near the label.
    package struct PicturePart: Sendable, Hashable {
        /// The least cosine, as a share of the best label's.
        package var share: Float
        package let templates: [PromptTemplate]
    }

    /// A noun of the caption is the label, one of its phrases or one of its synonyms.
    package struct SynonymPart: Sendable, Hashable {}

    /// A place of the picture is near the label: in each patch the label shares a softmax with the other labels and
    /// with words for what is around them; its score is the best mean over 3 x 3 patches.
    package struct PatchPart: Sendable, Hashable {
        package var states: Choice<PatchConfiguration.States>
        /// The least score.
        package var threshold: Choice<Float>
        /// The least score where the caption names the label as ``SynonymPart`` says; `nil`: captions count nothing.
        package var lower: Choice<Float>?
        /// The least score of the best label where no label stays otherwise; 0: it always stays.
        package var least: Choice<Float>
        package let templates: [PromptTemplate]
        /// Of words for what is around labels.
        package let surroundings: [PromptTemplate]

        /// The part as it is measured for each CLIP.
        static let ofModel = PatchPart(
            states: .ofModel, threshold: .ofModel, lower: .ofModel, least: .ofModel, templates: .pictures,
            surroundings: [.plain, PromptTemplate(before: "a photo of ", after: "")])
    }

    /// A parameter that the CLIP's ``PatchConfiguration`` decides unless a request sets it.
    package enum Choice<Value: Sendable & Hashable>: Sendable, Hashable {
        case ofModel
        case set(Value)

        func value(_ model: Value) -> Value {
            switch self {
            case .ofModel: model
            case .set(let value): value
            }
        }
    }

    /// Whether any part holds for any label.
    var hasParts: Bool { caption != nil || picture != nil || synonyms != nil || patches != nil }

    /// Whether a caption changes what stays.
    package var readsCaption: Bool { caption != nil || synonyms != nil || patches?.lower != nil }

    /// Whether some of its parts measure nothing without a caption.
    var needsCaption: Bool { caption != nil || synonyms != nil }
}

extension Filter {
    package static let all = [best, published]

    /// Patches, and captions where they agree.
    package static let best = Filter(
        name: "best", caption: nil, picture: nil, synonyms: nil, patches: .ofModel)

    /// The filter of DiffSegmenter, by its authors' words (VCG-team/DiffSegmenter, issue 2). That 0.97 is a share of
    /// the best label's cosine is inferred from their lists, which are never empty.
    package static let published = Filter(
        name: "published", caption: CaptionPart(cosine: 0.8, templates: [.plain]),
        picture: PicturePart(share: 0.97, templates: .pictures), synonyms: SynonymPart(), patches: nil)

    /// - Parameters:
    ///   - name: of a filter; "" means `best`
    ///   - settings: `key=value` each, see ``parameters``
    /// - Throws: `filter` and `setting`
    package init(named name: String, settings: [String] = []) throws(SegmentationError) {
        let sought = ExactString(name.isEmpty ? Self.best.name : name)
        guard let filter = Self.all.first(where: { ExactString($0.name) == sought }) else {
            throw .filter(.unknown(name, known: Self.all.map(\.name)))
        }
        self = try filter.with(settings)
        guard hasParts else { throw .filter(.noParts(name: filter.name)) }
    }
}

extension PromptTemplate {
    /// The words alone.
    static let plain = PromptTemplate(before: "", after: "")
}

extension [PromptTemplate] {
    /// Texts that lie near pictures of a label.
    static let pictures = [
        .plain, PromptTemplate(before: "a photo of a ", after: ""),
        PromptTemplate(before: "a photograph of a ", after: ""),
    ]
}

/// Why a filter is refused.
package enum FilterError: Error, Equatable {
    case unknown(String, known: [String])
    case noParts(name: String)
    /// A setting where no filter is asked for.
    case settingOfNone(String)
}

extension FilterError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknown(let name, let known):
            "unknown filter \(quoted(name)): use one of \(known.joined(separator: ", "))"
        case .settingOfNone(let setting):
            "\(quoted(setting)) is set, and no filter is asked for: leave it out"
        case .noParts(let name):
            "filter \(name) with all its parts off keeps no label: leave one on, or ask without a filter"
        }
    }
}

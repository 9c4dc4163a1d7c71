import Networks

/// What stands for the value that the CLIP's own file decides.
private let ofModel = "model"
/// What stands for the value of a parameter of patches where these are off.
private let none = "none"

extension Filter: Settable {
    package static let parameters = [
        captionSetting, pictureSetting, synonymsSetting, patchesSetting, thresholdSetting, lowerSetting, leastSetting,
    ]

    private static let captionSetting = Setting<Filter>(
        key: "caption", meaning: "the least cosine of a label's text to that of a noun of the caption",
        legal: "a number from -1 to 1, or off",
        read: { $0.caption.map { "\($0.cosine)" } ?? off },
        write: { text, filter in
            guard text != off else { return set(&filter.caption, nil) }
            return number(text, in: -1...1).map {
                set(&filter.caption, CaptionPart(cosine: $0, templates: [.plain]))
            } ?? false
        })

    private static let pictureSetting = Setting<Filter>(
        key: "picture", meaning: "the least cosine of a label's text to the picture, as a share of the best label's",
        legal: "a number from 0 to 1, or off",
        read: { $0.picture.map { "\($0.share)" } ?? off },
        write: { text, filter in
            guard text != off else { return set(&filter.picture, nil) }
            return number(text, in: 0...1).map {
                set(&filter.picture, PicturePart(share: $0, templates: .pictures))
            } ?? false
        })

    private static let synonymsSetting = Setting<Filter>(
        key: "synonyms", meaning: "whether a label stays that a noun of the caption names, or a synonym of it",
        legal: "on or off",
        read: { $0.synonyms == nil ? off : on },
        write: { text, filter in
            switch text {
            case on: set(&filter.synonyms, SynonymPart())
            case off: set(&filter.synonyms, nil)
            default: false
            }
        })

    private static let patchesSetting = Setting<Filter>(
        key: "patches", meaning: "what is compared with labels in each patch of the picture",
        legal: PatchConfiguration.States.allCases.map(\.rawValue).joined(separator: ", ")
            + ", model (as its filter.json says), or off",
        read: { $0.patches.map { name($0.states) { $0.rawValue } } ?? off },
        write: { text, filter in
            guard text != off else { return set(&filter.patches, nil) }
            return choice(text, PatchConfiguration.States.init(rawValue:)).map { states in
                var part = filter.patches ?? .ofModel
                part.states = states
                return set(&filter.patches, part)
            } ?? false
        })

    private static let thresholdSetting = Setting<Filter>(
        key: "threshold", meaning: "the least score, in 0 to 1, of a label's best place",
        legal: "a number from 0 to 1, or model; none where patches are off",
        read: { $0.patches.map { name($0.threshold) } ?? none },
        write: { text, filter in
            guard var part = filter.patches else { return text == none }
            guard let threshold = share(text) else { return false }
            part.threshold = threshold
            return set(&filter.patches, part)
        })

    private static let lowerSetting = Setting<Filter>(
        key: "lower", meaning: "the least score of the best place of a label that the caption names",
        legal: "a number from 0 to 1, model, or off: captions count nothing; none where patches are off",
        read: { $0.patches.map { $0.lower.map { name($0) } ?? off } ?? none },
        write: { text, filter in
            guard var part = filter.patches else { return text == none }
            part.lower = text == off ? nil : share(text)
            guard text == off || part.lower != nil else { return false }
            return set(&filter.patches, part)
        })

    private static let leastSetting = Setting<Filter>(
        key: "least", meaning: "the least score of the best label, which stays where no label does otherwise",
        legal: "a number from 0, where it always stays, to 1, or model; none where patches are off",
        read: { $0.patches.map { name($0.least) } ?? none },
        write: { text, filter in
            guard var part = filter.patches else { return text == none }
            guard let least = share(text) else { return false }
            part.least = least
            return set(&filter.patches, part)
        })

    private static func share(_ text: Substring) -> Choice<Float>? {
        choice(text) { number($0[...], in: 0...1) }
    }

    private static func choice<Value>(_ text: Substring, _ value: (String) -> Value?) -> Choice<Value>? {
        text == ofModel ? .ofModel : value(String(text)).map { .set($0) }
    }

    private static func name(_ choice: Choice<Float>) -> String { name(choice) { "\($0)" } }

    private static func name<Value>(_ choice: Choice<Value>, _ text: (Value) -> String) -> String {
        switch choice {
        case .ofModel: ofModel
        case .set(let value): text(value)
        }
    }
}

import RPC

/// What a figure shows, and which recipes it compares where none are named.
package enum FigureKind: String, CaseIterable, Sendable, Codable {
    /// The cross-attention of each layer (DiffSegmenter, Fig. 3).
    case layers
    /// How a label's map comes about, from the attention to the mask.
    case stages
    /// Masks of recipes beside each other (DiffSegmenter, Fig. 5).
    case recipes
    /// CLIP's dense scores beside a recipe's (DiffSegmenter, Fig. 1 and 4).
    case clip

    /// Recipes that are always asked, before those that are named.
    var fixed: [WrittenRecipe] { self == .clip ? [.clip] : [] }

    /// Those of a run that names none.
    var usual: [WrittenRecipe] {
        switch self {
        case .layers, .stages: [.diffsegmenter]
        case .recipes: [.diffsegmenter, .shared, .best]
        case .clip: [.best]
        }
    }

    /// What it shows of the computation.
    var probes: [Probe] {
        switch self {
        case .layers: [.layers]
        case .stages: [.stages]
        case .recipes, .clip: []
        }
    }

    /// Whether it shows several pictures, and recipes, at a time.
    var compares: Bool { self == .recipes }

    /// Whether it shows scores at the picture's size.
    var showsScores: Bool { self == .stages || self == .clip }
}

/// A recipe as `--recipe` names it: `NAME`, or `NAME,key=value,...`.
struct WrittenRecipe: Sendable, Equatable {
    let text: String
    let name: String
    /// `key=value` each.
    let settings: [String]

    /// - Throws: ``FigureError/recipe(_:)`` for no name, or a part before the first setting that is none
    init(_ text: String) throws(FigureError) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        var settings: [String] = []
        for part in parts.dropFirst() {
            // A value may be numbers with commas between them.
            if part.utf8.contains(UInt8(ascii: "=")) {
                settings.append(part)
            } else if let last = settings.popLast() {
                settings.append("\(last),\(part)")
            } else {
                throw .recipe(text)
            }
        }
        guard let name = parts.first, !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else { throw .recipe(text) }
        self.init(text: text, name: name, settings: settings)
    }

    private init(text: String, name: String, settings: [String]) {
        self.text = text
        self.name = name
        self.settings = settings
    }

    private init(named name: String) { self.init(text: name, name: name, settings: []) }

    fileprivate static let diffsegmenter = WrittenRecipe(named: "diffsegmenter")
    fileprivate static let shared = WrittenRecipe(named: "shared")
    fileprivate static let best = WrittenRecipe(named: "best")
    /// CLIPer's seeds as they are, without the self-attention that completes them: CLIP's scores of each patch.
    fileprivate static let clip = WrittenRecipe(text: "cliper,rounds=0", name: "cliper", settings: ["rounds=0"])
}

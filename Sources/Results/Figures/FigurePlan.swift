import Images
import RPC

/// What a figure shows, of which pictures and by which recipes, decided and checked before any work is done.
struct FigurePlan: Sendable {
    /// Pixels of a panel's longer side.
    static let panels = 32...1024

    let kind: FigureKind
    /// Their paths as given; "-" is standard input.
    let pictures: [String]
    let words: WordList
    /// At least one, those of the kind first.
    let recipes: [WrittenRecipe]
    let panel: Int
    let seed: UInt32
    let threshold: Float?

    /// - Parameter recipes: those that were named
    /// - Throws: ``FigureError``
    init(
        _ kind: FigureKind, pictures: [String], words: WordList, recipes: [WrittenRecipe], panel: Int, seed: UInt32,
        threshold: Float?
    ) throws(FigureError) {
        guard kind.compares || pictures.count == 1 else { throw .severalPictures(kind, pictures.count) }
        guard kind.compares || recipes.count < 2 else { throw .severalRecipes(kind, recipes.count) }
        guard case .labels = words.sought else { throw .noLabels }
        self.kind = kind
        self.pictures = pictures
        self.words = words
        self.recipes = kind.fixed + (recipes.isEmpty ? kind.usual : recipes)
        self.panel = panel
        self.seed = seed
        self.threshold = threshold
    }

    /// Those of ``recipes`` that another run of the kind may name differently.
    var named: [WrittenRecipe] { Array(recipes.dropFirst(kind.fixed.count)) }

    /// Pixels of the page a pixel of the font: letters grow with panels of twice the usual size.
    var scale: Int { max(1, (panel + 128) / 256) }

    /// Asks for the maps that are shown, and for score maps in any case: the answer's hash is of them. Scores at the
    /// picture's size come as the 256 colours that they are drawn in.
    func request(_ picture: [UInt8], _ recipe: WrittenRecipe) -> SegmentRequest {
        SegmentRequest(
            picture: .image(picture), labels: words.labels, recipe: recipe.name, seed: seed, threshold: threshold,
            maps: kind.showsScores ? .sized : .latent, encoding: kind.showsScores ? .u8 : .f16, mask: true,
            settings: recipe.settings, probes: kind.probes)
    }
}

/// Where a figure goes.
enum FigurePlace: Sendable, Equatable {
    case standardOutput
    case file(String)

    /// - Parameters:
    ///   - output: of `-o`
    ///   - pictures: at least one
    /// - Throws: ``PlanError`` where a file would be written to a terminal, or over a picture
    init(
        _ output: String?, of kind: FigureKind, pictures: [String], standardOutputIsTerminal: Bool
    ) throws(PlanError) {
        let first = pictures[0]
        if output == "-" {
            self = .standardOutput
            return
        }
        let isStream = InputFile.isStream(first)
        if output == nil, isStream {
            if standardOutputIsTerminal { throw .bytesForTerminal }
            self = .standardOutput
            return
        }
        let (beside, name) = isStream && InputFile.isNameless(first) ? ("", "stdin") : PathText.split(first)
        let path =
            if let output, FileStatus(output)?.isFolder != true, output.utf8.last != UInt8(ascii: "/") {
                output
            } else {
                PathText.joined(output ?? beside, "\(withoutExtension(name)).\(kind.rawValue).figure.png")
            }
        if let status = FileStatus(path),
            let picture = pictures.first(where: { FileStatus($0).map(status.isSame) ?? false })
        {
            throw .picturesPlace(path, picture: picture)
        }
        self = .file(path)
    }
}

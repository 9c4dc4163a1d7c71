import Limits
import Images
import RPC

/// Why a figure cannot be drawn, and what to type instead.
package enum FigureError: ReasonedError, Equatable, CustomStringConvertible {
    /// The text of `--recipe` is none.
    case recipe(String)
    case severalPictures(FigureKind, Int)
    case severalRecipes(FigureKind, Int)
    /// No labels were typed, or a vocabulary.
    case noLabels
    /// The recipe has no maps of the kind.
    case nothingToShow(FigureKind, recipe: String)
    /// The page's size.
    case tooLarge(width: Int, height: Int)

    package var description: String {
        switch self {
        case .recipe(let text):
            "--recipe \(Streams.excerpt(text)) is no recipe: type NAME or NAME,key=value, as dseg recipes lists them"
        case .severalPictures(let kind, let count):
            "a figure of \(kind.rawValue) shows one picture, and \(count) were given: leave the others out, or type "
                + "dseg figure recipes for several"
        case .severalRecipes(let kind, let count):
            "a figure of \(kind.rawValue) shows one recipe, and --recipe is there \(count) times: leave the others "
                + "out, or type dseg figure recipes for several"
        case .noLabels:
            "a figure shows labels that are typed, and neither what a caption names nor what of a vocabulary is there: "
                + "type words, such as \"cat, tree\""
        case .nothingToShow(let kind, let recipe):
            "the recipe \(Streams.excerpt(recipe)) has no \(kind.rawValue) of cross-attention to show: type another, "
                + "such as --recipe diffsegmenter"
        case .tooLarge(let width, let height):
            "the figure would have \(width) x \(height) pixels, over the limit of \(Limit.pixels): ask for fewer "
                + "labels, or type a smaller --panel"
        }
    }

    package var exitReason: ExitReason {
        switch self {
        case .recipe, .severalPictures, .severalRecipes, .noLabels, .nothingToShow, .tooLarge: .usage
        }
    }
}

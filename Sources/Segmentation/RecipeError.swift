/// Why a request does not fit its recipe, or a recipe its model.
package enum RecipeError: Error, Equatable {
    case tooManyForSoftmax(phrases: Int, limit: Int)
    case unknownRecipe(String, known: [String])
    case noWeights(recipe: String, resolutions: Int)
    /// The U-Net has no self-attention at a level that the recipe captures; level 0 has the latent's size.
    case noSelfAttention(recipe: String, level: Int)
    case unneededForwardPrompt(recipe: String)
    /// A prompt other than the one that the recipe makes of the labels.
    case builtPrompt(recipe: String, prompt: String)
    /// A prompt or a weight for a recipe whose labels are scored by a CLIP, without prompts.
    case noPrompts(recipe: String, words: String)
    /// More tokens than the text encoder reads in the one prompt that lists all phrases.
    case tooManyForPrompt(phrases: Int, tokens: Int, limit: Int)
    /// The U-Net has no cross-attention at a level of which the recipe counts some layers.
    case noCrossAttention(recipe: String, level: Int)
    /// One softmax for all labels, whose queries differ: each label has a pass of its own.
    case jointSoftmax(recipe: String, fitting: [String])
    /// A probe of what the recipe does not have.
    case unprobed(recipe: String, what: String)
}

extension RecipeError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooManyForSoftmax(let phrases, let limit):
            "\(phrases) phrases with softmax=joint, whose limit is \(limit): ask for fewer, or with softmax=own"
        case .unknownRecipe(let name, let known):
            "unknown recipe \(quoted(name)): use one of \(known.joined(separator: ", "))"
        case .noWeights(let recipe, let resolutions):
            "recipe \(recipe) has no weights for a U-Net with attention at \(resolutions) resolutions"
        case .noSelfAttention(let recipe, let level):
            "recipe \(recipe) captures self-attention at level \(level) of the U-Net, where this model has no layer of "
                + "that kind"
        case .unneededForwardPrompt(let recipe):
            "recipe \(recipe) runs each label's own prompt: leave the forward prompt out"
        case .builtPrompt(let recipe, let prompt):
            "recipe \(recipe) makes one prompt of all labels, \(quoted(prompt)): leave other prompts out"
        case .noPrompts(let recipe, let words):
            "recipe \(recipe) scores labels by CLIP, without prompts: leave the prompt or the weight of "
                + "\(quoted(words)) out"
        case .tooManyForPrompt(let phrases, let tokens, let limit):
            "\(phrases) phrases in one prompt take \(tokens) tokens, the text encoder reads \(limit): ask in parts"
        case .noCrossAttention(let recipe, let level):
            "recipe \(recipe) reads cross-attention at level \(level) of the U-Net, where this model has no layer of "
                + "those that count"
        case .jointSoftmax(let recipe, let fitting):
            "softmax=joint needs one pass for all labels and a prompt for each, as recipe \(recipe) has not: "
                + "use \(fitting.joined(separator: " or "))"
        case .unprobed(let recipe, let what):
            "recipe \(recipe) has no \(what) to show: probe another recipe"
        }
    }
}

/// The beginning of what a caller wrote, in quotes: enough to know it again.
func quoted(_ text: String) -> String {
    let kept = String(text.unicodeScalars.prefix(100))
    return kept.utf8.count == text.utf8.count ? "\"\(text)\"" : "\"\(kept)…\""
}

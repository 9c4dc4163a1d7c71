package import Images
package import Networks

/// Why a request is refused or was ended.
package enum SegmentationError: Error {
    case recipe(RecipeError)
    case setting(SettingError)
    case filter(FilterError)
    case image(ImageError)
    case noLabels
    case labelsAndVocabulary(labels: Int)
    /// What the request needs a captioner, or a filter, for, where none is loaded.
    case noCaptioner(need: String)
    case noFilter(need: String)
    case tooMany(what: String, count: Int, limit: Int)
    case tooManyForMask(labels: Int, limit: Int)
    case emptyName(label: Int)
    case repeatedName(String)
    /// Two labels with the same tokens at the same positions of the same prompts.
    case alike(String, String)
    case tooLong(what: String, bytes: Int, limit: Int)
    case tooManyMarks(what: String, limit: Int)
    case noTokens(words: String)
    case notInPrompt(words: String, prompt: String)
    case cutOff(words: String, prompt: String, positions: Int)
    case weight(Float, label: String)
    case threshold(Float)
    case timestep(Int, limit: Int)
    /// Sides of a grid that are no multiples of what the model halves.
    case gridSides(width: Int, height: Int, multiple: Int)
    case gridTooLarge(width: Int, height: Int, limit: Int)
    /// Bytes of memory for a pass, and how many there are.
    case memory(Grid, bytes: Int, left: Int)
    case mapSize(width: Int, height: Int, limit: Int)
    case noPixel(x: Int, y: Int, width: Int, height: Int)
    case unknownModel(String, reason: String)
    case notLoaded(LoadFailure)
    case unknownPicture(handle: String)
    case queueFull(limit: Int, QueuePlace)
    /// The job was removed from a full queue for a caller with fewer jobs in it.
    case displaced(limit: Int, QueuePlace)
    case stopping
    case cancelled
    case deadlineExceeded

    init(_ interruption: Interruption) {
        self =
            switch interruption {
            case .cancelled: .cancelled
            case .deadlineExceeded: .deadlineExceeded
            }
    }
}

extension SegmentationError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .image(let error): "\(error)"
        case .noLabels: "no labels: name at least one thing to look for"
        case .labelsAndVocabulary(let labels):
            "\(labels) labels beside a vocabulary: ask for labels, or make them candidates of the vocabulary"
        case .noCaptioner(let need):
            "\(need) needs a captioner, and none is loaded: add the model with --captioner DIR, the folder of a BLIP, "
                + "or start dsegd serve with it"
        case .noFilter(let need):
            "\(need) needs a filter, and none is loaded: add the model with --filter DIR, the folder of a CLIP, or "
                + "start dsegd serve with it, or ask with the filter none"
        case .tooMany(let what, let count, let limit): "\(count) \(what), the limit is \(limit): ask in parts"
        case .tooManyForMask(let labels, let limit):
            "\(labels) labels with an index mask, whose limit is \(limit): ask without the mask, or for fewer"
        case .emptyName(let label): "label \(label + 1) has no name"
        case .repeatedName(let name): "two labels are called \(quoted(name)): give them different names"
        case .alike(let one, let other):
            "the labels \(quoted(one)) and \(quoted(other)) are alike: the model reads the same words in both, "
                + "whatever their case, accents' spelling and spaces; leave one out, or say it with other words"
        case .tooLong(let what, let bytes, let limit):
            "\(what) of \(bytes) bytes, the limit is \(limit): shorten it"
        case .tooManyMarks(let what, let limit):
            "\(what) has over \(limit) combining marks in a row: leave some out"
        case .noTokens(let words): "\(quoted(words)) has no token of the model's vocabulary: use letters or digits"
        case .notInPrompt(let words, let prompt):
            "the prompt \(quoted(prompt)) does not contain the words \(quoted(words)): write them as they stand in it"
        case .cutOff(let words, let prompt, let positions):
            "\(quoted(words)) lies beyond the \(positions) positions that the text encoder reads of \(quoted(prompt)): "
                + "shorten the prompt"
        case .weight(let weight, let label):
            "the words of label \(quoted(label)) have weight \(weight), which is not in "
                + "\(Phrase.weights.lowerBound)...\(Phrase.weights.upperBound)"
        case .threshold(let value): "threshold \(value) is not in 0...1"
        case .timestep(let value, let limit): "timestep \(value), the model was trained with 0..<\(limit)"
        case .gridSides(let width, let height, let multiple):
            "a grid of \(width) x \(height) pixels: this model reads sides that are multiples of \(multiple)"
        case .gridTooLarge(let width, let height, let limit):
            "a grid of \(width) x \(height) pixels, the limit is \(limit) pixels: ask for a smaller grid or less detail"
        case .memory(let grid, let bytes, let left):
            "reading the picture at \(grid.width) x \(grid.height) pixels needs \(bytes >> 20) MiB of memory, "
                + "\(left >> 20) MiB are left: ask for a smaller grid or less detail"
        case .mapSize(let width, let height, let limit):
            "score maps of \(width) x \(height) pixels: both sides must be positive, and at most \(limit) pixels "
                + "in all"
        case .noPixel(let x, let y, let width, let height):
            "no pixel (\(x), \(y)) in a picture of \(width) x \(height): x is 0...\(width - 1), y 0...\(height - 1)"
        case .unknownModel(let name, let reason): "unknown model \(quoted(name)): \(reason)"
        case .notLoaded(let failure): "\(failure)"
        case .unknownPicture(let handle):
            "no picture of yours is known as \(quoted(handle)), or not as this recipe reads it: bring it by Look with "
                + "the question's recipe and settings, or send it with the question"
        case .queueFull(let limit, _): "\(limit) questions are waiting already: try again later"
        case .displaced(let limit, _):
            "\(limit) questions are waiting, nobody has more of them than you, and another caller came: "
                + "ask fewer at a time"
        case .stopping: "the daemon is stopping: try again when it is back"
        case .cancelled: "cancelled"
        case .deadlineExceeded: "the deadline passed before the answer was ready"
        case .recipe(let error): "\(error)"
        case .setting(let error): "\(error)"
        case .filter(let error): "\(error)"
        }
    }
}

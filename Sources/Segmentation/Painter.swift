import Kernels

/// Turns latent-grid score maps into what was asked for, group by group of labels.
struct Painter {
    private let understanding: Understanding
    private let maps: MapSize
    /// To the picture's size, where a mask is wanted.
    private let canvas: Enlargement?
    /// To the size of the score maps that are wanted.
    private let enlargement: Enlargement?
    private var best: [Float]
    private var index: [UInt8]
    private var digest = SHA256()

    init(_ understanding: Understanding, _ request: SegmentationRequest, _ fusion: AttentionFusion) {
        self.understanding = understanding
        maps = request.maps
        let picture = understanding.picture
        canvas = request.wantsMask ? fusion.enlargement(width: picture.width, height: picture.height) : nil
        enlargement = switch request.maps {
        case .none, .latent: nil
        case .picture: canvas ?? fusion.enlargement(width: picture.width, height: picture.height)
        case .sized(let width, let height): fusion.enlargement(width: width, height: height)
        }
        best = [Float](repeating: request.threshold, count: canvas?.pixels ?? 0)
        index = [UInt8](repeating: 0, count: canvas?.pixels ?? 0)
    }

    /// Of all maps so far.
    var hash: String { digest.hexadecimal }

    /// Takes the maps of the next labels.
    ///
    /// - Parameter label: of the first
    mutating func add(_ scores: [[Float]], from label: Int, _ arena: inout Arena) {
        for map in scores { unsafe map.withUnsafeBytes { unsafe digest.update($0) } }
        canvas?.paint(scores, from: label + 1, best: &best, index: &index, &arena)
    }

    /// A label's map in the size asked for; `nil` where none is.
    func finished(_ scores: [Float], label: Int, _ arena: inout Arena) -> LabelScores? {
        if let enlargement {
            return LabelScores(
                label: label, width: enlargement.columns.first.count, height: enlargement.rows.first.count,
                scores: enlargement.enlarged(scores, &arena))
        }
        guard case .latent = maps else { return nil }
        let side = understanding.latentSide
        return LabelScores(label: label, width: side, height: side, scores: scores)
    }

    /// The index mask of all labels, if it was asked for.
    func mask() -> LabelMask? {
        guard canvas != nil else { return nil }
        let counts = ScoreKernels.counts(index).prefix(understanding.labels.count + 1)
        return LabelMask(
            width: understanding.picture.width, height: understanding.picture.height, indices: index,
            counts: Array(counts))
    }
}

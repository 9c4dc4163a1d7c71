import Kernels

/// Turns latent-grid score maps into what was asked for, label by label.
struct Painter {
    private let understanding: Understanding
    private let maps: MapSize
    private let wantsMask: Bool
    private var best: [Float]
    private var index: [UInt8]
    private var digest = SHA256()

    init(_ understanding: Understanding, _ request: SegmentationRequest) {
        self.understanding = understanding
        maps = request.maps
        wantsMask = request.wantsMask
        let pixels = request.wantsMask ? understanding.picture.width * understanding.picture.height : 0
        best = [Float](repeating: request.threshold, count: pixels)
        index = [UInt8](repeating: 0, count: pixels)
    }

    /// Of all maps so far.
    var hash: String { digest.hexadecimal }

    /// Takes a label's map; returns it in the size asked for.
    mutating func add(_ scores: [Float], label: Int) -> LabelScores? {
        unsafe scores.withUnsafeBytes { unsafe digest.update($0) }
        let picture = understanding.picture
        let side = understanding.latentSide
        let full = wantsMask || maps == .picture
            ? normalized(scores, width: picture.width, height: picture.height) : []
        if wantsMask {
            ScoreKernels.claim(full, label: UInt8(label + 1), best: &best, index: &index)
        }
        return switch maps {
        case .none: nil
        case .latent: LabelScores(label: label, width: side, height: side, scores: scores)
        case .picture: LabelScores(label: label, width: picture.width, height: picture.height, scores: full)
        case .sized(let width, let height):
            LabelScores(
                label: label, width: width, height: height,
                scores: normalized(scores, width: width, height: height))
        }
    }

    /// The index mask of all labels, if it was asked for.
    func mask() -> LabelMask? {
        guard wantsMask else { return nil }
        let counts = ScoreKernels.counts(index).prefix(understanding.labels.count + 1)
        return LabelMask(
            width: understanding.picture.width, height: understanding.picture.height, indices: index,
            counts: Array(counts))
    }

    /// Bilinear to a size, then min-max.
    private func normalized(_ scores: [Float], width: Int, height: Int) -> [Float] {
        let side = understanding.latentSide
        var map = AttentionFusion.resize(scores, width: side, height: side, toWidth: width, height: height)
        ScoreKernels.minMax(&map)
        return map
    }
}

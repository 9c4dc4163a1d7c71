import Images
import Kernels
import Networks

/// Enlarges latent-grid score maps to the requested size and paints the index mask from them, along the picture's edges
/// where the recipe says so.
///
/// Add the parts of an answer in their order, and take events: each is computed when it is taken.
package struct Painter: Sendable {
    private enum Next {
        case header(Understanding)
        case scores([Float], label: Int)
        case mask
        case probed(ProbedMap)
        case report(Report)
    }

    private let maps: MapRequest
    private let wantsMask: Bool
    private let threshold: Float
    private var understanding: Understanding?
    /// From the latent grid to the requested size of score maps; `nil` where that is the latent grid, or no maps are
    /// requested.
    private var sizing: MapSizing?
    /// Latent-grid maps of all labels so far, where a mask is wanted. The mask is painted only when all are there: a
    /// canvas takes five bytes for each pixel of the picture, and would be held while a slow client reads score maps.
    private var latents: [[Float]] = []
    /// The events that can be made, the next one last.
    private var upcoming: [Next] = []
    private var milliseconds: Float = 0
    private var hash = SHA256()

    package init(_ request: SegmentationRequest) {
        maps = request.maps
        wantsMask = request.wantsMask
        threshold = request.threshold
    }

    /// Adds the next part of the answer.
    package mutating func add(_ part: AnswerPart) {
        let next: [Next]
        switch part {
        case .nothing: return
        case .understood(let understanding):
            self.understanding = understanding
            sizing = sizing(of: understanding)
            next = [.header(understanding)]
        case .scores(let first, let scores):
            if wantsMask { latents += scores }
            next = zip(first..., scores).map { label, map in .scores(map, label: label) }
        case .probed(let maps): next = maps.map(Next.probed)
        case .report(let report):
            next = wantsMask ? [.mask, .report(report)] : [.report(report)]
        }
        upcoming = next.reversed() + upcoming
    }

    /// The next event; `nil` where another part must be added first, or once `isWanted` says `false`.
    package mutating func next(while isWanted: () -> Bool) -> SegmentationEvent? {
        let start = SuspendingClock.now
        while isWanted(), let next = upcoming.popLast() {
            switch next {
            case .header(let understanding): return .header(understanding)
            case .scores(let scores, let label):
                guard let finished = finished(scores, label: label) else { continue }
                milliseconds += start.duration(to: .now).milliseconds
                return .scores(finished)
            case .mask:
                guard let mask = mask(while: isWanted) else { return nil }
                milliseconds += start.duration(to: .now).milliseconds
                return .mask(mask)
            case .probed(let map): return .probed(map)
            case .report(var report):
                report.maps += milliseconds
                report.answerHash = hash.hexadecimal
                return .report(report)
            }
        }
        return nil
    }

    private func sizing(of understanding: Understanding) -> MapSizing? {
        let picture = understanding.picture
        return switch maps {
        case .none, .latent: nil
        case .picture: sizing(of: understanding, picture.width, picture.height)
        case .sized(let width, let height): sizing(of: understanding, width, height)
        }
    }

    private func sizing(of understanding: Understanding, _ width: Int, _ height: Int) -> MapSizing {
        MapSizing(
            understanding.recipe, latent: understanding.grid, read: understanding.resized, guide: understanding.guide,
            width: width, height: height)
    }

    /// A label's map in the requested size; `nil` where no maps were requested.
    private mutating func finished(_ scores: [Float], label: Int) -> LabelScores? {
        if maps == .none {
            if !wantsMask { add(scores) }
            return nil
        }
        let finished = sizing.map { $0.sized(scores) } ?? scores
        add(finished)
        guard let grid = understanding?.grid else { return nil }
        return LabelScores(
            label: label, width: sizing?.width ?? grid.width, height: sizing?.height ?? grid.height, scores: finished)
    }

    /// The index mask of all labels, at the picture's size; background where the picture is wholly transparent. `nil`
    /// once `isWanted` says `false`.
    private mutating func mask(while isWanted: () -> Bool) -> LabelMask? {
        guard let understanding else { return nil }
        let (width, height) = (understanding.picture.width, understanding.picture.height)
        let canvas = sizing(of: understanding, width, height)
        guard var indices = canvas.argmax(latents, above: threshold, while: isWanted) else { return nil }
        latents = []
        understanding.transparency?.clear(&indices)
        if maps == .none { unsafe indices.withUnsafeBytes { unsafe hash.update($0) } }
        return LabelMask(width: width, height: height, indices: indices, labels: understanding.labels.count)
    }

    private mutating func add(_ scores: [Float]) {
        unsafe scores.withUnsafeBytes { unsafe hash.update($0) }
    }
}

import Images
import Kernels

/// Enlarges latent-grid score maps to the requested size and paints the index mask from them.
///
/// Add the parts of an answer in their order, and take events: each is computed when it is taken.
package struct Painter: Sendable {
    private enum Next {
        case header(Understanding)
        case scores([Float], label: Int)
        case mask
        case report(Report)
    }

    private let maps: MapRequest
    private let wantsMask: Bool
    private let threshold: Float
    private var understanding: Understanding?
    /// From the latent grid to the requested size of score maps; `nil` where that is the latent grid, or no maps are
    /// requested.
    private var enlargement: Enlargement?
    /// Latent-grid maps of all labels so far, where a mask is wanted. The mask is painted only when all are there: a
    /// canvas takes five bytes for each pixel of the picture, and would be held while a slow client reads score maps.
    private var latents: [[Float]] = []
    /// The events that can be made, the next one last.
    private var upcoming: [Next] = []
    private var milliseconds: Float = 0

    /// Maps that are painted between two checks for cancellation.
    private static let together = 16

    package init(_ request: SegmentationRequest) {
        maps = request.maps
        wantsMask = request.wantsMask
        threshold = request.threshold
    }

    /// Adds the next part of the answer.
    package mutating func add(_ part: AnswerPart) {
        let next: [Next]
        switch part {
        case .understood(let understanding):
            self.understanding = understanding
            enlargement = enlargement(of: understanding)
            next = [.header(understanding)]
        case .scores(let first, let scores):
            if wantsMask { latents += scores }
            next = zip(first..., scores).map { label, map in .scores(map, label: label) }
        case .report(let report):
            next = wantsMask ? [.mask, .report(report)] : [.report(report)]
        }
        upcoming = next.reversed() + upcoming
    }

    /// The next event; `nil` where another part must be added first, or once `isWanted` says `false`.
    package mutating func next(while isWanted: () -> Bool) -> SegmentationEvent? {
        let start = ContinuousClock.now
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
            case .report(var report):
                report.maps += milliseconds
                return .report(report)
            }
        }
        return nil
    }

    private func enlargement(of understanding: Understanding) -> Enlargement? {
        let (picture, side) = (understanding.picture, understanding.latentSide)
        return switch maps {
        case .none, .latent: nil
        case .picture: Enlargement(side: side, width: picture.width, height: picture.height)
        case .sized(let width, let height): Enlargement(side: side, width: width, height: height)
        }
    }

    /// A label's map in the requested size; `nil` where no maps were requested.
    private func finished(_ scores: [Float], label: Int) -> LabelScores? {
        if let enlargement {
            return LabelScores(
                label: label, width: enlargement.columns.first.count, height: enlargement.rows.first.count,
                scores: enlargement.enlarged(scores))
        }
        guard case .latent = maps, let side = understanding?.latentSide else { return nil }
        return LabelScores(label: label, width: side, height: side, scores: scores)
    }

    /// The index mask of all labels, at the picture's size; background where the picture is wholly transparent. `nil`
    /// once `isWanted` says `false`.
    private mutating func mask(while isWanted: () -> Bool) -> LabelMask? {
        guard let understanding else { return nil }
        let (width, height) = (understanding.picture.width, understanding.picture.height)
        let canvas = Enlargement(side: understanding.latentSide, width: width, height: height)
        var best = [Float](repeating: threshold, count: canvas.pixels)
        var index = [UInt8](repeating: 0, count: canvas.pixels)
        for first in stride(from: 0, to: latents.count, by: Self.together) {
            guard isWanted() else { return nil }
            canvas.paint(
                Array(latents[first..<min(first + Self.together, latents.count)]), from: first + 1, best: &best,
                index: &index)
        }
        latents = []
        understanding.transparency?.clear(&index)
        return LabelMask(width: width, height: height, indices: index, labels: understanding.labels.count)
    }
}

extension Enlargement {
    /// The interpolation of square maps, `[side, side]`, such as those on the latent grid, to `[height, width]`:
    /// bilinear, half-pixel centres.
    package init(side: Int, width: Int, height: Int) {
        func line(to count: Int) -> SampleLine {
            let (first, weights) = Bilinear.line(of: side, to: count)
            return SampleLine(length: side, first: first, weights: weights)
        }
        self.init(columns: line(to: width), rows: line(to: height))
    }
}

import Images
import Kernels

/// Turns what was computed of an answer into what was asked for: score maps and the index mask in their sizes.
///
/// Give it the parts in their order, and take events: each is made when it is taken.
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
    /// To the size of the score maps that are wanted.
    private var enlargement: Enlargement?
    /// Of all labels so far, where a mask is wanted. It is painted at once when all are there, so that no canvas, five
    /// bytes for each pixel of the picture, waits for an answer's reader.
    private var latents: [[Float]] = []
    /// What can be taken, its end first.
    private var upcoming: [Next] = []
    private var milliseconds: Float = 0

    /// Maps that are painted between two looks at whether they are still wanted.
    private static let together = 16

    package init(_ request: SegmentationRequest) {
        maps = request.maps
        wantsMask = request.wantsMask
        threshold = request.threshold
    }

    /// Takes over the next part of the answer.
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

    /// The next event; `nil` until another part is added, and where it is not wanted.
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

    /// A label's map in the size asked for; `nil` where none is.
    private func finished(_ scores: [Float], label: Int) -> LabelScores? {
        if let enlargement {
            return LabelScores(
                label: label, width: enlargement.columns.first.count, height: enlargement.rows.first.count,
                scores: enlargement.enlarged(scores))
        }
        guard case .latent = maps, let side = understanding?.latentSide else { return nil }
        return LabelScores(label: label, width: side, height: side, scores: scores)
    }

    /// The index mask of all labels, at the picture's size; background where nothing is to be seen of it. `nil`
    /// where it is not wanted.
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
    /// Of square maps, as the latent grid is, to another size: bilinear, half-pixel centres.
    package init(side: Int, width: Int, height: Int) {
        func line(to count: Int) -> SampleLine {
            let (first, weights) = Bilinear.line(of: side, to: count)
            return SampleLine(length: side, first: first, weights: weights)
        }
        self.init(columns: line(to: width), rows: line(to: height))
    }
}

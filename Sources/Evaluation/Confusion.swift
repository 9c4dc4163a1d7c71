import Images

/// Pixels by their true class and the one they were given, `[classes + 1, classes + 1]`, under one protocol and at one
/// threshold.
package struct Confusion: Sendable, Equatable {
    /// Of one class.
    package struct Overlap: Sendable, Equatable {
        /// Its pixels in the truth.
        package let truth: UInt64
        /// The pixels it was given.
        package let found: UInt64
        /// Those in both.
        package let both: UInt64

        package var isAbsent: Bool { truth == 0 && found == 0 }

        /// |A and B| / |A or B|, 0...1; 0 where both are empty, as published evaluators say by adding 1e-10 below.
        package var iou: Double {
            isAbsent ? 0 : Double(both) / Double(truth + found - both)
        }
    }

    /// `[classes + 1, classes + 1]`: rows are the truth. Without background its row is left out, and its column is of
    /// pixels without any label.
    package let pixels: [UInt64]
    /// The rows of ``pixels``.
    private let labels: Int
    /// Of the classes that count: the background first where it is one, then those of the set.
    package let overlaps: [Overlap]

    /// - Parameter threshold: its place in ``Thresholds/all``
    package init(_ counts: Counts, _ rules: EvaluationProtocol, threshold: Int) {
        let labels = counts.shape.classes + 1
        var pixels: [UInt64]
        switch rules.background {
        case .isClass:
            pixels = counts.histogram.confusion(exceeding: threshold + 1)
        case .isIgnored:
            pixels = counts.histogram.confusion(exceeding: 0)
            for label in 0..<labels { pixels[label] = 0 }
        }
        let counted = rules.background == .isClass ? 0..<labels : 1..<labels
        overlaps = counted.map { label in
            Overlap(
                truth: (0..<labels).reduce(0) { $0 + pixels[label * labels + $1] },
                found: (0..<labels).reduce(0) { $0 + pixels[$1 * labels + label] },
                both: pixels[label * labels + label])
        }
        self.pixels = pixels
        self.labels = labels
    }

    /// ``pixels`` by rows.
    var rows: [[UInt64]] {
        stride(from: 0, to: pixels.count, by: labels).map { Array(pixels[$0..<$0 + labels]) }
    }

    /// Over all classes, those that are absent as 0: what publications report.
    package var meanIoU: Double { overlaps.map(\.iou).reduce(0, +) / Double(overlaps.count) }

    /// Over the classes that are in the truth or were found; 0 without any.
    package var meanIoUOfPresent: Double {
        let present = overlaps.filter { !$0.isAbsent }
        return present.map(\.iou).reduce(0, +) / Double(max(1, present.count))
    }

    /// The share of the counted pixels that were given their class; 0 without any.
    package var pixelAccuracy: Double {
        let all = pixels.reduce(0, +)
        return Double(overlaps.reduce(0) { $0 + $1.both }) / Double(max(1, all))
    }
}

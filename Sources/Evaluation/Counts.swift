package import Images

/// The sizes of a histogram of pixels.
package struct CountShape: Sendable, Hashable {
    /// Without the background, 1 to 254.
    package let classes: Int
    /// At least one.
    package let thresholds: Int

    package init(_ dataSet: DataSet, _ thresholds: Thresholds) {
        self.init(classes: dataSet.classes.count, thresholds: thresholds.all.count)
    }

    package init(classes: Int, thresholds: Int) {
        precondition((1...DataSet.classLimit).contains(classes) && thresholds > 0, "no such histogram")
        (self.classes, self.thresholds) = (classes, thresholds)
    }

    fileprivate var cells: Int { (classes + 1) * (classes + 1) * (thresholds + 1) }

    fileprivate var empty: LabelHistogram { LabelHistogram(labels: classes + 1, steps: thresholds + 1) }
}

/// What one picture counts, as a journal keeps it: the cells of its histogram that are not 0.
package struct PictureCounts: Sendable, Equatable {
    package let shape: CountShape
    /// Ascending places in the histogram, and how many pixels each has: more than 0.
    private let places: [UInt64]
    private let counts: [UInt64]

    /// - Parameters:
    ///   - best: of the truth's size; its labels are indices of the set's classes
    ///   - thresholds: as many as the shape has
    package init(_ truth: Truth, _ best: BestScores, _ thresholds: Thresholds, shape: CountShape) {
        var histogram = shape.empty
        best.count(against: truth.classes, thresholds: thresholds.all, into: &histogram)
        self.shape = shape
        (places, counts) = histogram.filled
    }

    fileprivate func add(to histogram: inout LabelHistogram) {
        for (place, count) in zip(places, counts) { histogram.counts[Int(place)] += count }
    }
}

/// A list of numbers: classes, thresholds, and for each cell how many cells lie between it and the one before, and its
/// pixels.
extension PictureCounts: Codable {
    /// Of a picture; far more than ``Limit/pixels``, and few enough for the sum of any number of pictures.
    private static let pixelLimit: UInt64 = 1 << 40

    package func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        try list.encode(shape.classes)
        try list.encode(shape.thresholds)
        var next: UInt64 = 0
        for (place, count) in zip(places, counts) {
            try list.encode(place - next)
            try list.encode(count)
            next = place + 1
        }
    }

    /// - Throws: `dataCorrupted` for anything that was not encoded so
    package init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        let classes = try list.decode(Int.self)
        let thresholds = try list.decode(Int.self)
        guard (1...DataSet.classLimit).contains(classes), (1...255).contains(thresholds) else {
            throw DecodingError.dataCorruptedError(in: list, debugDescription: "counts of no such classes")
        }
        shape = CountShape(classes: classes, thresholds: thresholds)
        let end = UInt64(shape.cells)
        var (places, counts): ([UInt64], [UInt64]) = ([], [])
        var next: UInt64 = 0
        while !list.isAtEnd {
            let gap = try list.decode(UInt64.self)
            let count = try list.decode(UInt64.self)
            guard gap < end, next + gap < end, count > 0, count < Self.pixelLimit else {
                throw DecodingError.dataCorruptedError(in: list, debugDescription: "counts beyond their histogram")
            }
            places.append(next + gap)
            counts.append(count)
            next += gap + 1
        }
        (self.places, self.counts) = (places, counts)
    }
}

/// What all pictures count: pixels by their true label, the label found, and the number of thresholds that its score
/// exceeds, `[classes + 1, classes + 1, thresholds + 1]`. The figures of every protocol and threshold follow.
package struct Counts: Sendable, Equatable {
    package let shape: CountShape
    private(set) var histogram: LabelHistogram

    /// Of no picture.
    package init(shape: CountShape) {
        self.shape = shape
        histogram = shape.empty
    }

    /// - Parameter picture: of the same shape
    package static func += (counts: inout Counts, picture: PictureCounts) {
        precondition(picture.shape == counts.shape, "counts of other classes or thresholds")
        picture.add(to: &counts.histogram)
    }
}

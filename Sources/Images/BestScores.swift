import CImages

/// Of each pixel the label whose score is highest, as score maps arrive one after another, `[height, width]`.
package struct BestScores: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width]`; 0 where there is none.
    private var labels: [UInt8]
    /// `[height, width]`; negative infinity where there is none.
    private var scores: [Float]
    /// Of all labels so far.
    private var highest: UInt8 = 0

    /// Without any label.
    package init(width: Int, height: Int) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        (self.width, self.height) = (width, height)
        labels = [UInt8](repeating: 0, count: width * height)
        scores = [Float](repeating: -.infinity, count: width * height)
    }

    /// Takes the map of one label, which gets the pixels where it exceeds those before it: of equal scores the first
    /// stays, as in `argmax`. A score that is not a number exceeds none.
    ///
    /// - Parameters:
    ///   - map: `[height, width]`
    ///   - label: not 0
    package mutating func add(_ map: [Float], label: UInt8) {
        precondition(map.count == labels.count, "a map of another size")
        precondition(label > 0, "0 is the background")
        highest = max(highest, label)
        unsafe dseg_keep_best(map, map.count, label, &scores, &labels)
    }

    /// The labels of the pixels whose score exceeds the threshold, `[height, width]`; 0 for the others.
    package func labels(above threshold: Float) -> [UInt8] {
        unsafe Compositing.samples(labels.count) { out in
            unsafe dseg_label_above(scores, labels, labels.count, threshold, out)
        }
    }

    /// Counts pixels by their true label, the label found, and how many thresholds its score exceeds.
    ///
    /// - Parameters:
    ///   - truth: `[height, width]`; what is not below `labels` is left out
    ///   - thresholds: ascending
    ///   - histogram: which is counted into; every label that was added has a row in it
    package func count(against truth: [UInt8], thresholds: [Float], into histogram: inout LabelHistogram) {
        precondition(truth.count == labels.count, "a truth of another size")
        precondition(thresholds.count + 1 == histogram.steps, "a histogram for other thresholds")
        precondition(highest < histogram.labels, "a label that has no row")
        unsafe dseg_count_labels(
            truth, labels, scores, labels.count, thresholds, histogram.axes, &histogram.counts)
    }
}

/// Pixels by their true label, the label found, and the number of thresholds that its score exceeds,
/// `[labels, labels, steps]`. Label 0 is the background.
package struct LabelHistogram: Sendable, Equatable {
    package let labels: Int
    /// One more than there are thresholds.
    package let steps: Int
    package var counts: [UInt64]

    /// Of no pixels.
    package init(labels: Int, steps: Int) {
        precondition((1...256).contains(labels) && steps > 0, "labels are bytes")
        (self.labels, self.steps) = (labels, steps)
        counts = [UInt64](repeating: 0, count: labels * labels * steps)
    }

    /// The cells that are not 0, ascending by their place in ``counts``.
    package var filled: (places: [UInt64], counts: [UInt64]) {
        var places = [UInt64](repeating: 0, count: counts.count)
        var found = places
        let count = unsafe dseg_list_counts(counts, axes, &places, &found)
        return (Array(places.prefix(count)), Array(found.prefix(count)))
    }

    /// Pixels by their true label and the one they are given, `[labels, labels]`: the one found where its score exceeds
    /// at least so many thresholds, otherwise the background.
    package func confusion(exceeding least: Int) -> [UInt64] {
        var confusion = [UInt64](repeating: 0, count: labels * labels)
        unsafe dseg_confusion(counts, axes, least, &confusion)
        return confusion
    }

    fileprivate var axes: dseg_axes { dseg_axes(labels: labels, steps: steps) }
}

extension IndexImage {
    /// The samples' meanings by a table of 256, `[height, width]`, and which samples there are, ascending.
    package func translated(by table: [UInt8]) -> (meanings: [UInt8], samples: [UInt8]) {
        precondition(table.count == 256, "a meaning for each byte")
        var seen = [UInt8](repeating: 0, count: 256)
        let meanings = unsafe Compositing.samples(indices.count) { meanings in
            unsafe dseg_translate(indices, indices.count, table, meanings, &seen)
        }
        return (meanings, (0...255).filter { seen[Int($0)] != 0 })
    }
}

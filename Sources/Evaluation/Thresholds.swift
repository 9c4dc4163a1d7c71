/// The scores above which a pixel belongs to a label, all of which are counted at once.
package struct Thresholds: Sendable, Equatable {
    /// Of DiffSegmenter's evaluation: 0.30, 0.31, ..., 0.74.
    package static let sweep: [Float] = (30...74).map { Float($0) / 100 }

    /// The one that was chosen before anything was seen.
    package let fixed: Float
    /// ``sweep`` and ``fixed``, ascending and distinct.
    package let all: [Float]

    /// - Parameter fixed: a finite number
    package init(fixed: Float) {
        precondition(fixed.isFinite, "a threshold is a number")
        self.fixed = fixed
        all = Set(Self.sweep + [fixed]).sorted()
    }

    /// Where ``fixed`` stands in ``all``.
    package var fixedPlace: Int { all.firstIndex(of: fixed) ?? 0 }

    /// Where those of ``sweep`` stand in ``all``.
    package var sweepPlaces: [Int] { all.indices.filter { Self.sweep.contains(all[$0]) } }
}

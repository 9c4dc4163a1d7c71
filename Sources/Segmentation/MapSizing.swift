import Images
package import Kernels
import Networks

/// How latent-grid maps become maps of another size, min-max scaled: interpolated bilinearly, or by a guided filter to
/// the guide's size and from there.
struct MapSizing: Sendable {
    /// To the requested size, from the latent grid or the guide's.
    private let enlargement: Enlargement
    private let filter: (guided: GuidedFilter, latents: Enlargement)?

    var width: Int { enlargement.columns.first.count }
    var height: Int { enlargement.rows.first.count }

    init(_ understanding: Understanding, width: Int, height: Int) {
        let (latent, size) = ((understanding.grid.width, understanding.grid.height), (width, height))
        guard let edges = understanding.recipe.edges, let guide = understanding.guide else {
            enlargement = Enlargement(from: latent, to: size)
            filter = nil
            return
        }
        let grid = (guide.width, guide.height)
        enlargement = Enlargement(from: grid, to: size)
        filter = (
            GuidedFilter(
                guide: guide.samples, width: guide.width, height: guide.height,
                radius: edges.radius(width: guide.width, height: guide.height), epsilon: edges.epsilon),
            Enlargement(from: latent, to: grid)
        )
    }

    /// A label's map of the requested size, `[H·W]`.
    func sized(_ latent: [Float]) -> [Float] {
        guard let filter else { return enlargement.enlarged(latent) }
        var filtered = FilteredMaps()
        filter.guided.filter([latent], interpolatedBy: filter.latents, into: &filtered)
        return enlargement.enlarged(filtered.scores)
    }

    /// Maps that are painted between two checks for cancellation.
    private static let together = 16
    /// Bytes of filtered maps that are painted together.
    private static let filteredBytes = 64 << 20

    /// For each pixel the first label with the largest score, from 1 on, or 0 where none is above the threshold; `nil`
    /// once `isWanted` says `false`.
    func argmax(_ latents: [[Float]], above threshold: Float, while isWanted: () -> Bool) -> [UInt8]? {
        var best = [Float](repeating: threshold, count: enlargement.pixels)
        var index = [UInt8](repeating: 0, count: enlargement.pixels)
        var filtered = FilteredMaps()
        let together =
            filter.map { filter in
                let room = Self.filteredBytes / MemoryLayout<Float>.stride / filter.latents.pixels
                return min(Self.together, max(1, room))
            } ?? Self.together
        for first in stride(from: 0, to: latents.count, by: together) {
            guard isWanted() else { return nil }
            let maps = latents[first..<min(first + together, latents.count)]
            if let filter { filter.guided.filter(maps, interpolatedBy: filter.latents, into: &filtered) }
            let joined = filter == nil ? Array(maps.joined()) : filtered.scores
            enlargement.paint(joined, count: maps.count, from: first + 1, best: &best, index: &index)
        }
        return index
    }
}

extension Enlargement {
    /// The interpolation of maps from one size, width and height, to another: bilinear, half-pixel centres.
    package init(from grid: (Int, Int), to size: (Int, Int)) {
        func line(of length: Int, to count: Int) -> SampleLine {
            let (first, weights) = Bilinear.line(of: length, to: count)
            return SampleLine(length: length, first: first, weights: weights)
        }
        self.init(columns: line(of: grid.0, to: size.0), rows: line(of: grid.1, to: size.1))
    }
}

package import Images
package import Kernels
package import Networks

/// How latent-grid maps become maps of another size: interpolated bilinearly, first to the size at which networks read
/// the picture where the recipe says so, and by a guided filter at the guide's size where it has one.
package struct MapSizing: Sendable {
    /// To the requested size, from the grid of the step before it.
    private let enlargement: Enlargement
    private let input: Enlargement?
    private let filter: (guided: GuidedFilter, maps: Enlargement)?
    private let takesTies: Bool

    var width: Int { enlargement.columns.first.count }
    var height: Int { enlargement.rows.first.count }

    /// - Parameters:
    ///   - latent: the maps' grid
    ///   - read: the picture as networks read it
    ///   - guide: the picture's colours, where the recipe reads them
    package init(_ recipe: Recipe, latent: Grid, read: Grid, guide: Guide?, width: Int, height: Int) {
        takesTies = recipe.labelsTakeTies
        var grid = (latent.width, latent.height)
        if recipe.sizing.passesInput {
            input = Enlargement(from: grid, to: (read.width, read.height))
            grid = (read.width, read.height)
        } else {
            input = nil
        }
        if let edges = recipe.edges, let guide {
            filter = (
                GuidedFilter(
                    guide: guide.samples, width: guide.width, height: guide.height,
                    radius: edges.radius(width: guide.width, height: guide.height), epsilon: edges.epsilon),
                Enlargement(from: grid, to: (guide.width, guide.height))
            )
            grid = (guide.width, guide.height)
        } else {
            filter = nil
        }
        enlargement = Enlargement(from: grid, to: (width, height), recipe.sizing.rescaling)
    }

    /// A label's map of the requested size, `[H·W]`.
    package func sized(_ latent: [Float]) -> [Float] {
        let map = input?.enlarged(latent) ?? latent
        let top = ScoreKernels.largest(latent)
        guard let filter else { return enlargement.enlarged(map, top: top) }
        var filtered = FilteredMaps()
        filter.guided.filter([map], interpolatedBy: filter.maps, into: &filtered)
        return enlargement.enlarged(filtered.scores, top: top)
    }

    /// Maps that are painted between two checks for cancellation.
    private static let together = 16
    /// Bytes of maps between two steps that are painted together.
    private static let stepBytes = 64 << 20

    /// For each pixel the first label with the largest score, from 1 on, or 0 where none is above the threshold, or
    /// equal to it where the recipe says so; `nil` once `isWanted` says `false`.
    package func argmax(_ latents: [[Float]], above threshold: Float, while isWanted: () -> Bool) -> [UInt8]? {
        // A label that reaches the threshold scores above the next lower number. None has a pixel with a score of 0.
        let floor = takesTies && threshold > 0 ? threshold.nextDown : threshold
        var best = [Float](repeating: floor, count: enlargement.pixels)
        var index = [UInt8](repeating: 0, count: enlargement.pixels)
        var filtered = FilteredMaps()
        let pixels = max(input?.pixels ?? 1, filter?.maps.pixels ?? 1)
        let together = min(Self.together, max(1, Self.stepBytes / MemoryLayout<Float>.stride / pixels))
        for first in stride(from: 0, to: latents.count, by: together) {
            guard isWanted() else { return nil }
            let group = latents[first..<min(first + together, latents.count)]
            let maps = input.map { input in group.map { input.enlarged($0) }[...] } ?? group
            if let filter { filter.guided.filter(maps, interpolatedBy: filter.maps, into: &filtered) }
            enlargement.paint(
                filter == nil ? Array(maps.joined()) : filtered.scores, count: maps.count,
                tops: group.map(ScoreKernels.largest), from: first + 1, best: &best, index: &index)
        }
        return index
    }
}

extension Enlargement {
    /// The interpolation of maps from one size, width and height, to another: bilinear, half-pixel centres.
    package init(from grid: (Int, Int), to size: (Int, Int), _ rescaling: Rescaling = .minMax) {
        func line(of length: Int, to count: Int) -> SampleLine {
            let (first, weights) = Bilinear.line(of: length, to: count)
            return SampleLine(length: length, first: first, weights: weights)
        }
        self.init(columns: line(of: grid.0, to: size.0), rows: line(of: grid.1, to: size.1), rescaling: rescaling)
    }
}

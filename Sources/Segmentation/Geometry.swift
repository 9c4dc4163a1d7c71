package import Images
package import Networks
import Texts

/// The size to which a picture is resized before a network reads it.
package struct Geometry: Sendable, Hashable {
    package enum Shape: Sendable, Hashable {
        /// The square that the U-Net was trained on: the picture is squashed (DiffSegmenter, as published).
        case square
        /// The picture's proportions, with about the square's area.
        case aspect
        /// Height and width in pixels.
        case sized(Grid)
    }

    package let shape: Shape
    /// Factor on both sides, in ``details``: more pixels for small things. Above ``onePass`` the picture is read in
    /// tiles, each of the size that the shape has with a detail of 1.
    package let detail: Float

    package static let square = Geometry(shape: .square, detail: 1)
    static let details: ClosedRange<Float> = 1...4
    static let onePass: Float = 2
    /// The most pixels of a latent: a square of 512, eight times the side of Stable Diffusion's.
    static let latentLimit = 512 * 512
}

/// What of a picture a recipe reads.
package struct PictureReading: Sendable, Hashable {
    package let geometry: Geometry
    package let resampling: Resampling
    /// Whether maps are made with the picture's colours at hand.
    let colours: Bool
}

/// How a model reads pictures.
package struct LatentSizes: Sendable, Hashable {
    /// The latent that the U-Net was trained on.
    package let trained: Grid
    /// Sides of a latent are multiples of this.
    package let unit: Int
    /// Pixels of a picture to one of its latent, along each side.
    package let factor: Int

    /// Of the published models that are read those of the largest latent, Stable Diffusion 2's.
    package static let largestPublished = LatentSizes(trained: Grid(height: 96, width: 96), unit: 8, factor: 8)

    /// The picture that the U-Net was trained on.
    package var picture: Grid { trained.times(factor) }

    package init(trained: Grid, unit: Int, factor: Int) {
        self.trained = trained
        self.unit = unit
        self.factor = factor
    }

    /// A bound of a latent's pixels, whatever the picture.
    package func mostPixels(_ geometry: Geometry) -> Int {
        let base =
            switch geometry.shape {
            case .square: trained.pixels
            case .aspect: 2 * trained.pixels
            case .sized(let size): size.pixels / (factor * factor)
            }
        guard geometry.detail > 1 else { return base }
        let most = Double(geometry.detail) + 0.5  // a side is rounded to units
        return Int(Double(base) * most * most)
    }

    /// The latents of a picture.
    ///
    /// - Throws: `gridSides` and `gridTooLarge` for a size that the model cannot read
    package func layout(of picture: LookedAt, for geometry: Geometry) throws(SegmentationError) -> Layout {
        let base = try base(of: picture, geometry.shape)
        let whole = scaled(base, by: geometry.detail)
        guard whole.pixels <= Geometry.latentLimit else {
            throw .gridTooLarge(
                width: whole.width * factor, height: whole.height * factor,
                limit: Geometry.latentLimit * factor * factor)
        }
        guard geometry.detail > Geometry.onePass else { return Layout(whole) }
        return Layout(whole, tilesOf: base, unit: unit)
    }

    /// The latent for a detail of 1.
    private func base(of picture: LookedAt, _ shape: Geometry.Shape) throws(SegmentationError) -> Grid {
        switch shape {
        case .square: return trained
        case .aspect: return proportional(to: picture)
        case .sized(let size):
            let multiple = unit * factor
            guard size.width.isMultiple(of: multiple), size.height.isMultiple(of: multiple) else {
                throw .gridSides(width: size.width, height: size.height, multiple: multiple)
            }
            return Grid(height: size.height / factor, width: size.width / factor)
        }
    }

    /// The latent of the picture's proportions: each side is the nearest legal one, and at least one unit; of a very
    /// long picture the longer side is cut so that the area stays.
    private func proportional(to picture: LookedAt) -> Grid {
        let units = trained.pixels / (unit * unit)
        let ratio = Double(max(picture.width, picture.height)) / Double(min(picture.width, picture.height))
        let short = max(1, Int((Double(units) / ratio).squareRoot().rounded()))
        let long = min(max(short, Int((Double(units) * ratio).squareRoot().rounded())), max(short, units / short + 1))
        let isWide = picture.width >= picture.height
        return Grid(height: (isWide ? short : long) * unit, width: (isWide ? long : short) * unit)
    }

    private func scaled(_ grid: Grid, by detail: Float) -> Grid {
        func side(_ length: Int) -> Int { Int((Float(length / unit) * detail).rounded()) * unit }
        return Grid(height: side(grid.height), width: side(grid.width))
    }
}

/// A picture's latent, and the tiles of it that passes read.
package struct Layout: Sendable, Hashable {
    /// The whole latent.
    package let grid: Grid
    /// Tiles as rows of columns; a single one where a pass reads the whole picture.
    package let tiles: [Tile]

    /// One pass reads the whole.
    package init(_ grid: Grid) {
        self.grid = grid
        tiles = [Tile(row: 0, column: 0, grid: grid)]
    }

    /// Tiles of a size, overlapping by at least a quarter, with sides and places that are multiples of `unit`.
    init(_ grid: Grid, tilesOf tile: Grid, unit: Int) {
        self.grid = grid
        let columns = Self.places(tile.width, in: grid.width, unit: unit)
        tiles = Self.places(tile.height, in: grid.height, unit: unit).flatMap { row in
            columns.map { Tile(row: row, column: $0, grid: tile) }
        }
    }

    /// Where tiles of a length begin that cover a side, evenly spaced.
    private static func places(_ length: Int, in side: Int, unit: Int) -> [Int] {
        let step = max(unit, length * 3 / 4 / unit * unit)
        let count = max(0, side - length + step - 1) / step
        guard count > 0 else { return [0] }
        return (0...count).map { (side - length) / unit * $0 / count * unit }
    }
}

/// A rectangle of a latent.
package struct Tile: Sendable, Hashable {
    package let row: Int
    package let column: Int
    package let grid: Grid

    package init(row: Int, column: Int, grid: Grid) {
        (self.row, self.column, self.grid) = (row, column, grid)
    }

    /// The tile at a level of the U-Net.
    func level(_ level: Int) -> Tile {
        Tile(row: row >> level, column: column >> level, grid: grid.level(level))
    }

    func times(_ factor: Int) -> Tile {
        Tile(row: row * factor, column: column * factor, grid: grid.times(factor))
    }
}

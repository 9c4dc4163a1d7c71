import Images
import Kernels
import Networks
import Testing

@testable import Segmentation

/// What is asked for, of models and pictures of many sizes.
private struct Asked {
    let sizes: LatentSizes
    let picture: LookedAt
    let geometry: Geometry

    /// `nil` where it is larger than any latent may be.
    var layout: Layout? {
        get throws {
            do throws(SegmentationError) {
                return try sizes.layout(of: picture, for: geometry)
            } catch .gridTooLarge {
                return nil
            }
        }
    }

    static var all: [Asked] {
        let models = [(64, 8, 8), (16, 8, 8), (24, 4, 4), (8, 1, 1)].map { side, unit, factor in
            LatentSizes(trained: Grid(height: side, width: side), unit: unit, factor: factor)
        }
        let pictures = [
            (1, 1), (20_000, 1), (1, 20_000), (640, 480), (480, 641), (3, 2), (1000, 999), (190, 150), (7, 3000),
        ].map { LookedAt(handle: "", width: $0, height: $1) }
        let details = stride(from: Float(1), through: 4, by: 0.25)
        return models.flatMap { sizes in
            let multiple = sizes.unit * sizes.factor
            let shapes: [Geometry.Shape] = [
                .square, .aspect, .sized(Grid(height: multiple, width: multiple)),
                .sized(Grid(height: 3 * multiple, width: 7 * multiple)),
                .sized(Grid(height: 8192 / multiple * multiple, width: multiple)),
            ]
            return pictures.flatMap { picture in
                shapes.flatMap { shape in
                    details.map { Asked(sizes: sizes, picture: picture, geometry: Geometry(shape: shape, detail: $0)) }
                }
            }
        }
    }
}

@Suite struct `a layout` {
    @Test func `has sides that the model can halve, and no more pixels than are foretold`() throws {
        for asked in Asked.all {
            guard let grid = try asked.layout?.grid else { continue }
            #expect(grid.width.isMultiple(of: asked.sizes.unit) && grid.height.isMultiple(of: asked.sizes.unit))
            #expect(grid.pixels <= asked.sizes.mostPixels(asked.geometry), "\(asked)")
        }
    }

    @Test func `is covered by tiles that lie inside, overlap by a quarter, and weigh one together`() throws {
        var arena = try Arena(reserving: 1 << 30)
        var (whole, tiled) = (0, 0)
        for asked in Asked.all {
            guard let layout = try asked.layout else { continue }
            guard asked.geometry.detail > Geometry.onePass else {
                whole += 1
                #expect(layout == Layout(layout.grid))
                continue
            }
            tiled += layout.tiles.count > 1 ? 1 : 0
            let size = layout.tiles[0].grid
            for tile in layout.tiles {
                #expect(tile.grid == size && tile.row >= 0 && tile.column >= 0)
                #expect(tile.row + size.height <= layout.grid.height && tile.column + size.width <= layout.grid.width)
                #expect(tile.row.isMultiple(of: asked.sizes.unit) && tile.column.isMultiple(of: asked.sizes.unit))
            }
            for (starts, length) in [(layout.tiles.map(\.row), size.height), (layout.tiles.map(\.column), size.width)] {
                let starts = Set(starts).sorted()
                for (start, next) in zip(starts, starts.dropFirst()) {
                    #expect(next - start <= max(asked.sizes.unit, length * 3 / 4), "\(asked)")
                }
            }
            guard layout.grid.pixels <= 1 << 14 else { continue }
            let ones = [Float](repeating: 1, count: size.pixels)
            let sum = Tiling(layout, level: 0).blended(1, &arena) { _, _ in [ones] }[0]
            #expect(sum.count == layout.grid.pixels && sum.allSatisfy { abs($0 - 1) < 1e-6 }, "\(asked)")
        }
        #expect(whole > 500 && tiled > 500)
    }

    @Test func `of one tile is that of the whole`() {
        let grid = Grid(height: 16, width: 24)
        #expect(Layout(grid, tilesOf: grid, unit: 8) == Layout(grid))
    }

    @Test func `by aspect has the square's area in the picture's proportions`() throws {
        let sizes = LatentSizes(trained: Grid(height: 64, width: 64), unit: 8, factor: 8)
        for (width, height, expected) in [
            (500, 500, (64, 64)), (640, 480, (72, 56)), (480, 640, (56, 72)), (1920, 1080, (88, 48)), (3, 1, (104, 40)),
            (100, 1, (520, 8)), (20_000, 1, (520, 8)), (1, 20_000, (8, 520)),
        ] {
            let picture = LookedAt(handle: "", width: width, height: height)
            let grid = try sizes.layout(of: picture, for: Geometry(shape: .aspect, detail: 1)).grid
            #expect((grid.width, grid.height) == expected, "\(width) x \(height)")
        }
    }

    @Test func `has a seed's noise, whatever the tile that is read`() throws {
        let model = try Fixture.model(Fixture.tiny)
        var arena = try model.scratch()
        let layout = Layout(Grid(height: 40, width: 48), tilesOf: Grid(height: 16, width: 24), unit: 8)
        func noise(_ tile: Tile) -> [Float] {
            arena.scope { arena in
                let latent = arena.featureMap(height: tile.grid.height, width: tile.grid.width, channels: 4)
                latent.matrix.clear()
                model.addNoise(to: latent, tile, of: layout.grid, seed: 5, timestep: 100, &arena)
                return latent.matrix.array
            }
        }
        let whole = noise(Layout(layout.grid).tiles[0])
        #expect(layout.tiles.count == 12)
        for tile in layout.tiles {
            let rows = (0..<tile.grid.height).flatMap { row in
                let first = ((tile.row + row) * layout.grid.width + tile.column) * 4
                return whole[first..<first + tile.grid.width * 4]
            }
            #expect(noise(tile) == rows)
        }
    }
}

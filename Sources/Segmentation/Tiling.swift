import Images
import Kernels
import Networks

/// The tiles of a layout at a level of the U-Net: cuts maps into them, and blends theirs into one.
///
/// A tile's weight falls linearly towards its borders, and the weights of all tiles at a pixel add up to 1.
struct Tiling {
    let grid: Grid
    private let tiles: [Tile]
    /// Of each tile, by the row it begins at, and by the column.
    private let rowWeights: [Int: [Float]]
    private let columnWeights: [Int: [Float]]

    init(_ layout: Layout, level: Int) {
        grid = layout.grid.level(level)
        tiles = layout.tiles.map { $0.level(level) }
        rowWeights = Self.weights(Set(tiles.map(\.row)), length: tiles[0].grid.height, side: grid.height)
        columnWeights = Self.weights(Set(tiles.map(\.column)), length: tiles[0].grid.width, side: grid.width)
    }

    /// The weights along a side of tiles of a length that begin at some places.
    private static func weights(_ starts: Set<Int>, length: Int, side: Int) -> [Int: [Float]] {
        let slope = (0..<length).map { Float(min($0, length - 1 - $0) + 1) }
        var sums = [Float](repeating: 0, count: side)
        for start in starts.sorted() { for place in 0..<length { sums[start + place] += slope[place] } }
        return Dictionary(
            uniqueKeysWithValues: starts.map { start in
                (start, (0..<length).map { slope[$0] / sums[start + $0] })
            })
    }

    /// A tile of a map, `[h·w]` of `[H·W]`.
    func part(_ index: Int, of map: [Float]) -> [Float] {
        tiles[index].part(of: map, grid, channels: 1)
    }

    /// The tile whose borders are farthest from a cell, and the cell's index in it.
    func cell(row: Int, column: Int) -> (tile: Int, index: Int) {
        func distance(_ tile: Tile) -> Int {
            let (down, right) = (row - tile.row, column - tile.column)
            return min(down, right, tile.grid.height - 1 - down, tile.grid.width - 1 - right)
        }
        let tile = tiles.indices.max { distance(tiles[$0]) < distance(tiles[$1]) } ?? 0
        return (tile, (row - tiles[tile].row) * tiles[tile].grid.width + column - tiles[tile].column)
    }

    /// A map that is a tile's, `[h·w]`, and 0 elsewhere, `[H·W]`.
    func whole(_ map: [Float], of index: Int, _ arena: inout Arena) -> [Float] {
        guard tiles.count > 1 else { return map }
        return arena.scope { arena in
            let whole = arena.matrix(rows: grid.height, columns: grid.width)
            whole.clear()
            let part = tiles[index].part(of: whole)
            let matrix = arena.matrix(rows: part.rows, columns: part.columns)
            matrix.fill(map)
            part.add(
                matrix, timesRows: [Float](repeating: 1, count: part.rows),
                columns: [Float](repeating: 1, count: part.columns))
            return whole.array
        }
    }

    /// Maps, `[H·W]` each, blended of those that `maps` gives for each tile, `[h·w]` each.
    func blended<Failure: Error>(
        _ count: Int, _ arena: inout Arena, _ maps: (Int, inout Arena) throws(Failure) -> [[Float]]
    ) throws(Failure) -> [[Float]] {
        guard tiles.count > 1 else { return try maps(0, &arena) }
        return try arena.scope { (arena) throws(Failure) in
            let sums = (0..<count).map { _ in arena.matrix(rows: grid.height, columns: grid.width) }
            for sum in sums { sum.clear() }
            for (index, tile) in tiles.enumerated() {
                try arena.scope { (arena) throws(Failure) in
                    let part = arena.matrix(rows: tile.grid.height, columns: tile.grid.width)
                    for (map, sum) in zip(try maps(index, &arena), sums) {
                        part.fill(map)
                        tile.part(of: sum).add(
                            part, timesRows: rowWeights[tile.row] ?? [], columns: columnWeights[tile.column] ?? [])
                    }
                }
            }
            return sums.map(\.array)
        }
    }
}

extension Guide {
    /// Its means at a level of the U-Net, `[h·w, 3]` in 0...1.
    ///
    /// - Parameters:
    ///   - tile: of the latent
    ///   - grid: the whole latent's
    func colours(of tile: Tile, _ grid: Grid, _ level: Int) -> [Float] {
        let whole = grid.level(level)
        return tile.level(level).part(of: averaged(width: whole.width, height: whole.height), whole, channels: 3)
    }
}

extension Tile {
    /// The tile of a map with channels, `[h·w, C]` of `[H·W, C]`.
    func part(of map: [Float], _ whole: Grid, channels: Int) -> [Float] {
        guard grid != whole else { return map }
        return unsafe map.withUnsafeBufferPointer { map in
            guard let base = map.baseAddress else { return [] }
            let rows = unsafe Matrix(
                base: UnsafeMutablePointer(mutating: base), rows: whole.height, columns: whole.width * channels)
            return rows.rows(row..<row + grid.height)
                .columns(column * channels..<(column + grid.width) * channels).array
        }
    }

    /// The tile of a map, `[h, w]` of `[H, W]`.
    fileprivate func part(of map: Matrix) -> Matrix {
        map.rows(row..<row + grid.height).columns(column..<column + grid.width)
    }
}

import Kernels
import Networks
import Testing

@Suite struct `a pass for its attention` {
    private let loaded: Loaded<UNet>
    private var unet: UNet { loaded.network }

    init() throws {
        loaded = try loadUNet("\(oracleFolder)/tiny/checkpoint/unet")
    }

    private func text() -> Matrix {
        let context = Matrix(stored: 77, by: 48)
        context.fill((0..<77 * 48).map { Float(($0 * 29) % 23) / 11 - 1 })
        return context
    }

    private func run(
        _ captures: [AttentionCapture], _ arena: inout Arena, cancellation: Cancellation = Cancellation(deadline: nil)
    ) throws {
        try arena.scope { arena in
            let latent = arena.featureMap(height: 16, width: 16, channels: 4)
            latent.matrix.fill((0..<1024).map { Float(($0 * 37) % 41) / 20 - 1 })
            try unet(
                latent, timestep: 100, context: text(), captures: captures, cancellation: cancellation, &arena)
        }
    }

    /// Pixels of a layer's maps, for the square that the U-Net was trained on.
    private func pixels(_ layer: AttentionLayer) -> Int {
        let side = unet.configuration.sampleSize
        return Grid(height: side, width: side).level(layer.level).pixels
    }

    /// Room for each layer's probabilities.
    private func stores() -> [Matrix] {
        unet.attentionLayers.map { layer in
            let pixels = pixels(layer)
            return Matrix(stored: pixels, by: layer.kind == .selfAttention ? pixels : 77)
        }
    }

    /// Every layer's probabilities, averaged over heads.
    private func means(_ stores: [Matrix], share: Float) -> [AttentionCapture] {
        zip(unet.attentionLayers, stores).map { .mean(addingTo: $1, share: share, heads: $0.heads) }
    }

    private func rowSums(_ matrix: Matrix) -> [Float] {
        let array = matrix.array
        return (0..<matrix.rows).map { row in
            array[row * matrix.columns..<(row + 1) * matrix.columns].reduce(0, +)
        }
    }

    @Test func `each pixel's probabilities add up to one, times their share`() throws {
        var arena = try Arena(reserving: 1 << 36)
        let stores = stores()
        try run(means(stores, share: 0.25), &arena)
        for store in stores {
            #expect(rowSums(store).allSatisfy { abs($0 - 0.25) < 1e-5 })
            #expect(store.array.allSatisfy { $0 >= 0 })
        }
        try run(means(stores, share: 0.75), &arena)
        #expect(stores.allSatisfy { rowSums($0).allSatisfy { abs($0 - 1) < 1e-5 } })
    }

    @Test func `captured queries give the captured probabilities again`() throws {
        var arena = try Arena(reserving: 1 << 36)
        let cross = unet.attentionLayers.indices.filter { unet.attentionLayers[$0].kind == .crossAttention }
        let expected = stores()
        try run(means(expected, share: 1), &arena)
        let queries = unet.attentionLayers.map { Matrix(stored: pixels($0), by: $0.channels) }
        try run(
            unet.attentionLayers.indices.map { cross.contains($0) ? .queries(into: queries[$0]) : .nothing }, &arena)
        #expect(unet.crossKeys.count == cross.count)
        for (toKey, index) in zip(unet.crossKeys, cross) {
            let layer = unet.attentionLayers[index]
            let keys = Matrix(stored: 77, by: layer.channels)
            toKey(text(), into: keys, &arena)
            let found = Matrix(stored: pixels(layer), by: 77)
            QueriesAndKeys(queries: queries[index], keys: keys, heads: layer.heads, precision: .f32)
                .add(
                    to: found, shares: [Float](repeating: 1 / Float(layer.heads), count: layer.heads), &arena)
            #expect(Difference.relativeError(found.array, to: expected[index].array) < 1e-5)
        }
    }

    /// Wherever a pass ends, what it captured on the way is what a whole pass captures there.
    @Test func `a pass that ends early captures the same`() throws {
        var arena = try Arena(reserving: 1 << 36)
        let whole = stores()
        try run(means(whole, share: 1), &arena)
        for last in unet.attentionLayers.indices {
            let store = Matrix(stored: whole[last].rows, by: whole[last].columns)
            var captures = [AttentionCapture](repeating: .nothing, count: whole.count)
            captures[last] = .mean(addingTo: store, share: 1, heads: unet.attentionLayers[last].heads)
            try run(captures, &arena)
            #expect(Difference.relativeError(store.array, to: whole[last].array) < 1e-5)
        }
    }

    @Test func `a cancelled pass leaves nothing behind that a later one would see`() throws {
        var arena = try Arena(reserving: 1 << 36)
        let expected = stores()
        try run(means(expected, share: 1), &arena)
        let cancellation = Cancellation(deadline: nil)
        cancellation.cancel()
        #expect(throws: Interruption.cancelled) {
            try run(expected.map { _ in .nothing }, &arena, cancellation: cancellation)
        }
        let again = stores()
        try run(means(again, share: 1), &arena)
        #expect(again.map(\.array) == expected.map(\.array))
    }
}

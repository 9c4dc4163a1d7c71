package import Kernels

extension CLIP {
    /// The embeddings of a picture's patches by each layer, of any length, and the links between patches, by
    /// ``VisionTransformer/gather(_:attention:inputs:cancellation:_:)`` and its fusion.
    ///
    /// - Parameters:
    ///   - picture: `[H·W, 3]`, normalised
    ///   - y: `[layers · patches, projection]`, layer under layer
    ///   - links: the mean of the last round's links over heads, without the class token, `[patches, patches]`
    /// - Throws: `Interruption` between layers
    package func embedLayers(
        of picture: FeatureMap, into y: Matrix, links: Matrix, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) {
        let (sizes, patches) = (configuration.vision.sizes, links.columns)
        let rows = 1 + patches
        precondition(y.rows == sizes.layers * patches && links.rows == patches, "embeddings of another picture")
        try arena.scope { (arena) throws(Interruption) in
            let attention = arena.matrix(rows: sizes.heads * rows, columns: rows)
            let inputs = arena.matrix(rows: sizes.layers * rows, columns: sizes.width)
            try vision.gather(picture, attention: attention, inputs: inputs, cancellation: cancellation, &arena)
            let fused = arena.matrix(rows: rows, columns: sizes.width)
            let mean = arena.matrix(rows: rows, columns: rows)
            for layer in 0..<sizes.layers {
                try cancellation.check()
                vision.fuse(
                    inputs.rows(layer * rows..<(layer + 1) * rows), by: attention, into: fused,
                    links: layer == sizes.layers - 1 ? mean : nil, &arena)
                project(fused.rows(1..<rows), into: y.rows(layer * patches..<(layer + 1) * patches), &arena)
            }
            links.copy(from: mean.rows(1..<rows).columns(1..<rows))
        }
    }
}

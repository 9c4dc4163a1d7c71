package import Images
package import Kernels
package import Networks

/// A picture in the space where texts lie near the pictures that they describe.
package struct PictureEmbedding {
    /// Of its middle, as published, `[1, projection]`, of length 1; `nil`: not asked for.
    package let picture: Matrix?
    /// `nil`: not asked for.
    package let patches: Patches?

    package struct Patches {
        /// In reading order, `[patches, projection]`, rows of length 1.
        package let embeddings: Matrix
        package let grid: Grid
    }

    /// What is read of a picture: equal values, equal embeddings.
    package struct Parts: Sendable, Hashable {
        package let picture: Bool
        /// What embeddings of patches are made of; `nil`: there are none.
        package let patches: PatchConfiguration.States?

        package init(picture: Bool, patches: PatchConfiguration.States?) {
            self.picture = picture
            self.patches = patches
        }
    }
}

/// A picture as a CLIP reads it, before it does.
package struct PreparedPicture: Sendable {
    /// Its middle, as published.
    let middle: PreparedPixels
    /// All of it, in its proportions; `nil`: those are the same pixels.
    let whole: PreparedPixels?
}

extension PictureEmbedding {
    var bytes: Int {
        let floats = (picture?.columns ?? 0) + (patches.map { $0.embeddings.rows * $0.embeddings.columns } ?? 0)
        return floats * MemoryLayout<Float>.stride
    }
}

extension LabelFilter {
    /// What a filter reads of a picture by this CLIP.
    package func parts(of filter: Filter) -> PictureEmbedding.Parts {
        PictureEmbedding.Parts(
            picture: filter.picture != nil, patches: filter.patches.map { $0.states.value(patches.states) })
    }

    /// The picture's pixels for both readings; no network runs.
    ///
    /// - Throws: `Interruption` while the picture is resized
    package func prepare(_ picture: Image, cancellation: Cancellation) throws(Interruption) -> PreparedPicture {
        var pixels: [PreparedPixels] = []
        for view in views(of: picture.size) { pixels.append(try picture.pixels(as: view, cancellation)) }
        return PreparedPicture(middle: pixels[0], whole: pixels.dropFirst().first)
    }

    /// How a picture is read: its middle, as published, and all of it where those are other pixels.
    func views(of size: PictureConfiguration.Size) -> [PictureConfiguration] {
        pictures.readsAlike(whole, of: size) ? [pictures] : [pictures, whole]
    }

    /// The embeddings of a picture: one pass where its middle is all of it, or one of both is asked for.
    ///
    /// - Throws: `Interruption` between layers
    package func look(
        at picture: PreparedPicture, for parts: PictureEmbedding.Parts, cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) -> PictureEmbedding {
        let (clip, all) = (clip.network, picture.whole ?? picture.middle)
        let embedding = parts.picture ? Matrix(stored: 1, by: clip.configuration.projection) : nil
        let isSeenApart = picture.whole != nil || parts.patches == nil
        if let embedding, isSeenApart {
            try arena.scope { (arena) throws(Interruption) in
                let map = picture.middle.map(&arena)
                try clip.embed(map, into: embedding, patches: nil, cancellation: cancellation, &arena)
            }
        }
        guard let made = parts.patches else { return PictureEmbedding(picture: embedding, patches: nil) }
        return try arena.scope { (arena) throws(Interruption) in
            let map = all.map(&arena)
            let grid = clip.configuration.vision.patches(of: Grid(height: map.height, width: map.width))
            let patches = Matrix(stored: grid.pixels, by: clip.configuration.projection)
            try clip.embed(
                map, into: isSeenApart ? nil : embedding, patches: (made, patches), cancellation: cancellation,
                &arena)
            return PictureEmbedding(
                picture: embedding, patches: PictureEmbedding.Patches(embeddings: patches, grid: grid))
        }
    }

    /// How all of a picture is read: patches as large as those of the middle.
    private var whole: PictureConfiguration {
        let vision = clip.network.configuration.vision
        return pictures.whole(shortest: vision.side, patch: vision.patch)
    }
}

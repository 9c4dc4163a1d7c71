package import Images
package import Kernels
package import Networks

extension Image {
    /// What a vision network reads of the picture, over white: `[height · width, 3]` of the configuration's size, row
    /// by row, as transformers' image processors prepare it.
    ///
    /// - Parameter isWanted: polled meanwhile, on this thread
    /// - Returns: `nil` once `isWanted` says `false`
    package func prepared(
        _ configuration: PictureConfiguration, while isWanted: () -> Bool = { true }
    ) -> [Float]? {
        let resized = size(fitting: configuration.fit)
        let (rows, columns) = (
            middle(configuration.size.height, of: resized.height), middle(configuration.size.width, of: resized.width)
        )
        let samples = bicubic(
            width: resized.width, height: resized.height, rows: rows, columns: columns, while: isWanted)
        // The sample is scaled in f64; mean and deviation are of f32, as what they are applied to.
        let table = SampleTable { channel, sample in
            (Float(Double(sample) * configuration.factor) - configuration.mean[channel])
                / configuration.deviation[channel]
        }
        return samples.map(table.values)
    }

    private func size(fitting fit: PictureConfiguration.Fit) -> PictureConfiguration.Size {
        switch fit {
        case .stretched(let size): return size
        case .shortestSide(let side):
            let long = side * max(width, height) / min(width, height)
            return width <= height ? .init(height: long, width: side) : .init(height: side, width: long)
        }
    }

    private func middle(_ count: Int, of length: Int) -> Range<Int> {
        let first = (length - count) / 2
        return first..<first + count
    }
}

extension Image {
    /// The picture as a vision network reads it.
    package func map(
        as configuration: PictureConfiguration, _ cancellation: Cancellation
    ) throws(Interruption) -> FeatureMap {
        guard let values = prepared(configuration, while: { cancellation.interruption == nil }) else {
            try cancellation.check()
            preconditionFailure("a picture is prepared to its end unless its answer ends")
        }
        let size = configuration.size
        let map = Matrix(stored: size.height * size.width, by: 3)
        map.fill(values)
        return FeatureMap(map, height: size.height, width: size.width)
    }
}

extension VisionConfiguration {
    /// Throws unless pictures are prepared at the size that the network was trained on.
    func check(_ pictures: PictureConfiguration, _ directory: String) throws(ModelError) {
        for length in [pictures.size.height, pictures.size.width] where length != side {
            throw .otherUse(
                place: "\(directory)/\(PictureConfiguration.file)", what: "the side of pictures", found: length,
                expected: side)
        }
    }
}

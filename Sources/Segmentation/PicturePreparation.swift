package import Images
package import Kernels
package import Networks

extension Image {
    /// What a vision network reads of the picture, over white: `[height · width, 3]` of
    /// `configuration.size(of: size)`, row by row, as transformers' image processors prepare it.
    ///
    /// - Parameter isWanted: polled meanwhile, on this thread
    /// - Returns: `nil` once `isWanted` says `false`
    package func prepared(
        _ configuration: PictureConfiguration, while isWanted: () -> Bool = { true }
    ) -> [Float]? {
        let (resized, read) = (configuration.fit.size(of: size), configuration.size(of: size))
        let (rows, columns) = (middle(read.height, of: resized.height), middle(read.width, of: resized.width))
        let samples = bicubic(
            width: resized.width, height: resized.height, rows: rows, columns: columns, while: isWanted)
        // The sample is scaled in f64; mean and deviation are of f32, as what they are applied to.
        let table = SampleTable { channel, sample in
            (Float(Double(sample) * configuration.factor) - configuration.mean[channel])
                / configuration.deviation[channel]
        }
        return samples.map(table.values)
    }

    var size: PictureConfiguration.Size { .init(height: height, width: width) }

    private func middle(_ count: Int, of length: Int) -> Range<Int> {
        let first = (length - count) / 2
        return first..<first + count
    }
}

/// What a vision network reads of a picture, `[height · width, 3]`.
package struct PreparedPixels: Sendable {
    let samples: [Float]
    let size: PictureConfiguration.Size

    var bytes: Int { samples.count * MemoryLayout<Float>.stride }

    /// As a network takes them, in memory of their own.
    var map: FeatureMap {
        let map = Matrix(stored: size.height * size.width, by: 3)
        map.fill(samples)
        return FeatureMap(map, height: size.height, width: size.width)
    }

    /// As a network takes them, in the caller's scope.
    func map(_ arena: inout Arena) -> FeatureMap {
        let map = arena.featureMap(height: size.height, width: size.width, channels: 3)
        map.matrix.fill(samples)
        return map
    }
}

extension Image {
    /// - Throws: `Interruption` while the picture is resized
    func pixels(
        as configuration: PictureConfiguration, _ cancellation: Cancellation
    ) throws(Interruption) -> PreparedPixels {
        guard let samples = prepared(configuration, while: { cancellation.interruption == nil }) else {
            try cancellation.check()
            preconditionFailure("a picture is prepared to its end unless its answer ends")
        }
        return PreparedPixels(samples: samples, size: configuration.size(of: size))
    }

    /// The picture as a vision network reads it.
    package func map(
        as configuration: PictureConfiguration, _ cancellation: Cancellation
    ) throws(Interruption) -> FeatureMap {
        try pixels(as: configuration, cancellation).map
    }
}

extension PictureConfiguration {
    /// Whether another configuration of the same statistics reads the same pixels of a picture.
    func readsAlike(_ other: PictureConfiguration, of size: Size) -> Bool {
        fit.size(of: size) == other.fit.size(of: size) && self.size(of: size) == other.size(of: size)
    }
}

extension VisionConfiguration {
    /// Throws unless pictures are prepared at the size that the network was trained on.
    func check(_ pictures: PictureConfiguration, _ directory: String) throws(ModelError) {
        let read = pictures.size(of: .init(height: side, width: side))
        for length in [read.height, read.width] where length != side {
            throw .otherUse(
                place: "\(directory)/\(PictureConfiguration.file)", what: "the side of pictures", found: length,
                expected: side)
        }
    }
}

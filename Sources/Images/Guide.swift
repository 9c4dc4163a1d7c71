import CImages

/// The picture that steers an edge-preserving filter: RGB of eight bits a sample.
package struct Guide: Sendable, Equatable {
    /// The most pixels of a guide; larger pictures are area-averaged.
    package static let pixelLimit = 4_000_000
    /// The pixels that larger pictures are averaged to: 10 MB, what a picture may cost more for being guided by.
    static let averagedPixels = 3_333_333

    package let width: Int
    package let height: Int
    /// RGB, `[height, width, 3]`.
    package let samples: [UInt8]

    package init(width: Int, height: Int, samples: [UInt8]) {
        precondition(width > 0 && height > 0, "a guide has at least one pixel")
        precondition(samples.count == width * height * 3, "RGB is [height, width, 3]")
        self.width = width
        self.height = height
        self.samples = samples
    }

    /// The guide's means over adaptive cells, as PyTorch's `interpolate(mode="area")` has them, `[height * width, 3]`
    /// in 0...1. Where a side is longer than the guide's, neighbouring cells share pixels.
    package func averaged(width: Int, height: Int) -> [Float] {
        precondition(width > 0 && height > 0, "a map has at least one number")
        return unsafe [Float](unsafeUninitializedCapacity: width * height * 3) { means, count in
            guard let base = means.baseAddress else { return }
            unsafe withColumns { unsafe dseg_area(samples, self.width, self.height, width, height, $0, base) }
            count = width * height * 3
        }
    }

    /// The guide area-averaged to at most `limit` pixels, each side scaled by the same factor and rounded down, if it
    /// has more.
    func reduced(to limit: Int) -> Guide {
        precondition(limit > 0, "a guide has at least one pixel")
        guard width * height > limit else { return self }
        let scale = (Double(limit) / Double(width * height)).squareRoot()
        let (short, long) = (min(width, height), max(width, height))
        let across = max(Int(Double(short) * scale), 1)
        // A side of one pixel is not rounded down, and the other one must make up for it.
        let along = min(max(Int(Double(long) * scale), 1), limit / across)
        let (width, height) = width < height ? (across, along) : (along, across)
        let reduced = unsafe Compositing.samples(width * height * 3) { reduced in
            unsafe withColumns {
                unsafe dseg_area_bytes(samples, self.width, self.height, width, height, $0, reduced)
            }
        }
        return Guide(width: width, height: height, samples: reduced)
    }

    /// Runs an average with its scratch, one number for each sample of a row.
    private func withColumns(_ body: (UnsafeMutablePointer<UInt32>) -> Void) {
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 3 * width) { columns in
            guard let base = columns.baseAddress else { return }
            unsafe body(base)
        }
    }
}

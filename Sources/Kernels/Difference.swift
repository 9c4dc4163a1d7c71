import CKernels

/// Differences of a result from its reference.
package enum Difference {
    /// The number of pixels in which two masks differ; all pixels of the larger one where their sizes differ.
    package static func places(_ x: [UInt8], _ y: [UInt8]) -> Int {
        x.count == y.count ? unsafe dseg_differing(x, y, x.count) : max(x.count, y.count)
    }

    /// The largest |x - y| relative to the largest |y|; infinite where x or y is not finite, absolute where y is zero.
    package static func relativeError(_ x: [Float], to y: [Float]) -> Float {
        precondition(x.count == y.count, "\(x.count) numbers against \(y.count)")
        var difference: Float = 0
        var magnitude: Float = 0
        unsafe dseg_distance(x, y, x.count, &difference, &magnitude)
        return magnitude > 0 && difference < .infinity ? difference / magnitude : difference
    }
}

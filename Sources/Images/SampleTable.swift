import CImages

/// What each of the 256 values of an 8-bit sample stands for, of each channel of RGB.
package struct SampleTable: Sendable {
    /// `[3, 256]`
    private let values: [Float]

    /// - Parameter value: of a channel, 0 to 2, and a sample
    package init(_ value: (_ channel: Int, _ sample: UInt8) -> Float) {
        values = (0..<3).flatMap { channel in (0...UInt8.max).map { value(channel, $0) } }
    }

    /// The values of samples, as they lie, `[count, 3]`.
    package func values(of samples: [UInt8]) -> [Float] {
        precondition(samples.count.isMultiple(of: 3), "RGB has three samples a pixel")
        return unsafe [Float](unsafeUninitializedCapacity: samples.count) { out, count in
            guard let base = out.baseAddress else { return }
            unsafe dseg_look_up(samples, samples.count / 3, values, base)
            count = samples.count
        }
    }
}

import CImages
import Glibc

extension Region {
    /// The largest standard deviation of ``feathered(by:never:)``, whose time grows with it.
    package static let featherLimit = 200

    /// How much of each pixel is in after a Gaussian blur, `[height, width]`, 0 (nothing) to 255.
    ///
    /// - Parameters:
    ///   - sigma: the standard deviation in pixels, 0 (no blur: 0 or 255) to ``featherLimit``; beyond four of them the
    ///     Gaussian is cut off, and beyond the picture's border its last pixels are repeated
    ///   - excluded: of the same size; its pixels are 0
    package func feathered(by sigma: Int, never excluded: Region?) -> [UInt8] {
        precondition((0...Self.featherLimit).contains(sigma), "a standard deviation of 0 to \(Self.featherLimit)")
        precondition(excluded.map { $0.width == width && $0.height == height } ?? true, "a region of another size")
        let weights = Self.gaussian(sigma)
        let radius = weights.count - 1
        var sums = [UInt32](repeating: 0, count: width)
        var line = [UInt16](repeating: 0, count: width + 2 * radius)
        return unsafe weights.withUnsafeBufferPointer { weights in
            guard let base = weights.baseAddress else { return [] }
            let filter = unsafe dseg_filter(radius: radius, weights: base)
            return unsafe Compositing.samples(pixels.count) { soft in
                unsafe dseg_blur(pixels, width, height, filter, excluded?.pixels, &sums, &line, soft)
            }
        }
    }

    /// The weights of a Gaussian, from its middle outwards, in 2^15ths. What lies outside any distance is right to half
    /// of one: tails are rounded, and weights are their differences.
    private static func gaussian(_ sigma: Int) -> [UInt16] {
        let heights = (0...4 * sigma).map { distance in
            sigma == 0 ? 1 : exp(-0.5 * Double(distance * distance) / Double(sigma * sigma))
        }
        let total = 2 * heights.reduce(0, +) - heights[0]
        var tails = [0]
        var sum = 0.0
        for height in heights.dropFirst().reversed() {
            sum += height
            tails.append(Int((sum / total * 32768).rounded()))
        }
        let outer = zip(tails.dropFirst(), tails).map { UInt16($0 - $1) }
        return [UInt16(32768 - 2 * (tails.last ?? 0))] + outer.reversed()
    }
}

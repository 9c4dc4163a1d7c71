import Limits
import CImages

/// A set of a picture's pixels.
package struct Region: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width]`, 1 where the pixel is in, otherwise 0.
    package private(set) var pixels: [UInt8]

    /// The pixels whose index is in.
    ///
    /// - Parameters:
    ///   - width, height: at most ``Limit/pixels`` pixels, and ``Limit/side`` a side
    ///   - indices: `[height, width]`
    ///   - isIn: `[256]`, by index
    package init(width: Int, height: Int, of indices: [UInt8], where isIn: [Bool]) {
        precondition(isIn.count == 256, "one answer for each index")
        precondition((1...Limit.side).contains(width) && (1...Limit.side).contains(height), "no such size")
        precondition(width * height <= Limit.pixels, "more pixels than a picture has")
        precondition(indices.count == width * height, "indices are [height, width]")
        unsafe self.init(width: width, height: height) { pixels in
            unsafe dseg_select(indices, indices.count, isIn.map { $0 ? 1 : 0 }, pixels)
        }
    }

    /// A region whose pixels, all of them, a C function writes.
    private init(width: Int, height: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        self.width = width
        self.height = height
        pixels = unsafe Compositing.samples(width * height, fill)
    }

    package var isEmpty: Bool { area == 0 }

    /// How many pixels are in.
    package var area: Int { unsafe dseg_pixels_in(pixels, pixels.count) }

    /// The smallest rectangle around all pixels, in pixels from the upper left corner; `nil` where none is in.
    package var box: (x: Int, y: Int, width: Int, height: Int)? {
        let box = unsafe dseg_bounds(pixels, width, height)
        if box.right == 0 { return nil }
        return (box.left, box.top, box.right - box.left, box.bottom - box.top)
    }

    /// Every pixel of which one of the region is at most so many pixels away, measured straight between their centres.
    ///
    /// A negative number shrinks: every pixel that is farther away from all pixels outside the region. What lies beyond
    /// the picture's border counts as inside, so that nothing is taken away there.
    package func grown(by distance: Int) -> Region {
        let radius = min(Int(clamping: distance.magnitude), width + height)
        var scratch = [UInt32](repeating: 0, count: dseg_grow_scratch(width, height, radius))
        return unsafe Region(width: width, height: height) { grown in
            unsafe dseg_grow(pixels, width, height, distance < 0 ? 0 : 1, radius, &scratch, grown)
        }
    }

    /// Holes are filled: 4-connected parts of the complement that do not touch the picture's border.
    package func withoutHoles() -> Region {
        var runs = runs(of: 0)
        return unsafe Region(width: width, height: height) { filled in
            unsafe dseg_fill_holes(pixels, width, height, &runs, filled)
        }
    }

    /// The 8-connected part with the most pixels, of several the first in reading order; empty of an empty region.
    package func largestPart() -> Region {
        var runs = runs(of: 1)
        return unsafe Region(width: width, height: height) { part in
            unsafe dseg_largest_part(pixels, width, height, &runs, part)
        }
    }

    /// Room for the runs of a value.
    private func runs(of value: UInt8) -> [dseg_run] {
        unsafe [dseg_run](repeating: dseg_run(), count: dseg_run_count(pixels, width, height, value))
    }

    /// The pixels that are not in the other region, which has the same size.
    package func subtracting(_ other: Region) -> Region {
        precondition(other.width == width && other.height == height, "a region of another size")
        return unsafe Region(width: width, height: height) { difference in
            unsafe dseg_subtract(pixels, other.pixels, pixels.count, difference)
        }
    }
}

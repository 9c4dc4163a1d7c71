import CKernels
import Kernels
import Testing

/// Keys' kernel with a = -3/4.
private func keys(_ distance: Double) -> Double {
    let (x, a) = (distance.magnitude, -0.75)
    if x <= 1 { return (a + 2) * x * x * x - (a + 3) * x * x + 1 }
    return x < 2 ? a * (x * x * x - 5 * x * x + 8 * x - 4) : 0
}

/// The kernel of linear interpolation.
private func tent(_ distance: Double) -> Double { max(0, 1 - distance.magnitude) }

/// What each number of a line counts for in output `place` of `count`. A centre is computed in floats: PyTorch's rule.
private func weights(_ place: Int, of count: Int, from length: Int, _ linear: Bool) -> [Double] {
    let at = Float(length) / Float(count) * (Float(place) + 0.5) - 0.5
    let first = Int(at.rounded(.down))
    var weights = [Double](repeating: 0, count: length)
    for tap in (first - 1)...(first + 2) {
        weights[min(max(tap, 0), length - 1)] += (linear ? tent : keys)(Double(at) - Double(tap))
    }
    return weights
}

/// A number is a sum of sixteen products with weights that are products of two; of all weights the magnitudes add up to
/// less than two. Each of them is off by the few roundings of a cubic polynomial whose terms are up to 8 |a|.
private func resampled(
    _ x: Framed, _ from: (height: Int, width: Int), to: (height: Int, width: Int), _ linear: Bool
) -> [Bounded] {
    let numbers = x.values.map(Double.init)
    let largest = numbers.reduce(0) { max($0, $1.magnitude) }
    return (0..<(to.height * to.width * x.columns)).map { place in
        let (pixel, channel) = place.quotientAndRemainder(dividingBy: x.columns)
        let rows = weights(pixel / to.width, of: to.height, from: from.height, linear)
        let columns = weights(pixel % to.width, of: to.width, from: from.width, linear)
        var sum = 0.0
        for (row, weight) in rows.enumerated() where weight != 0 {
            for (column, other) in columns.enumerated() {
                sum += weight * other * numbers[(row * from.width + column) * x.columns + channel]
            }
        }
        return Bounded(value: sum, slack: 64 * roundoff * largest)
    }
}

@Suite struct BicubicTests {
    @Test func `dseg_resample keeps its definition at every number of channels`() {
        for channels in tails {
            var draw = Draw(seed: channels)
            let x = draw.matrix(12, channels)
            let y = Framed(unwritten: 10, channels)
            for linear in [false, true] {
                unsafe dseg_resample(x.c, 3, 4, y.c, 5, 2, linear)
                expect(y, within: resampled(x, (3, 4), to: (5, 2), linear), "\(channels) channels")
            }
        }
    }

    @Test func `dseg_resample keeps its definition between grids of every size`() {
        let sides = [1, 2, 3, 7, 16, 24]
        for (height, width) in sides.flatMap({ side in sides.map { (side, $0) } }) {
            for (outHeight, outWidth) in [(1, 1), (2, 9), (24, 5), (37, 40)] {
                var draw = Draw(seed: height * 100 + width)
                let x = draw.matrix(height * width, 2)
                let y = Framed(unwritten: outHeight * outWidth, 2)
                for linear in [false, true] {
                    unsafe dseg_resample(x.c, height, width, y.c, outHeight, outWidth, linear)
                    expect(
                        y, within: resampled(x, (height, width), to: (outHeight, outWidth), linear),
                        "\(height) x \(width) to \(outHeight) x \(outWidth)")
                }
            }
        }
    }

    @Test func `a map at its own size keeps its bits`() {
        for (height, width) in [(1, 1), (3, 5), (24, 24)] {
            var draw = Draw(seed: height)
            let x = draw.matrix(height * width, 19)
            let y = Framed(unwritten: height * width, 19)
            for linear in [false, true] {
                unsafe dseg_resample(x.c, height, width, y.c, height, width, linear)
                #expect(y.values == x.values && y.isFrameIntact)
            }
        }
    }

    /// torch 2: `interpolate(torch.arange(6.).square().reshape(1, 1, 3, 2), size=(5, 4), mode="bicubic")`
    @Test func `PyTorch has the same numbers`() {
        let x = FeatureMap(Matrix(stored: 6, by: 1), height: 3, width: 2)
        x.matrix.fill([0, 1, 4, 9, 16, 25])
        let y = FeatureMap(Matrix(stored: 20, by: 1), height: 5, width: 4)
        y.resample(x, .bicubic)
        let expected = [
            -0.4489686191, -0.2444372624, 0.0924378857, 0.2969692945, 0.4492221177, 1.2009414434, 2.4390671253,
            3.1907866001, 3.4726562500, 5.1328125000, 7.8671875000, 9.5273437500, 10.8160943985, 13.3846883774,
            17.6153125763, 20.1839065552, 16.1622829437, 19.2780647278, 24.4099407196, 27.5257205963,
        ]
        let slack = 25 * 8 * roundoff  // PyTorch's own numbers are off by up to 5.4e-6, by those that doubles give
        expect(y.matrix.array, within: expected.map { Bounded(value: $0, slack: slack) }, "3 x 2 to 5 x 4")
    }

    @Test func `a NaN reaches the outputs that read it and no other`() {
        let x = Framed(rows: 36, columns: 3) { row, column in row == 14 && column == 1 ? .nan : 1 }
        let y = Framed(unwritten: 144, 3)
        unsafe dseg_resample(x.c, 6, 6, y.c, 12, 12, false)
        for (pixel, channel) in (0..<144).flatMap({ pixel in (0..<3).map { (pixel, $0) } }) {
            let (row, column) = pixel.quotientAndRemainder(dividingBy: 12)
            let reads = channel == 1 && (1...8).contains(row) && (1...8).contains(column)
            #expect(y[pixel, channel].isNaN == reads, "[\(pixel)][\(channel)]")
        }
    }
}

import Images
import Support
import Testing

private func drawn(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
}

private func cell(_ i: Int, of count: Int, _ length: Int) -> Range<Int> {
    i * length / count..<((i + 1) * length + count - 1) / count
}

/// The sum and the number of samples of a cell's channel.
private func sum(_ guide: Guide, rows: Range<Int>, columns: Range<Int>, channel: Int) -> (sum: Int, count: Int) {
    let sum = rows.reduce(0) { sum, y in
        columns.reduce(sum) { $0 + Int(guide.samples[(y * guide.width + $1) * 3 + channel]) }
    }
    return (sum, rows.count * columns.count)
}

@Suite struct GuideTests {
    @Test func `a guide is averaged over PyTorch's adaptive cells, to more cells than pixels too`() {
        for (width, height) in [(1, 1), (7, 5), (16, 12), (31, 64)] {
            let guide = Guide(width: width, height: height, samples: drawn(width * height * 3, seed: 1))
            for (columns, rows) in [(1, 1), (3, 2), (7, 5), (8, 8), (40, 3), (9, 70)] {
                let means = guide.averaged(width: columns, height: rows)
                #expect(means.count == columns * rows * 3)
                for i in means.indices {
                    let (y, x) = (cell(i / 3 / columns, of: rows, height), cell(i / 3 % columns, of: columns, width))
                    let (sum, count) = sum(guide, rows: y, columns: x, channel: i % 3)
                    #expect(means[i] == Float(Double(sum) / (255 * Double(count))))
                }
            }
        }
    }

    @Test func `a picture of no more pixels than the limit is its own guide, over white`() {
        let (pixels, alpha) = (drawn(12 * 9 * 3, seed: 2), drawn(12 * 9, seed: 3))
        let image = Image(width: 12, height: 9, pixels: pixels, alpha: alpha)
        #expect(image.guide(pixels: 108) == Guide(width: 12, height: 9, samples: image.seen))
        #expect(image.guide == image.guide(pixels: 108))
        #expect(image.seen != pixels)
    }

    @Test(arguments: [(4000, 1000, 4000, 1000), (4001, 1000, 3651, 912), (2600, 2600, 1825, 1825)])
    func `up to 4 megapixels a picture is its own guide, a larger one is averaged to 10 MB`(
        width: Int, height: Int, guideWidth: Int, guideHeight: Int
    ) {
        let image = Image(
            width: width, height: height, pixels: [UInt8](repeating: 9, count: width * height * 3), alpha: nil)
        let guide = image.guide
        #expect((guide.width, guide.height) == (guideWidth, guideHeight))
        #expect(width * height <= 4_000_000 || guide.samples.count <= 10_000_000)
    }

    @Test func `a larger picture is averaged, each sample rounded to nearest`() {
        let image = Image(width: 40, height: 30, pixels: drawn(3600, seed: 4), alpha: nil)
        let guide = image.guide(pixels: 300)
        #expect((guide.width, guide.height) == (20, 15))
        let whole = Guide(width: 40, height: 30, samples: image.pixels)
        for i in guide.samples.indices {
            let (y, x) = (cell(i / 3 / 20, of: 15, 30), cell(i / 3 % 20, of: 20, 40))
            let (sum, count) = sum(whole, rows: y, columns: x, channel: i % 3)
            #expect(Int(guide.samples[i]) == (2 * sum + count) / (2 * count))
        }
    }

    @Test(arguments: [(40, 30), (1, 5000), (5000, 1), (3, 1000), (17, 23), (2, 2)])
    func `a guide has at most as many pixels as the limit, and the picture's shape`(width: Int, height: Int) {
        let image = Image(
            width: width, height: height, pixels: [UInt8](repeating: 77, count: width * height * 3), alpha: nil)
        for limit in [1, 2, 3, 50, 100, 1000] {
            let guide = image.guide(pixels: limit)
            #expect(guide.width * guide.height <= limit || width * height <= limit)
            #expect(guide.samples.allSatisfy { $0 == 77 })
            guard width * height > limit else { continue }
            let scale = (Double(limit) / Double(width * height)).squareRoot()
            for (side, whole) in [(guide.width, width), (guide.height, height)] {
                #expect(side >= 1 && side <= max(Int(Double(whole) * scale), 1))
            }
            #expect(guide.width * guide.height > limit / 4 || min(guide.width, guide.height) == 1)
        }
    }
}

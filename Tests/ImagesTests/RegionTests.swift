import FoundationEssentials
import Images
import Support
import Testing

@Suite struct RegionTests {
    private static let masks = SampleMask.awkward + SampleMask.random(60, seed: 1801, side: 17)

    @Test func `a region has the pixels whose index is in`() {
        var random = SeededGenerator(seed: 1802)
        let indices = random.bytes(35 * 7)
        let isIn = (0..<256).map { $0 % 3 == 1 || $0 == 255 }
        let region = Region(width: 35, height: 7, of: indices, where: isIn)
        #expect(region.width == 35 && region.height == 7)
        #expect(region.pixels == indices.map { $0 % 3 == 1 || $0 == 255 ? 1 : 0 })
    }

    @Test func `area and box are those of the pixels`() {
        for mask in Self.masks {
            let region = Region(mask)
            let places = mask.pixels.indices.filter { mask.pixels[$0] == 1 }
            #expect(region.area == places.count)
            #expect(region.isEmpty == places.isEmpty)
            let (columns, rows) = (places.map { $0 % mask.width }, places.map { $0 / mask.width })
            guard let left = columns.min(), let right = columns.max(), let top = rows.min(), let bottom = rows.max()
            else {
                #expect(region.box == nil)
                continue
            }
            #expect(
                region.box.map { [$0.x, $0.y, $0.width, $0.height] } == [left, top, right - left + 1, bottom - top + 1])
        }
    }

    @Test func `a grown region has each pixel near enough, and no other`() {
        for mask in Self.masks {
            for distance in [0, 1, 2, 3, 5, 9, 40, -1, -2, -3, -7, -40] {
                #expect(
                    Region(mask).grown(by: distance).pixels == Definition.grown(mask, by: distance),
                    "\(mask) by \(distance)")
            }
        }
    }

    @Test func `growing by any number is no overflow`() {
        let dot = Region(width: 5, height: 4, of: [1] + [UInt8](repeating: 0, count: 19), where: .ones)
        #expect(dot.grown(by: .max).area == 20 && dot.grown(by: .min).area == 0)
        let full = Region(width: 5, height: 4, of: [UInt8](repeating: 1, count: 20), where: .ones)
        #expect(full.grown(by: .min) == full && full.subtracting(full).grown(by: .max).isEmpty)
    }

    @Test func `holes are filled, bays are not`() {
        for mask in Self.masks {
            #expect(Region(mask).withoutHoles().pixels == Definition.withoutHoles(mask), "\(mask)")
        }
    }

    @Test func `the largest part is the first of the largest`() {
        for mask in Self.masks {
            #expect(Region(mask).largestPart().pixels == Definition.largestPart(mask), "\(mask)")
        }
    }

    @Test func `a difference is that of sets`() {
        let some = SampleMask.random(1, seed: 1803, side: 40)[0]
        var random = SeededGenerator(seed: 1804)
        let others = some.pixels.map { _ in UInt8.random(in: 0...1, using: &random) }
        let region = Region(some)
        let other = Region(width: some.width, height: some.height, of: others, where: .ones)
        #expect(region.subtracting(other).pixels == zip(some.pixels, others).map { $0 > $1 ? 1 : 0 })
    }

    @Test func `a soft edge keeps what is far from it, and what is excluded at nothing`() {
        let half = Region(
            width: 90, height: 50, of: (0..<4500).map { $0 % 90 < 45 ? 1 : 0 }, where: .ones)
        let excluded = Region(width: 90, height: 50, of: (0..<4500).map { $0 / 90 == 7 ? 1 : 0 }, where: .ones)
        #expect(half.feathered(by: 0, never: nil) == half.pixels.map { $0 * 255 })
        for sigma in [1, 3, 10] {
            let soft = half.feathered(by: sigma, never: nil)
            for y in [0, 20, 49] {
                let row = Array(soft[y * 90..<(y + 1) * 90])
                #expect(row == row.sorted(by: >) && row[0] == 255 && row[89] == 0)
                #expect(zip(row, row.reversed()).allSatisfy { (254...256).contains(Int($0) + Int($1)) })
            }
            let kept = zip(soft, excluded.pixels).map { $1 == 1 ? 0 : $0 }
            #expect(half.feathered(by: sigma, never: excluded) == kept)
        }
        let full = half.grown(by: 90)
        for sigma in [1, 7, Region.featherLimit] {
            #expect(full.feathered(by: sigma, never: nil) == [UInt8](repeating: 255, count: 4500))
        }
    }

    /// regions.py prints for each case which pixels scipy makes otherwise: of the grown, shrunk and filled region and
    /// its largest part how many, of the soft one by how much.
    @Test func `scipy makes the same regions`() throws {
        let folder = try TemporaryDirectory()
        let masks = SampleMask.awkward + SampleMask.random(80, seed: 1805, side: 61)
        var random = SeededGenerator(seed: 1806)
        for (number, mask) in masks.enumerated() {
            let (distance, sigma) = (Int.random(in: 0...12, using: &random), Int.random(in: 0...9, using: &random))
            let region = Region(mask)
            let results = [
                region.grown(by: distance), region.grown(by: -distance), region.withoutHoles(), region.largestPart(),
            ]
            let head = [mask.width, mask.height, distance, sigma].map { UInt8($0) }
            let bytes = head + mask.pixels + results.flatMap(\.pixels) + region.feathered(by: sigma, never: nil)
            try Data(bytes).write(to: URL(filePath: "\(folder.path)/\(1000 + number)"))
        }
        let lines = try read(by: "regions.py", [folder.path]).split(separator: "\n")
        #expect(lines.count == masks.count)
        for (line, mask) in zip(lines, masks) {
            let numbers = line.split(separator: " ").compactMap { Double($0) }
            #expect(
                numbers.count == 5 && numbers.prefix(4).allSatisfy { $0 == 0 } && numbers[4] <= 1, "\(line): \(mask)")
        }
    }
}

extension Region {
    init(_ mask: SampleMask) {
        self.init(width: mask.width, height: mask.height, of: mask.pixels, where: .ones)
    }
}

extension [Bool] {
    /// Index 1 alone.
    static var ones: [Bool] { (0..<256).map { $0 == 1 } }
}

/// What the words mean, pixel by pixel.
private enum Definition {
    static func grown(_ mask: SampleMask, by distance: Int) -> [UInt8] {
        let (value, radius): (UInt8, Int) = distance < 0 ? (0, -distance) : (1, distance)
        let places = mask.pixels.indices.filter { mask.pixels[$0] == value }
        return mask.pixels.indices.map { pixel in
            let isNear = places.contains { place in
                let (x, y) = (place % mask.width - pixel % mask.width, place / mask.width - pixel / mask.width)
                return x * x + y * y <= radius * radius
            }
            return isNear ? value : 1 - value
        }
    }

    static func withoutHoles(_ mask: SampleMask) -> [UInt8] {
        var filled = mask.pixels
        for part in parts(of: 0, in: mask, diagonally: false) {
            let touches = part.contains { pixel in
                let (x, y) = (pixel % mask.width, pixel / mask.width)
                return x == 0 || y == 0 || x == mask.width - 1 || y == mask.height - 1
            }
            if !touches { for pixel in part { filled[pixel] = 1 } }
        }
        return filled
    }

    static func largestPart(_ mask: SampleMask) -> [UInt8] {
        let parts = parts(of: 1, in: mask, diagonally: true)
        let size = parts.map(\.count).max() ?? 0
        let largest = Set(parts.first { $0.count == size } ?? [])
        return mask.pixels.indices.map { largest.contains($0) ? 1 : 0 }
    }

    /// In the order of their first pixels.
    private static func parts(of value: UInt8, in mask: SampleMask, diagonally: Bool) -> [[Int]] {
        var isSeen = mask.pixels.map { $0 != value }
        var parts: [[Int]] = []
        for first in mask.pixels.indices where !isSeen[first] {
            isSeen[first] = true
            var part = [first]
            var next = 0
            while next < part.count {
                let (x, y) = (part[next] % mask.width, part[next] / mask.width)
                next += 1
                for (dx, dy) in [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)] {
                    guard diagonally || dx == 0 || dy == 0, (0..<mask.width).contains(x + dx),
                        (0..<mask.height).contains(y + dy)
                    else { continue }
                    let pixel = (y + dy) * mask.width + x + dx
                    if !isSeen[pixel] { part.append(pixel) }
                    isSeen[pixel] = true
                }
            }
            parts.append(part)
        }
        return parts
    }
}

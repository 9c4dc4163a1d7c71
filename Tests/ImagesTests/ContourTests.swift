import Images
import Support
import Testing

/// Lines are held to the cracks that they walk: a crack lies between two pixels, of which the part has one.
@Suite struct ContourTests {
    private static let masks = SampleMask.awkward + SampleMask.random(120, seed: 1811, side: 29)

    @Test func `the lines walk each crack of the region once, the region on the right`() {
        for mask in Self.masks {
            let contours = Region(mask).contours()
            let walked = contours.flatMap { [$0.outer] + $0.holes }.flatMap(Steps.of)
            #expect(walked.count == Set(walked).count, "\(mask)")
            #expect(Set(walked) == Steps.around(mask), "\(mask)")
        }
    }

    @Test func `a line begins at its first corner and turns at each`() {
        for mask in Self.masks {
            for contour in Region(mask).contours() {
                for line in [contour.outer] + contour.holes {
                    #expect(line.count >= 4 && line.count % 2 == 0)
                    #expect(line.allSatisfy { ($0.y, $0.x) >= (line[0].y, line[0].x) })
                    for (place, corner) in line.enumerated() {
                        let next = line[(place + 1) % line.count]
                        let afterNext = line[(place + 2) % line.count]
                        #expect((corner.x == next.x) != (corner.y == next.y))
                        #expect((corner.x == next.x) != (next.x == afterNext.x))
                    }
                }
                #expect(contour.outer[1].x > contour.outer[0].x)
                #expect(contour.holes.allSatisfy { $0[1].y > $0[0].y })
            }
        }
    }

    /// A part is what is enclosed, and its pixels reach each other side by side.
    @Test func `a contour encloses one part, in the order of first corners`() {
        for mask in Self.masks {
            let contours = Region(mask).contours()
            var seen = [UInt8](repeating: 0, count: mask.pixels.count)
            for contour in contours {
                let part = Enclosed.pixels(by: [contour.outer] + contour.holes, mask.width, mask.height)
                #expect(zip(seen, part).allSatisfy { $0 + $1 < 2 })
                seen = zip(seen, part).map { $0 + $1 }
                // The only part of its own region, with the same lines.
                let alone = Region(width: mask.width, height: mask.height, of: part, where: .ones)
                #expect(alone.contours() == [contour], "\(mask)")
                let area = [contour.outer] + contour.holes
                #expect(area.map(Enclosed.area).reduce(0, +) == alone.area)
            }
            #expect(seen == mask.pixels, "\(mask)")
            let firsts = contours.map { ($0.outer[0].y, $0.outer[0].x) }
            #expect(zip(firsts, firsts.dropFirst()).allSatisfy { $0 < $1 })
        }
    }

    /// The cracks that a bridge walks down and up again cancel out; what is left is the contour.
    @Test func `bridges lead through the part and nowhere else`() {
        var bridges = 0
        for mask in Self.masks {
            for contour in Region(mask).contours() {
                let joined = contour.joined
                #expect(zip(joined, joined.dropFirst() + joined.prefix(1)).allSatisfy { $0 != $1 })
                var walked: [Step: Int] = [:]
                for step in Steps.of(joined) { walked[step, default: 0] += 1 }
                let both = walked.filter { walked[$0.key.back] != nil }
                for (step, count) in both {
                    #expect(count == 1 && step.dx == 0, "\(mask)")
                    #expect(
                        mask[step.x - 1, min(step.y, step.y + step.dy)] && mask[step.x, min(step.y, step.y + step.dy)])
                }
                let single = Set(walked.keys).subtracting(both.keys)
                #expect(single == Set(([contour.outer] + contour.holes).flatMap(Steps.of)), "\(mask)")
                #expect(Enclosed.area(joined) == ([contour.outer] + contour.holes).map(Enclosed.area).reduce(0, +))
                if contour.holes.isEmpty { #expect(joined == contour.outer) }
                bridges += contour.holes.count
            }
        }
        #expect(bridges > 100)
    }

    /// Bridges of every length end on one edge, or each on the hole above: nothing takes quadratic time.
    @Test func `many holes above each other and beside each other are joined`() {
        let (width, height) = (4001, 61)
        let indices = (0..<width * height).map { place -> UInt8 in
            let (x, y) = (place % width, place / width)
            return x % 2 == 1 && y == 1 + (x / 2 * 7919) % 59 ? 0 : 1
        }
        let region = Region(width: width, height: height, of: indices, where: .ones)
        let contours = region.contours()
        #expect(contours.count == 1 && contours[0].holes.count == 2000)
        #expect(Enclosed.area(contours[0].joined) == region.area)
        let column = Region(width: 3, height: 20_001, of: (0..<60_003).map { $0 % 6 == 4 ? 0 : 1 }, where: .ones)
        #expect(column.contours()[0].holes.count == 10_000)
        #expect(Enclosed.area(column.contours()[0].joined) == column.area)
    }
}

/// One side of a pixel, walked in one direction.
private struct Step: Hashable {
    let x: Int, y: Int, dx: Int, dy: Int

    var back: Step { Step(x: x + dx, y: y + dy, dx: -dx, dy: -dy) }
}

private enum Steps {
    static func of(_ line: [Corner]) -> [Step] {
        zip(line, line.dropFirst() + line.prefix(1)).flatMap { from, to in
            let (dx, dy) = (Int((to.x - from.x).signum()), Int((to.y - from.y).signum()))
            let length = Int(max(abs(to.x - from.x), abs(to.y - from.y)))
            return (0..<length).map { Step(x: Int(from.x) + $0 * dx, y: Int(from.y) + $0 * dy, dx: dx, dy: dy) }
        }
    }

    /// Around each pixel clockwise, where its neighbour is out.
    static func around(_ mask: SampleMask) -> Set<Step> {
        Set(
            mask.pixels.indices.filter { mask.pixels[$0] == 1 }.flatMap { place -> [Step] in
                let (x, y) = (place % mask.width, place / mask.width)
                return [
                    mask[x, y - 1] ? nil : Step(x: x, y: y, dx: 1, dy: 0),
                    mask[x + 1, y] ? nil : Step(x: x + 1, y: y, dx: 0, dy: 1),
                    mask[x, y + 1] ? nil : Step(x: x + 1, y: y + 1, dx: -1, dy: 0),
                    mask[x - 1, y] ? nil : Step(x: x, y: y + 1, dx: 0, dy: -1),
                ].compactMap(\.self)
            })
    }
}

private enum Enclosed {
    /// The pixels from which a way to the right crosses lines an odd number of times.
    static func pixels(by lines: [[Corner]], _ width: Int, _ height: Int) -> [UInt8] {
        var pixels = [UInt8](repeating: 0, count: width * height)
        for step in lines.flatMap(Steps.of) where step.dy != 0 {
            let y = min(step.y, step.y + step.dy)
            for x in 0..<step.x { pixels[y * width + x] ^= 1 }
        }
        return pixels
    }

    /// Positive if clockwise, as y grows downwards.
    static func area(_ line: [Corner]) -> Int {
        zip(line, line.dropFirst() + line.prefix(1)).reduce(0) { sum, edge in
            sum + Int(edge.0.x) * Int(edge.1.y) - Int(edge.1.x) * Int(edge.0.y)
        } / 2
    }
}

extension SampleMask {
    /// Beyond the border nothing is in.
    fileprivate subscript(x: Int, y: Int) -> Bool {
        (0..<width).contains(x) && (0..<height).contains(y) && pixels[y * width + x] == 1
    }
}

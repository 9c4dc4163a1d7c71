import Glibc
import Images
import Support
import Testing

@Suite struct PageTests {
    private static let black = Colour(0, 0, 0)

    /// Where a page of 40 x 30 is not white once a line is drawn on it, row by row.
    private static func ink(
        _ line: Lettering, left: Int = 0, top: Int = 0, scale: Int = 1, width: Int = 40, height: Int = 30
    ) -> [String] {
        var page = Page(width: width, height: height)
        page.draw(line, left: left, top: top, scale: scale, black)
        return (0..<height).map { y in
            (0..<width).map { page.pixels[3 * (y * width + $0)] == 0 ? "#" : "." }.joined()
        }
    }

    @Test func `letters look as the font's`() {
        let drawn = Self.ink(Lettering("Aж"), width: 12, height: 13)
        #expect(
            drawn == [
                "............", "............", "..#.........", ".#.#........", "#...#.......", "#...#.#.#.#.",
                "#...#.#.#.#.", "#####..###..", "#...#..###..", "#...#.#.#.#.", "#...#.#.#.#.", "............",
                "............",
            ])
    }

    @Test func `a code point without a glyph is a box with its number`() {
        let drawn = Self.ink(Lettering("\u{4E00}"), width: 12, height: 13)
        #expect(
            drawn == [
                "###########.", "##.#.#...##.", "##.#.#.####.", "##...#..###.", "####.#.####.", "####.#...##.",
                "###########.", "##...#...##.", "##.#.#.#.##.", "##.#.#.#.##.", "##.#.#.#.##.", "##...#...##.",
                "###########.",
            ])
        #expect(Lettering("\u{1F600}").columns == 3 && Lettering("\u{10FFFD}").columns == 3)
        #expect(Self.ink(Lettering("\u{1F600}")) != Self.ink(Lettering("\u{1F601}")))
    }

    /// Every language of Latin, Greek and Cyrillic letters that is spelt with precomposed ones.
    @Test func `Latin, Greek and Cyrillic letters are in the font`() {
        let blocks: [ClosedRange<UInt32>] = [0x20...0x7E, 0xA1...0x17F, 0x391...0x3A1, 0x3A3...0x3CE, 0x400...0x45F]
        var shapes: [[String]: String] = [:]
        for scalar in blocks.joined().compactMap(Unicode.Scalar.init) where scalar != "\u{AD}" {
            let line = Lettering(String(scalar))
            #expect(line.columns == 1, "\(scalar)")
            let shape = Self.ink(line)
            #expect(scalar == " " || shape.contains { $0.contains("#") }, "\(scalar) is blank")
            if scalar.value < 0x7F { #expect(shapes.updateValue(String(scalar), forKey: shape) == nil, "\(scalar)") }
        }
        #expect(Lettering("ạ ế ữ – „“ … € → × № ≤").columns == 22)
    }

    @Test func `marks that stand on nothing of their own take no room`() {
        #expect(Lettering("e\u{301}a\u{200D}\u{FE0F}\u{202E}b\u{20DD}") == Lettering("eab"))
        #expect(Lettering("a\tb\u{2028}c\u{A0}d") == Lettering("a b c d"))
        #expect(Lettering(String(repeating: "\u{301}", count: 100_000)).columns == 0)
    }

    @Test func `what lies outside of the page is left out, the rest is drawn where it lies`() {
        let line = Lettering("Ag\u{4E00}\u{1F600}")
        for scale in 1...3 {
            let whole = Self.ink(line, left: 60, top: 60, scale: scale, width: 300, height: 200).map(Array.init)
            for (left, top) in [(0, 0), (-5, -4), (35, 25), (-60, 3), (7, -59), (40, 30), (-1000, 0), (0, 1000)] {
                let part = Self.ink(line, left: left, top: top, scale: scale)
                var wanted: [String] = []
                for row in (0..<30).map({ 60 + $0 - top }) {
                    let columns = (0..<40).map { 60 + $0 - left }
                    let isInside = whole.indices.contains(row)
                    wanted.append(String(columns.map { isInside && (0..<300).contains($0) ? whole[row][$0] : "." }))
                }
                #expect(part == wanted, "at \(left), \(top), scale \(scale)")
            }
        }
    }

    @Test func `lines are broken between words, and words at the width`() {
        let text = "cross-attention 8 x 8 of averylongwordindeed \u{4E00}\u{4E01}\u{1F600} end"
        for limit in 3...50 {
            let lines = Lettering.lines(of: text, columns: limit)
            #expect(lines.allSatisfy { $0.columns <= limit && $0.columns > 0 })
            #expect(lines.reduce(0) { $0 + $1.columns } >= Lettering(text.filter { $0 != " " }).columns)
        }
        #expect(Lettering.lines(of: "one two  three", columns: 7) == ["one two", "three"].map { Lettering($0) })
        #expect(Lettering.lines(of: "abcdefgh ij", columns: 3) == ["abc", "def", "gh", "ij"].map { Lettering($0) })
        #expect(Lettering.lines(of: " \n", columns: 3).isEmpty)
        #expect(Lettering.lines(of: "\u{1F600}\u{1F600}", columns: 1).count == 2, "a box is not divided")
    }

    /// Text from strangers: every scalar there is.
    @Test func `every code point is drawn`() {
        var page = Page(width: 30, height: 15)
        for start in stride(from: UInt32(0), through: 0x10FFFF, by: 397) {
            guard let scalar = Unicode.Scalar(start) else { continue }
            page.draw(Lettering(String(scalar)), left: 0, top: 0, scale: 1, Self.black)
        }
        #expect(page.pixels.contains(0))
    }

    @Test(arguments: [(4, 3), (5, 7), (64, 64), (1, 200)])
    func `a picture is put in its place by the nearest pixel, and nothing else is touched`(columns: Int, rows: Int) {
        var random = SeededGenerator(seed: UInt64(columns * rows))
        let picture = (0..<3 * columns * rows).map { _ in UInt8.random(in: 0...254, using: &random) }
        for place in [
            Page.Place(left: 3, top: 2, width: columns, height: rows),
            Page.Place(left: 0, top: 9, width: 50, height: 31), Page.Place(left: 70, top: 50, width: 90, height: 70),
        ] {
            var page = Page(width: 120, height: 90)
            page.put(picture, columns: columns, rows: rows, at: place)
            var wanted = [UInt8](repeating: 255, count: 3 * 120 * 90)
            for y in place.top..<min(90, place.top + place.height) {
                for x in place.left..<min(120, place.left + place.width) {
                    let column = Int((Double(x - place.left) + 0.5) * Double(columns) / Double(place.width))
                    let row = Int((Double(y - place.top) + 0.5) * Double(rows) / Double(place.height))
                    for channel in 0..<3 {
                        wanted[3 * (y * 120 + x) + channel] = picture[3 * (row * columns + column) + channel]
                    }
                }
            }
            #expect(page.pixels == wanted)
        }
    }

    @Test func `a place is filled up to the page's edge`() {
        var page = Page(width: 5, height: 4)
        page.fill(Page.Place(left: 3, top: 1, width: 9, height: 2), Colour(2, of: .voc))
        for y in 0..<4 {
            for x in 0..<5 {
                let isInside = x >= 3 && (1...2).contains(y)
                #expect(
                    Array(page.pixels[3 * (5 * y + x)..<3 * (5 * y + x + 1)])
                        == (isInside ? [0, 128, 0] : [255, 255, 255]))
            }
        }
    }

    @Test func `indices get their colours, scores their range`() {
        let indices: [UInt8] = [0, 255, 7, 7]
        let wanted = indices.flatMap { Palette.inferno.colours[3 * Int($0)..<3 * Int($0) + 3] }
        #expect(Compositing.coloured(indices, .inferno) == wanted)
        #expect(Compositing.range(of: [3, -2, 0.5]) == -2...3)
        #expect(Compositing.range(of: [4]) == 4...4)
    }

    /// CIE 1976 lightness of sRGB, 0 to 100.
    @Test func `each colour of a map is lighter than the one before, by a similar step`() {
        let colours = Palette.inferno.colours
        #expect(colours.count == 768)
        func linear(_ sample: UInt8) -> Double {
            let value = Double(sample) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        let lightness = (0..<256).map { place -> Double in
            let (red, green, blue) = (colours[3 * place], colours[3 * place + 1], colours[3 * place + 2])
            let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
            return luminance > 216.0 / 24389 ? 116 * cbrt(luminance) - 16 : luminance * 24389 / 27
        }
        #expect(lightness[0] < 1 && lightness[255] > 97)
        // 97 in 255 steps is 0.38; samples of eight bits round it.
        #expect(zip(lightness, lightness.dropFirst()).allSatisfy { $1 > $0 && $1 - $0 < 0.76 })
    }
}

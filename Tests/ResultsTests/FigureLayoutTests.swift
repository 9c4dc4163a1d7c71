import Images
import Support
import Testing

@testable import Results

@Suite struct FigureLayoutTests {
    /// A part of a page.
    private struct Box {
        let left, top, right, bottom: Int

        init(_ place: Page.Place) {
            (left, top) = (place.left, place.top)
            (right, bottom) = (place.left + place.width, place.top + place.height)
        }

        init(_ text: FigureLayout.Text, scale: Int) {
            (left, top) = (text.left, text.top)
            right = text.left + text.line.columns * Lettering.cell.width * scale
            bottom = text.top + Lettering.cell.height * scale
        }

        func overlaps(_ other: Box) -> Bool {
            left < other.right && other.left < right && top < other.bottom && other.top < bottom
        }
    }

    private static let words = [
        "cat", "a photograph of a very long label that goes on", "Überraschung", "кот", "\u{4E00}\u{4E01}\u{4E02}",
        "\u{1F431}\u{200D}\u{1F464}", String(repeating: "e\u{301}\u{20DD}", count: 40), "\u{202E}abc\u{2066}", "",
        String(repeating: "w", count: 100), "\u{0}\u{1B}[31m", "\u{10FFFF}\u{E000}",
    ]

    private static func figure(_ seed: UInt64) -> (figure: Figure, sizes: [PanelSize]) {
        var random = SeededGenerator(seed: seed)
        func line() -> Figure.Line {
            let inks: [Figure.Line.Ink] = [.black, .grey, .key(Colour(1, of: .voc))]
            return Figure.Line(
                text: words.randomElement(using: &random) ?? "", ink: inks.randomElement(using: &random) ?? .black)
        }
        var rows: [Figure.Row] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let picture = (Int.random(in: 1...300, using: &random), Int.random(in: 1...300, using: &random))
            let size = PanelSize(of: picture, longer: Int.random(in: 32...100, using: &random))
            let panels = (0..<Int.random(in: 1...4, using: &random)).map { number in
                // Every second one is shown as it is.
                let (columns, rows) = number.isMultiple(of: 2) ? (size.width, size.height) : (5, 3)
                return Figure.Panel(
                    pixels: (0..<3 * columns * rows).map { UInt8(truncatingIfNeeded: $0 * 7 + number) & 0xFE },
                    columns: columns, rows: rows,
                    caption: (0..<Int.random(in: 0...4, using: &random)).map { _ in line() })
            }
            let label = words.randomElement(using: &random).map { [Figure.Line(text: $0, ink: .black)] } ?? []
            rows.append(Figure.Row(label: label, size: size, panels: panels))
        }
        return (Figure(rows: rows, scale: Int.random(in: 1...2, using: &random)), rows.map(\.size))
    }

    @Test(arguments: 0..<40)
    func `panels, captions and labels lie on the page, beside each other`(seed: UInt64) throws {
        let (figure, sizes) = Self.figure(seed)
        let layout = try FigureLayout(figure)
        let panels = layout.panels.joined().map { Box($0) }
        let texts = layout.texts.map { Box($0, scale: figure.scale) } + layout.keys.map { Box($0.place) }
        for (number, box) in panels.enumerated() {
            #expect(box.left > 0 && box.top > 0 && box.right < layout.width && box.bottom < layout.height)
            #expect(!texts.contains { $0.overlaps(box) })
            #expect(!panels.dropFirst(number + 1).contains { $0.overlaps(box) })
        }
        for (number, box) in texts.enumerated() {
            #expect(box.left > 0 && box.top > 0 && box.right < layout.width && box.bottom < layout.height)
            #expect(!texts.dropFirst(number + 1).contains { $0.overlaps(box) })
        }
        #expect(layout.panels.map(\.count) == figure.rows.map(\.panels.count))
        for (row, size) in zip(layout.panels, sizes) {
            #expect(row.allSatisfy { $0.width == size.width && $0.height == size.height })
            #expect(Set(row.map(\.top)).count == 1)
        }
    }

    @Test(arguments: 0..<8)
    func `a panel's pixels stand where the layout says, those of its size unchanged`(seed: UInt64) throws {
        let (figure, _) = Self.figure(seed)
        let (layout, page) = (try FigureLayout(figure), try figure.page())
        #expect(page.width == layout.width && page.height == layout.height)
        for (row, places) in zip(figure.rows, layout.panels) {
            for (panel, place) in zip(row.panels, places) {
                var shown = Page(width: place.width, height: place.height)
                shown.put(
                    panel.pixels, columns: panel.columns, rows: panel.rows,
                    at: Page.Place(left: 0, top: 0, width: place.width, height: place.height))
                if panel.columns == place.width, panel.rows == place.height { #expect(shown.pixels == panel.pixels) }
                let lines = (0..<place.height).flatMap { y -> ArraySlice<UInt8> in
                    let start: Int = 3 * ((place.top + y) * page.width + place.left)
                    return page.pixels[start..<start + 3 * place.width]
                }
                #expect(lines == shown.pixels)
            }
        }
    }

    @Test func `a panel has the picture's proportions`() {
        for (width, height) in [(192, 192), (640, 427), (427, 640), (1, 5000), (8000, 8000), (3, 2)] {
            for longer in [32, 100, 256, 1024] {
                let size = PanelSize(of: (width, height), longer: longer)
                #expect(max(size.width, size.height) == longer)
                let shorter = Double(longer * min(width, height)) / Double(max(width, height))
                #expect(abs(Double(min(size.width, size.height)) - max(1, shorter)) <= 0.5)
            }
        }
    }

    @Test func `a figure over the limit of pixels is refused with its size`() throws {
        let panel = Figure.Panel(pixels: [0, 0, 0], columns: 1, rows: 1, caption: [])
        let row = Figure.Row(
            label: [], size: PanelSize(of: (1, 1), longer: 1024), panels: Array(repeating: panel, count: 10))
        #expect(throws: Never.self) { _ = try FigureLayout(Figure(rows: [row], scale: 4)) }
        let error = #expect(throws: FigureError.self) {
            _ = try FigureLayout(Figure(rows: Array(repeating: row, count: 7), scale: 4))
        }
        guard case .tooLarge(let width, let height) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(width > 10 * 1024 && height > 7 * 1024)
    }
}

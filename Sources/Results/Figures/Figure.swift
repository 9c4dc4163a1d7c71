import Limits
import Images

/// A page of panels in rows, with a label at the left of each row and a caption below each panel.
struct Figure: Sendable {
    /// A picture and what is said of it.
    struct Panel: Sendable {
        /// RGB, `[rows, columns, 3]`, shown in the row's size: the nearest pixel, so that a map's cells are seen.
        let pixels: [UInt8]
        let columns: Int
        let rows: Int
        let caption: [Line]
    }

    /// A line of a label or a caption, which is broken at the width that there is.
    struct Line: Sendable {
        let text: String
        let ink: Ink

        enum Ink: Sendable {
            case black
            /// Of what is said beside the matter: sizes, ranges, settings.
            case grey
            /// Black, behind a square of a colour.
            case key(Colour)
        }
    }

    struct Row: Sendable {
        /// Without keys; may be empty.
        let label: [Line]
        /// The pixels of each panel on the page.
        let size: PanelSize
        let panels: [Panel]
    }

    let rows: [Row]
    /// Pixels of the page a pixel of the font.
    let scale: Int
}

/// The size of a row's panels on the page, in pixels: a picture's proportions.
struct PanelSize: Sendable, Equatable {
    let width: Int
    let height: Int

    /// - Parameter longer: the pixels of the longer side
    init(of picture: (width: Int, height: Int), longer: Int) {
        let most = max(picture.width, picture.height)
        width = max(1, (2 * picture.width * longer + most) / (2 * most))
        height = max(1, (2 * picture.height * longer + most) / (2 * most))
    }
}

/// Where everything of a figure stands, in pixels of the page.
struct FigureLayout: Sendable {
    /// A line of text.
    struct Text: Sendable {
        let line: Lettering
        let left: Int
        fileprivate(set) var top: Int
        let ink: Colour
    }

    struct Key: Sendable {
        let place: Page.Place
        let colour: Colour
    }

    private(set) var width: Int
    private(set) var height: Int
    /// Of each row's panels.
    private(set) var panels: [[Page.Place]] = []
    private(set) var texts: [Text] = []
    private(set) var keys: [Key] = []
    private let unit: Int

    /// Columns of text that there is room for below each panel, however narrow, and of a row's label at most.
    static let leastColumns = 14
    /// In pixels of the font.
    private static let (margin, gap, lineHeight, keySide) = (12, 10, 14, 9)
    private static let (black, grey) = (Colour(0, 0, 0), Colour(96, 96, 96))

    /// - Throws: ``FigureError/tooLarge(width:height:)``
    init(_ figure: Figure) throws(FigureError) {
        unit = figure.scale
        let labelColumns =
            figure.rows.flatMap(\.label).flatMap { Lettering.lines(of: $0.text, columns: Self.leastColumns) }
            .map(\.columns).max() ?? 0
        let room = Self.leastColumns * Lettering.cell.width * unit
        let columns = (0..<(figure.rows.map(\.panels.count).max() ?? 0)).map { number in
            figure.rows.filter { $0.panels.count > number }.map { max($0.size.width, room) }.max() ?? room
        }
        var lefts = [Self.margin * unit]
        if labelColumns > 0 { lefts[0] += (labelColumns * Lettering.cell.width + Self.gap) * unit }
        for column in columns { lefts.append((lefts.last ?? 0) + column + Self.gap * unit) }
        width = (lefts.last ?? 0) + (Self.margin - Self.gap) * unit
        height = Self.margin * unit
        for row in figure.rows { add(row, at: lefts, widths: columns) }
        height += (Self.margin - Self.gap) * unit
        guard width * height <= Limit.pixels else { throw .tooLarge(width: width, height: height) }
    }

    private mutating func add(_ row: Figure.Row, at lefts: [Int], widths: [Int]) {
        let (top, first) = (height, texts.count)
        var bottom = top
        let labelWidth = Self.leastColumns * Lettering.cell.width * unit
        for part in row.label { set(part, left: Self.margin * unit, width: labelWidth, &bottom) }
        // In the middle of the panels.
        let shift = max(0, row.size.height - (bottom - top)) / 2
        for place in first..<texts.count { texts[place].top += shift }
        bottom = max(bottom, top + row.size.height)
        panels.append(
            zip(row.panels, lefts).map { _, left in
                Page.Place(left: left, top: top, width: row.size.width, height: row.size.height)
            })
        for (number, panel) in row.panels.enumerated() {
            var line = top + row.size.height + 4 * unit
            for part in panel.caption { set(part, left: lefts[number], width: widths[number], &line) }
            bottom = max(bottom, line)
        }
        height = bottom + Self.gap * unit
    }

    /// Sets a caption's line, and moves `top` below it.
    private mutating func set(_ part: Figure.Line, left: Int, width: Int, _ top: inout Int) {
        let cell = Lettering.cell.width * unit
        var (indent, ink) = (0, Self.black)
        switch part.ink {
        case .black: break
        case .grey: ink = Self.grey
        case .key(let colour):
            indent = 2
            let side = Self.keySide * unit
            keys.append(
                Key(place: Page.Place(left: left, top: top + 2 * unit, width: side, height: side), colour: colour))
        }
        let lines = Lettering.lines(of: part.text, columns: max(1, width / cell - indent))
        for (number, line) in lines.enumerated() {
            texts.append(
                Text(line: line, left: left + indent * cell, top: top + number * Self.lineHeight * unit, ink: ink))
        }
        // A key has a line of its own, even of words that have no shape.
        top += max(lines.count, indent > 0 ? 1 : 0) * Self.lineHeight * unit
    }
}

extension Figure {
    /// The page as it is drawn.
    ///
    /// - Throws: ``FigureError/tooLarge(width:height:)``
    func page() throws(FigureError) -> Page {
        let layout = try FigureLayout(self)
        var page = Page(width: layout.width, height: layout.height)
        for (row, places) in zip(rows, layout.panels) {
            for (panel, place) in zip(row.panels, places) {
                page.put(panel.pixels, columns: panel.columns, rows: panel.rows, at: place)
            }
        }
        for key in layout.keys { page.fill(key.place, key.colour) }
        for text in layout.texts {
            page.draw(text.line, left: text.left, top: text.top, scale: scale, text.ink)
        }
        return page
    }
}

import CImages

/// A page that figures are drawn on: white, RGB. What would lie outside of it is left out.
package struct Page: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// RGB, `[height, width, 3]`.
    package private(set) var pixels: [UInt8]

    package init(width: Int, height: Int) {
        precondition(width > 0 && height > 0, "a page has at least one pixel")
        self.width = width
        self.height = height
        pixels = [UInt8](repeating: 255, count: width * height * 3)
    }

    /// A part of a page, in pixels; no side is 0, and none lies left of or above the page.
    package struct Place: Sendable, Equatable {
        package let left: Int
        package let top: Int
        package let width: Int
        package let height: Int

        package init(left: Int, top: Int, width: Int, height: Int) {
            precondition(left >= 0 && top >= 0 && width > 0 && height > 0, "a place lies on a page")
            self.left = left
            self.top = top
            self.width = width
            self.height = height
        }

        fileprivate var measured: dseg_place { dseg_place(left: left, top: top, width: width, height: height) }
    }

    package mutating func fill(_ place: Place, _ colour: Colour) {
        unsafe dseg_fill(place.measured, colour.samples, &pixels, width, height)
    }

    /// Draws a picture as large as a place, enlarged or reduced by the nearest of its pixels.
    ///
    /// - Parameter picture: RGB, `[rows, columns, 3]`
    package mutating func put(_ picture: [UInt8], columns: Int, rows: Int, at place: Place) {
        precondition(columns > 0 && rows > 0 && picture.count == 3 * columns * rows, "RGB is [rows, columns, 3]")
        unsafe dseg_put(picture, columns, rows, place.measured, &pixels, width, height)
    }

    /// Draws a line of text, whose upper left corner may lie outside of the page.
    ///
    /// - Parameter scale: pixels of the page a pixel of the font
    package mutating func draw(_ line: Lettering, left: Int, top: Int, scale: Int, _ colour: Colour) {
        precondition(scale > 0, "letters have a size")
        unsafe dseg_draw_text(
            line.codes, line.codes.count, left, top, scale, colour.samples, &pixels, width, height)
    }
}

/// Red, green and blue.
package struct Colour: Sendable, Equatable {
    fileprivate let samples: [UInt8]

    package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) { samples = [red, green, blue] }

    /// Of a palette's index.
    package init(_ index: UInt8, of palette: Palette) {
        samples = Array(palette.colours.dropFirst(3 * Int(index)).prefix(3))
    }
}

/// A line of text as the font of captions has it: 6x13 of X11's misc-fixed.
///
/// Latin, Greek and Cyrillic letters take a column each. Any other code point is a box of two or three columns with its
/// number; combining marks and what has no shape are left out.
package struct Lettering: Sendable, Equatable {
    /// The pixels of a column at scale 1.
    package static let cell = (width: Int(DSEG_CELL_WIDTH), height: Int(DSEG_CELL_HEIGHT))

    fileprivate let codes: [UInt32]
    package let columns: Int

    package init(_ text: some StringProtocol) { self.init(Self.codes(of: text)) }

    private init(_ codes: [UInt32]) {
        self.codes = codes
        columns = codes.reduce(0) { $0 + dseg_glyph_columns($1) }
    }

    /// The lines of a text that is broken between words, and within words that are longer than a line.
    ///
    /// - Parameter limit: the columns of a line; a box may be wider where it is below three
    package static func lines(of text: some StringProtocol, columns limit: Int) -> [Lettering] {
        precondition(limit > 0, "a line has columns")
        var lines: [[UInt32]] = []
        var line: [UInt32] = []
        var filled = 0
        func broken() {
            lines.append(line)
            (line, filled) = ([], 0)
        }
        for word in codes(of: text).split(separator: space) {
            let columns = word.reduce(0) { $0 + dseg_glyph_columns($1) }
            if !line.isEmpty, filled + 1 + columns > limit { broken() }
            if !line.isEmpty {
                line.append(space)
                filled += 1
            }
            for code in word {
                if !line.isEmpty, filled + dseg_glyph_columns(code) > limit { broken() }
                line.append(code)
                filled += dseg_glyph_columns(code)
            }
        }
        if !line.isEmpty { broken() }
        return lines.map(Lettering.init)
    }

    private static let space: UInt32 = 0x20

    /// Of those that are drawn; every kind of space is one.
    private static func codes(of text: some StringProtocol) -> [UInt32] {
        text.unicodeScalars.compactMap { scalar in
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .spacingMark, .format: nil
            case .control, .spaceSeparator, .lineSeparator, .paragraphSeparator: space
            default: scalar.value
            }
        }
    }
}

extension Compositing {
    /// The colour of each index, `[count, 3]`.
    package static func coloured(_ indices: [UInt8], _ palette: Palette) -> [UInt8] {
        unsafe samples(3 * indices.count) { unsafe dseg_colour(indices, indices.count, palette.colours, $0) }
    }
}

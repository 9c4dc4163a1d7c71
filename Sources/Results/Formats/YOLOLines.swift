package import Images

/// YOLO's text of a picture's segments: a line `CLASS X Y X Y ...` for each 4-connected part, where X and Y are shares
/// of the picture's width and height.
///
/// Holes are joined to the outer line by bridges, as the format has none.
///
/// Source: Ultralytics, "Instance segmentation datasets overview".
package enum YOLOLines {
    /// The lines of one class, each with its end; nothing where the region is empty.
    ///
    /// - Parameter number: of the class, from 0
    package static func text(of region: Region, class number: Int) -> String {
        region.contours().map { contour in
            contour.joined.reduce(into: String(number)) { line, corner in
                line += " " + share(corner.x, of: region.width) + " " + share(corner.y, of: region.height)
            } + "\n"
        }.joined()
    }

    /// A share with eight digits behind the point, the last rounded, without zeros at its end: no corner of the largest
    /// picture is off by a hundredth of a pixel.
    private static func share(_ part: Int32, of whole: Int) -> String {
        let scale = 100_000_000
        let number = (2 * Int(part) * scale + whole) / (2 * whole)
        if number % scale == 0 { return String(number / scale) }
        let digits = String(scale + number % scale).dropFirst()
        let last = digits.lastIndex { $0 != "0" } ?? digits.startIndex
        return "0." + digits[...last]
    }
}

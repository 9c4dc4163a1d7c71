/// A text table with columns as wide as their widest cell.
struct Table {
    private var rows: [[String]]

    init(_ heads: [String]) { rows = [heads] }

    mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The first column is aligned left, the others right.
    var text: String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.indices.map { column in
                let gap = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + gap : gap + row[column]
            }.joined(separator: "   ").trimmedAtEnd
        }.joined(separator: "\n")
    }
}

/// Figures with three significant digits, and their units.
enum Figure {
    static func time(_ seconds: Double) -> String {
        if seconds >= 1 { return "\(digits(seconds)) s" }
        return "\(digits(seconds * 1e3)) ms"
    }

    /// In SI units, powers of a thousand.
    static func bytes(_ count: Double) -> String {
        switch count {
        case 1e9...: "\(digits(count / 1e9)) GB"
        case 1e6...: "\(digits(count / 1e6)) MB"
        default: "\(digits(count / 1e3)) kB"
        }
    }

    /// Below 0.1 as a fraction: `1/20` reads easier than `0.050`.
    static func ratio(_ value: Double) -> String {
        value > 0 && value < 0.1 ? "1/\(digits(1 / value))" : digits(value)
    }

    private static func digits(_ value: Double) -> String {
        let places = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
        let power = [1.0, 10, 100, 1000][places]
        let rounded = (value * power).rounded()
        guard rounded.magnitude < 1e15 else { return "\(value)" }
        let (whole, part) = Int(rounded).quotientAndRemainder(dividingBy: Int(power))
        guard places > 0 else { return "\(whole)" }
        let decimals = "\(part)"
        return "\(whole)." + String(repeating: "0", count: places - decimals.count) + decimals
    }
}

extension String {
    fileprivate var trimmedAtEnd: String {
        lastIndex { $0 != " " }.map { String(self[...$0]) } ?? ""
    }
}

/// The median; of an even count the upper one of the two in the middle.
func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
}

/// Rows in columns, for people.
package enum TextTable {
    /// - Parameter rows: the heading and what stands under it, each with as many cells; columns are as wide as their
    ///   widest cell, in scalars
    package static func lines(_ rows: [[String]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].unicodeScalars.count }.max() ?? 0
        }
        return rows.map { row in
            let end = row.lastIndex { !$0.isEmpty } ?? 0
            return row[...end].indices.map { column in
                let gap = column == end ? 0 : widths[column] - row[column].unicodeScalars.count + 2
                return row[column] + String(repeating: " ", count: gap)
            }.joined()
        }
    }
}

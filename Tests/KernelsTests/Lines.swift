import Kernels

/// A line that is sampled anywhere, its ends among the places.
func line(_ length: Int, _ count: Int, _ draw: inout Draw) -> SampleLine {
    let places = (0..<count).map { place -> Float in
        switch place {
        case 0: 0
        case count - 1: Float(length - 1)
        default: (draw.next() + 1) / 2 * Float(length - 1)
        }
    }
    return SampleLine(
        length: length, first: places.map { UInt32($0) }, weights: places.map { $0 - $0.rounded(.down) })
}

/// A map, interpolated by the definition.
func resized(_ map: [Float], by enlargement: Enlargement) -> [Double] {
    let (columns, rows) = (enlargement.columns, enlargement.rows)
    func at(_ x: Int, _ y: Int) -> Double {
        Double(map[min(y, rows.length - 1) * columns.length + min(x, columns.length - 1)])
    }
    return rows.first.indices.flatMap { row in
        columns.first.indices.map { column in
            let (x, u) = (Int(columns.first[column]), Double(columns.weights[column]))
            let (y, v) = (Int(rows.first[row]), Double(rows.weights[row]))
            return (at(x, y) * (1 - u) + at(x + 1, y) * u) * (1 - v)
                + (at(x, y + 1) * (1 - u) + at(x + 1, y + 1) * u) * v
        }
    }
}

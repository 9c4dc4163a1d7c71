package import Images

/// A region as COCO's run lengths.
///
/// Source: pycocotools' maskApi.
package struct RunLengths: Sendable, Equatable {
    /// Lengths of runs, down each column and the columns from left to right: alternately of pixels that are out and in,
    /// beginning with those that are out, of which there may be none.
    package let counts: [UInt32]

    package init(of region: Region) { counts = region.columnRuns }

    /// pycocotools' compressed text (`rleToString`): from the fourth on, each count less the one two before it; five
    /// bits a character, lowest first, the sixth bit says that more follow, and 48 is added.
    package var compressed: String {
        var text: [UInt8] = []
        for (place, count) in counts.enumerated() {
            var rest = Int(count) - (place > 2 ? Int(counts[place - 2]) : 0)
            while true {
                let bits = UInt8(truncatingIfNeeded: rest & 0x1F)
                rest >>= 5
                // The last character's fifth bit is the sign.
                let isLast = bits & 0x10 == 0 ? rest == 0 : rest == -1
                text.append((isLast ? bits : bits | 0x20) + 48)
                if isLast { break }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

import Images
import Texts

/// MATLAB's file of matrices (`.mat`, Level 5): little-endian, not compressed, without times, so that the same matrices
/// give the same bytes.
///
/// Source: MathWorks, MAT-File Format, Level 5.
package struct MATFile: Sendable {
    /// The types of data elements, and the class of a matrix of singles.
    private static let (int8, int32, uint32, single, matrix, singleClass):
        (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (1, 5, 6, 7, 14, 7)
    /// MATLAB reads no matrix of 2 GiB.
    private static let byteLimit = Int(Int32.max)

    private var elements: [(name: String, bytes: [UInt8])] = []
    private var names: Set<ExactString> = []

    package init() {}

    /// Adds a matrix of singles.
    ///
    /// - Parameters:
    ///   - name: ASCII; also one that is no name in MATLAB, such as `14`; none comes twice
    ///   - matrix: `[rows, columns]`
    package mutating func add(_ name: String, _ matrix: [Float], rows: Int, columns: Int) {
        precondition(name.utf8.allSatisfy { (0x20..<0x7F).contains($0) }, "a name is ASCII")
        precondition(names.insert(ExactString(name)).inserted, "a name comes twice")
        let numbers = ColumnMajor.reordered(matrix, rows: rows, columns: columns)
        let content =
            Self.element(Self.uint32, LittleEndian.bytes(of: [Self.singleClass, 0]))
            + Self.element(Self.int32, LittleEndian.bytes(of: [Int32(rows), Int32(columns)]))
            + Self.element(Self.int8, Array(name.utf8)) + Self.element(Self.single, LittleEndian.bytes(of: numbers))
        elements.append((name, content))
    }

    /// The file's bytes.
    package func encoded() throws(FormatError) -> [UInt8] {
        let title = Array("MATLAB 5.0 MAT-file, written by dseg".utf8)
        // A text of 116 bytes, no subsystem's data, version 1, and the mark of the byte order.
        var file =
            title + [UInt8](repeating: UInt8(ascii: " "), count: 116 - title.count) + [UInt8](repeating: 0, count: 8)
            + LittleEndian.bytes(of: [0x0100, 0x4D49] as [UInt16])
        for (name, bytes) in elements {
            if bytes.count > Self.byteLimit {
                throw .tooLong(what: "matrix \(name)", bytes: bytes.count, limit: Self.byteLimit)
            }
            file += Self.element(Self.matrix, bytes)
        }
        return file
    }

    /// A type, a length, and the content, filled up to a multiple of 8 bytes.
    private static func element(_ type: UInt32, _ content: [UInt8]) -> [UInt8] {
        LittleEndian.bytes(of: [type, UInt32(content.count)]) + content
            + [UInt8](repeating: 0, count: (8 - content.count % 8) % 8)
    }
}

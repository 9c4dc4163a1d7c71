import FoundationEssentials
import Images
import Results
import Support
import Testing

/// Each file is read by the library for which it is written.
@Suite struct FormatTests {
    /// arrays.py tells of each array its name, type, shape and bytes, as the file's name says which reader opens it.
    private static func arrays(_ name: String, _ bytes: [UInt8]) throws -> [String] {
        let folder = try TemporaryDirectory()
        try Data(bytes).write(to: URL(filePath: "\(folder.path)/\(name)"))
        return try read(by: "arrays.py", ["\(folder.path)/\(name)"]).split(separator: "\n").map(String.init)
    }

    private static let floats: [Float] = [
        0, -0.0, 1.5, -2.25, .leastNonzeroMagnitude, 3.4e38, .infinity, -.infinity, 0.1, 7, 8, 9,
    ]

    /// The bytes of numbers, the lowest first.
    private static func hex(_ numbers: [some FixedWidthInteger]) -> String {
        var digits = ""
        for number in numbers {
            for shift in stride(from: 0, to: number.bitWidth, by: 8) {
                let byte = UInt8(truncatingIfNeeded: number >> shift)
                digits += (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return digits
    }

    @Test func `numpy reads an array's type, shape and numbers`() throws {
        let bits = Self.floats.map(\.bitPattern)
        for shape in [[12], [3, 4], [1, 12, 1], [2, 3, 2]] {
            let lines = try Self.arrays("a.npy", NumPyFile.encoded(Self.floats, shape: shape))
            #expect(lines == ["- <f4 \(shape.map(String.init).joined(separator: ",")) \(Self.hex(bits))"])
        }
        let numbers: [Int32] = [.min, -1, 0, .max]
        #expect(try Self.arrays("a.npy", NumPyFile.encoded(numbers, shape: [4])) == ["- <i4 4 \(Self.hex(numbers))"])
        #expect(try Self.arrays("a.npy", NumPyFile.encoded([Float](), shape: [0, 5])) == ["- <f4 0,5 "])
        #expect(try Self.arrays("a.npy", NumPyFile.encoded([2 as Float], shape: [])) == ["- <f4  00000040"])
    }

    /// The numbers begin at a multiple of 64 bytes, so that they can be mapped into memory.
    @Test func `an array's numbers are aligned, whatever its shape`() {
        for digits in 1...60 {
            let shape = [Int](repeating: 1, count: digits)
            let file = NumPyFile.encoded([7 as Int32], shape: shape)
            #expect(file.count % 64 == 4 && file.suffix(5) == [UInt8(ascii: "\n"), 7, 0, 0, 0])
        }
    }

    @Test func `numpy reads an archive's arrays by their names`() throws {
        var archive = NumPyArchive()
        var random = SeededGenerator(seed: 1831)
        let noise = random.bytes(3000).map(Int32.init)
        archive.add("cat", NumPyFile.encoded(Self.floats, shape: [3, 4]))
        archive.add("Straße/猫 1", NumPyFile.encoded(noise, shape: [30, 100]))
        archive.add("", NumPyFile.encoded([Int32](repeating: 9, count: 100_000), shape: [100_000]))
        let file = try archive.encoded()
        #expect(file == (try archive.encoded()) && file.count < 9000)
        let lines = try Self.arrays("a.npz", file)
        #expect(
            lines == [
                "cat <f4 3,4 \(Self.hex(Self.floats.map(\.bitPattern)))",
                "Straße/猫 1 <i4 30,100 \(Self.hex(noise))",
                " <i4 100000 \(Self.hex([Int32](repeating: 9, count: 100_000)))",
            ])
        #expect(try Self.arrays("a.npz", NumPyArchive().encoded()) == [])
    }

    @Test func `scipy reads a file's matrices by their names`() throws {
        var file = MATFile()
        let matrix = (0..<35).map { Float($0) / 8 }
        file.add("0", matrix, rows: 5, columns: 7)
        file.add("14", matrix, rows: 35, columns: 1)
        file.add("a_longer_name", Self.floats, rows: 1, columns: 12)
        let bytes = try file.encoded()
        #expect(bytes == (try file.encoded()) && bytes.count % 8 == 0)
        let bits = matrix.map(\.bitPattern)
        #expect(
            try Self.arrays("a.mat", bytes) == [
                "0 <f4 5,7 \(Self.hex(bits))", "14 <f4 35,1 \(Self.hex(bits))",
                "a_longer_name <f4 1,12 \(Self.hex(Self.floats.map(\.bitPattern)))",
            ])
    }

    @Test func `a matrix of many blocks is put into columns`() throws {
        let (rows, columns) = (67, 131)
        let matrix = (0..<rows * columns).map(Float.init)
        let reordered = ColumnMajor.reordered(matrix, rows: rows, columns: columns)
        #expect(reordered == (0..<matrix.count).map { Float($0 % rows * columns + $0 / rows) })
    }

    @Test func `too many arrays are refused with what to do`() throws {
        var archive = NumPyArchive()
        for number in 0..<65_535 { archive.add(String(number), []) }
        #expect(throws: FormatError.tooManyMembers(limit: 65_534)) { try archive.encoded() }
        let errors: [FormatError] = [
            .tooManyMembers(limit: 7), .tooLong(what: "a\u{1B}b", bytes: 9, limit: 8), .outOfMemory(what: "c.npy"),
        ]
        for error in errors {
            #expect(error.description.contains("; write fewer ") && !error.description.contains("\u{1B}"))
        }
        #expect(errors[1].description.contains("has 9 bytes") && errors[1].description.contains("limit of 8"))
    }
}

import Images
import Texts

/// NumPy's file of one array (`.npy`, version 1.0): little-endian, in C order (the last axis is the fastest).
///
/// Source: numpy.lib.format.
package enum NumPyFile {
    /// The file's bytes, float32.
    ///
    /// - Parameter shape: its product is the count of numbers
    package static func encoded(_ numbers: [Float], shape: [Int]) -> [UInt8] {
        header("<f4", shape, count: numbers.count) + LittleEndian.bytes(of: numbers)
    }

    /// The file's bytes, int32.
    package static func encoded(_ numbers: [Int32], shape: [Int]) -> [UInt8] {
        header("<i4", shape, count: numbers.count) + LittleEndian.bytes(of: numbers)
    }

    /// Everything before the numbers: 64 bytes or a multiple.
    private static func header(_ type: String, _ shape: [Int], count: Int) -> [UInt8] {
        precondition(shape.allSatisfy { $0 >= 0 } && shape.reduce(1, *) == count, "a shape of other numbers")
        // A tuple of one is written with a comma.
        let sides = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sides)), }"
        let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        let spaces = 63 - (magic.count + 2 + text.utf8.count) % 64
        let length = UInt16(text.utf8.count + spaces + 1)
        return magic + LittleEndian.bytes(of: [length]) + Array(text.utf8)
            + [UInt8](repeating: UInt8(ascii: " "), count: spaces) + [UInt8(ascii: "\n")]
    }
}

/// NumPy's file of several arrays (`.npz`): a zip archive of deflated `.npy` files, without times, so that the same
/// arrays give the same bytes.
///
/// Source: PKWARE, APPNOTE.TXT, 4.3.
package struct NumPyArchive: Sendable {
    /// What a zip without 64-bit fields can say: the lengths of members and of all before the directory, and the count
    /// of members.
    private static let (byteLimit, memberLimit) = (Int(UInt32.max) - 1, Int(UInt16.max) - 1)

    private var members: [(name: String, npy: [UInt8])] = []
    private var names: Set<ExactString> = []

    package init() {}

    /// Adds an array.
    ///
    /// - Parameters:
    ///   - name: by which `numpy.load` gives it, at most 65,000 bytes; none comes twice
    ///   - npy: as ``NumPyFile`` gives it
    package mutating func add(_ name: String, _ npy: [UInt8]) {
        precondition(name.utf8.count <= 65_000, "a name is too long")
        precondition(names.insert(ExactString(name)).inserted, "a name comes twice")
        members.append((name, npy))
    }

    /// The file's bytes.
    package func encoded() throws(FormatError) -> [UInt8] {
        if members.count > Self.memberLimit { throw .tooManyMembers(limit: Self.memberLimit) }
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (name, npy) in members {
            let name = Array("\(name).npy".utf8)
            try Self.check(npy.count, of: name)
            guard let packed = Deflation.raw(npy) else {
                throw .outOfMemory(what: String(decoding: name, as: UTF8.self))
            }
            let offset = UInt32(file.count)
            // Version 2.0, UTF-8 names, deflate, 1 January 1980 (the first date that there is).
            let shared =
                LittleEndian.bytes(of: [20, 0x800, 8, 0, 0x21] as [UInt16])
                + LittleEndian.bytes(of: [Deflation.crc(npy), UInt32(packed.count), UInt32(npy.count)])
                + LittleEndian.bytes(of: [UInt16(name.count), 0])
            file += Array("PK\u{3}\u{4}".utf8) + shared + name + packed
            try Self.check(file.count, of: Array("the archive".utf8))
            // Made by version 2.0; no comment, disk 0, no attributes.
            directory +=
                Array("PK\u{1}\u{2}".utf8) + LittleEndian.bytes(of: [20] as [UInt16]) + shared
                + [UInt8](repeating: 0, count: 10) + LittleEndian.bytes(of: [offset]) + name
        }
        try Self.check(file.count + directory.count, of: Array("the archive".utf8))
        let count = UInt16(members.count)
        return file + directory + Array("PK\u{5}\u{6}".utf8) + LittleEndian.bytes(of: [0, 0, count, count])
            + LittleEndian.bytes(of: [UInt32(directory.count), UInt32(file.count)])
            + LittleEndian.bytes(of: [0] as [UInt16])
    }

    private static func check(_ bytes: Int, of what: [UInt8]) throws(FormatError) {
        if bytes > byteLimit {
            throw .tooLong(what: String(decoding: what, as: UTF8.self), bytes: bytes, limit: byteLimit)
        }
    }
}

/// Numbers in the byte order of the formats, which is that of all processors on which dseg runs.
enum LittleEndian {
    static func bytes(of numbers: [some BitwiseCopyable]) -> [UInt8] {
        unsafe numbers.withUnsafeBytes { unsafe Array($0) }
    }
}

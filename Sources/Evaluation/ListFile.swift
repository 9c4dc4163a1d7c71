import RPC
import Results

/// A text file of which each line says something about one picture.
struct ListFile {
    static let byteLimit = 64 << 20

    /// Those that are not blank, without blanks around them, with their numbers from 1. Names are as ``PathText`` has
    /// them, which need not be UTF-8.
    let lines: [(number: Int, text: String)]

    init(at path: String) throws(FileError) {
        self.init(reading: try InputFile.regularBytes(at: path, limit: Self.byteLimit))
    }

    init(reading bytes: [UInt8]) {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
        let parts = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        lines = parts.enumerated().compactMap { place, line in
            let words = line.drop(while: Self.isBlank).reversed().drop(while: Self.isBlank).reversed()
            return words.isEmpty ? nil : (place + 1, PathText.text(of: words))
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0D].contains(byte) }
}

extension String {
    /// Between blanks, without empty ones.
    var columns: [String] {
        utf8.split { [0x20, 0x09].contains($0) }.compactMap { String($0) }
    }

    /// Whether this can be a picture's identifier: the part of a file's name that stands before its extension.
    var isIdentifier: Bool {
        !isEmpty && self != "." && !utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: "/") || $0 == 0x7F }
            && utf8.firstRange(of: "..".utf8) == nil
    }
}

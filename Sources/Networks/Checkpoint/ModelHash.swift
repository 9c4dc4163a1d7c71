import Kernels

/// A model's identity: SHA-256 over the contents of the files it is loaded from.
///
/// For each file in the order of its relative path: the path, a zero byte, and the SHA-256 of the
/// file's bytes. Where the folder lies, and what else lies in it, does not matter.
package struct ModelHash: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// 64 hexadecimal digits, lower case.
    package let description: String

    /// The bytes hashed at once.
    private static let chunk = 4 << 20

    /// Hashes `files`, paths relative to `directory`.
    package init(directory: String, files: [String]) throws(CheckpointError) {
        var all = SHA256()
        for file in Set(files).sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            all.update(Array(file.utf8) + [0])
            all.update(try ModelHash.digest(of: RegularFile(path: "\(directory)/\(file)")))
        }
        description = all.hexadecimal
    }

    private static func digest(of file: RegularFile) throws(CheckpointError) -> [UInt8] {
        var hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(max(file.size, 1), chunk), alignment: 64)
        defer { unsafe buffer.deallocate() }
        for offset in stride(from: 0, to: file.size, by: buffer.count) {
            let count = try unsafe file.read(into: buffer, at: offset)
            unsafe hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        try file.verifyUnchanged()
        return hash.digest()
    }
}

import Kernels

/// A model's identity: SHA-256 over the contents of the files it is loaded from.
///
/// For each file in the order of its relative path: the path, a zero byte, and the SHA-256 of the
/// file's bytes. Where the folder lies, and what else lies in it, does not matter.
package struct ModelHash: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// 64 hexadecimal digits, lower case.
    package let description: String

    /// Hashes `files`, paths relative to `directory`.
    package init(directory: String, files: [String]) throws(CheckpointError) {
        var hashed: [HashedFile] = []
        for file in Set(files) {
            hashed.append(try HashedFile(directory: directory, name: file))
        }
        self.init(digests: try WeightReading([], hashing: hashed).run { true })
    }

    /// - Parameter digests: the SHA-256 of each file's bytes, by its relative path
    init(digests: [String: [UInt8]]) {
        var all = SHA256()
        for (name, digest) in digests.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            all.update(Array(name.utf8) + [0])
            all.update(digest)
        }
        description = all.hexadecimal
    }
}

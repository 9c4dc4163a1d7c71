import Kernels

/// A model's identity: SHA-256 over the contents of the files it is loaded from.
///
/// For each file in the order of its relative path: the path, a zero byte, and the SHA-256 of the
/// file's bytes. Where the folder lies, and what else lies in it, does not matter.
package struct ModelHash: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// 64 hexadecimal digits, lower case.
    package let description: String
    /// The SHA-256 of each file's bytes, by its relative path.
    package let digests: [String: [UInt8]]
    /// What earlier versions, which left out files that they read, made of the same files.
    package let aliases: [String]

    /// Files that decide an answer and that the first hashes left out.
    private static let lately: Set<String> = ["tokenizer/special_tokens_map.json", "tokenizer/added_tokens.json"]

    /// Hashes `files`, paths relative to `directory`.
    package init(directory: String, files: [String]) throws(CheckpointError) {
        var hashed: [HashedFile] = []
        for file in Set(files) {
            hashed.append(try HashedFile(directory: directory, name: file))
        }
        self = try HashedNetworks([], files: hashed, in: nil).read(cache: nil) { true }.hash
    }

    /// - Parameter digests: the SHA-256 of each file's bytes, by its relative path
    package init(digests: [String: [UInt8]]) {
        self.digests = digests
        description = Self.hash(digests)
        let earlier = digests.filter { !Self.lately.contains($0.key) }
        aliases = earlier.count < digests.count ? [Self.hash(earlier)] : []
    }

    private static func hash(_ digests: [String: [UInt8]]) -> String {
        var all = SHA256()
        for (name, digest) in digests.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            all.update(Array(name.utf8) + [0])
            all.update(digest)
        }
        return all.hexadecimal
    }
}

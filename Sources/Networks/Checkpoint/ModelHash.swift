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

/// A file that is part of a model's identity.
package struct HashedFile {
    /// Its path in the model's folder.
    let name: String
    let file: RegularFile

    /// The bytes hashed at once.
    private static let chunk = 256 << 10

    /// A file that is already open: what is hashed is what is read from it.
    init(name: String, file: RegularFile) {
        self.name = name
        self.file = file
    }

    package init(directory: String, name: String) throws(CheckpointError) {
        self.init(name: name, file: try RegularFile(path: "\(directory)/\(name)"))
    }

    /// The SHA-256 of the file's bytes.
    func digest(while isWanted: () -> Bool) throws(CheckpointError) -> [UInt8] {
        var hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(max(file.size, 1), Self.chunk), alignment: WeightRegion.alignment)
        defer { unsafe buffer.deallocate() }
        for offset in stride(from: 0, to: file.size, by: buffer.count) {
            guard isWanted() else { throw .interrupted }
            let count = try unsafe file.read(into: buffer, at: offset)
            unsafe hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        try file.verifyUnchanged()
        return hash.digest()
    }
}

import Kernels

/// A file that is part of a model's identity.
package struct HashedFile {
    /// Its path in the model's folder.
    package let name: String
    package let file: RegularFile

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
    ///
    /// - Parameters:
    ///   - count: told the bytes of each piece once it is hashed
    ///   - isWanted: polled before each piece
    func digest(counting count: (Int) -> Void, while isWanted: () -> Bool) throws(CheckpointError) -> [UInt8] {
        var hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(max(file.size, 1), Self.chunk), alignment: WeightRegion.alignment)
        defer { unsafe buffer.deallocate() }
        for offset in stride(from: 0, to: file.size, by: buffer.count) {
            guard isWanted() else { throw .interrupted }
            let read = try unsafe file.read(into: buffer, at: offset)
            unsafe hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
            count(read)
        }
        try file.verifyUnchanged()
        return hash.digest()
    }
}

import Kernels

/// A persistent cache of the embeddings of users' texts, of all models. A user finds what they asked for themselves, so
/// that nobody learns by the time of an answer what others have asked.
///
/// It trusts the owner of the folder. The cache is one file, replaced atomically; a damaged one counts as empty, and
/// failures cost time and throw nothing.
package struct RememberedEmbeddings: Sendable {
    private let file: OwnFile

    /// Bytes of the file: five thousand texts of a CLIP L/14. What was added the longest ago goes first.
    static let limit = 16 << 20

    /// - Parameter folder: an absolute path; made where it is missing, and then for this user alone
    package init(in folder: String) {
        file = OwnFile(folder: folder, name: "embeddings", limit: Self.limit)
    }

    /// Whose text, and whose embedding of it: SHA-256 over all that its bits depend on, and the user.
    package struct Key: Hashable, Sendable {
        fileprivate let digest: [UInt8]

        fileprivate static let bytes = 32

        fileprivate init(digest: [UInt8]) { self.digest = digest }

        /// - Parameters:
        ///   - user: the uid of who asked for it
        ///   - model: what identifies the model and its arithmetic
        ///   - text: as the model reads it, its template included
        package init(user: UInt32, model: String, text: String) {
            var hash = SHA256()
            hash.update(Array("\(user) \(model)".utf8) + [0])
            hash.update(Array(text.utf8))
            digest = hash.digest()
        }
    }

    /// The embeddings of those texts that are remembered.
    package func embeddings(of keys: Set<Key>) -> [Key: [Float]] {
        var found: [Key: [Float]] = [:]
        for entry in Entry.entries(in: file.contents) where keys.contains(entry.key) {
            found[entry.key] = entry.embedding
        }
        return found
    }

    package func remember(_ new: [Key: [Float]]) {
        guard !new.isEmpty else { return }
        file.replace { bytes in
            let old = Entry.entries(in: bytes).filter { new[$0.key] == nil }
            var kept: [Entry] = []
            var room = Self.limit - Entry.frameBytes
            for entry in (old + new.map { Entry(key: $0, embedding: $1) }).reversed() {
                room -= entry.bytes
                guard room >= 0 else { break }
                kept.append(entry)
            }
            return Entry.text(kept.reversed())
        }
    }
}

/// An embedding in the file: key, count as u32, numbers as f32, in the byte order of the processor.
private struct Entry {
    let key: RememberedEmbeddings.Key
    let embedding: [Float]

    private static let title = Array("dseg embeddings 1\n".utf8)
    private static let headBytes = RememberedEmbeddings.Key.bytes + MemoryLayout<UInt32>.size
    /// Bytes of the title and of the checksum behind all entries.
    static let frameBytes = title.count + RememberedEmbeddings.Key.bytes

    var bytes: Int { Self.headBytes + MemoryLayout<Float>.stride * embedding.count }

    /// The title, the entries, and the SHA-256 of both: a checksum against lost writes.
    static func text(_ entries: some Sequence<Entry>) -> [UInt8] {
        var body = title
        for entry in entries {
            body += entry.key.digest
            unsafe withUnsafeBytes(of: UInt32(entry.embedding.count)) { unsafe body.append(contentsOf: $0) }
            unsafe entry.embedding.withUnsafeBytes { unsafe body.append(contentsOf: $0) }
        }
        return body + digest(of: body[...])
    }

    /// - Returns: nothing, unless all of the bytes are as ``text(_:)`` writes them
    static func entries(in bytes: [UInt8]) -> [Entry] {
        guard bytes.count >= frameBytes, bytes.starts(with: title) else { return [] }
        let body = bytes.dropLast(RememberedEmbeddings.Key.bytes)
        guard digest(of: body) == Array(bytes[body.endIndex...]) else { return [] }
        var entries: [Entry] = []
        var rest = body.dropFirst(title.count)
        while rest.count >= headBytes {
            let key = Array(rest.prefix(RememberedEmbeddings.Key.bytes))
            let count = unsafe rest.withUnsafeBytes {
                unsafe $0.loadUnaligned(fromByteOffset: RememberedEmbeddings.Key.bytes, as: UInt32.self)
            }
            rest = rest.dropFirst(headBytes)
            let bytes = MemoryLayout<Float>.stride * Int(count)
            guard rest.count >= bytes else { return [] }
            let numbers = unsafe [Float](unsafeUninitializedCapacity: Int(count)) { buffer, filled in
                unsafe UnsafeMutableRawBufferPointer(buffer).copyBytes(from: rest.prefix(bytes))
                filled = Int(count)
            }
            entries.append(Entry(key: RememberedEmbeddings.Key(digest: key), embedding: numbers))
            rest = rest.dropFirst(bytes)
        }
        return rest.isEmpty ? entries : []
    }

    private static func digest(of bytes: ArraySlice<UInt8>) -> [UInt8] {
        var hash = SHA256()
        unsafe bytes.withUnsafeBytes { unsafe hash.update($0) }
        return hash.digest()
    }
}

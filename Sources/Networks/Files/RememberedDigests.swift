import Kernels

/// A persistent cache of the SHA-256 of files.
///
/// Its key is a file's ``FileIdentity``, so a file that was written to, replaced or merely touched is hashed again. It
/// trusts the kernel's timestamps and the owner of the folder; only hashing makes sure of a file's bytes.
///
/// The cache is one small text file, replaced atomically. A damaged one counts as empty; failures cost time and throw
/// nothing.
package struct RememberedDigests: Sendable {
    private let file: OwnFile

    /// Entries; those hashed the longest ago are evicted.
    static let limit = 256

    /// - Parameter folder: an absolute path; made where it is missing, and then for this user alone
    package init(in folder: String) {
        file = OwnFile(folder: folder, name: "digests", limit: Self.limit * DigestEntry.mostBytes + 256)
    }

    /// The digests of those of the files that are remembered, by the files' names.
    func digests(of files: [HashedFile]) -> [String: [UInt8]] {
        let entries = self.entries
        var digests: [String: [UInt8]] = [:]
        for hashed in files {
            digests[hashed.name] = entries.last { $0.identity == hashed.file.identity }?.digest
        }
        return digests
    }

    /// Adds digests, by the files' names, except of files that may have changed without a new identity.
    func remember(_ digests: [String: [UInt8]], of files: [HashedFile]) {
        let new = files.compactMap { hashed in
            digests[hashed.name].flatMap { digest in
                hashed.file.isSettled && hashed.file.isAsOpened
                    ? DigestEntry(digest: digest, identity: hashed.file.identity) : nil
            }
        }
        guard !new.isEmpty else { return }
        file.replace { text in
            // Older entries of the same file are useless: a file has one state at a time.
            let old = Self.parse(text).filter { entry in !new.contains { $0.isOfSameFile(as: entry) } }
            return Self.text((old + new).suffix(Self.limit))
        }
    }

    private var entries: [DigestEntry] { Self.parse(file.contents) }
}

extension RememberedDigests {
    private static let title = "SHA-256 of files by device, inode, bytes, modified and changed (s, ns)\n"

    /// The title, the entries, and the SHA-256 of both: a checksum against lost writes.
    static func text(_ entries: some Sequence<DigestEntry>) -> [UInt8] {
        let body = Array((title + entries.map { "\($0)\n" }.joined()).utf8)
        return body + Array("\(SHA256.hexadecimal(of: body))\n".utf8)
    }

    /// - Returns: nothing, unless all of the text is as ``text(_:)`` writes it
    static func parse(_ text: [UInt8]) -> [DigestEntry] {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n").dropFirst().dropLast()
        let entries = lines.compactMap(DigestEntry.init)
        return self.text(entries) == text ? entries : []
    }
}

/// A file's digest and the state that the file had.
struct DigestEntry: Equatable, CustomStringConvertible {
    /// 32 bytes.
    let digest: [UInt8]
    let identity: FileIdentity

    /// The longest line: 64 digits, and seven numbers of 20 digits at most.
    static let mostBytes = 64 + 7 * 21 + 1

    func isOfSameFile(as other: DigestEntry) -> Bool {
        identity.device == other.identity.device && identity.inode == other.identity.inode
    }

    var description: String { "\(SHA256.hexadecimal(digest)) \(identity)" }
}

extension DigestEntry {
    init?(_ line: Substring) {
        let words = line.split(separator: " ")
        guard words.count == 8, let digest = SHA256.digest(words[0]), let device = UInt64(words[1]),
            let inode = UInt64(words[2])
        else { return nil }
        let numbers = words[3...].compactMap { Int($0) }
        guard numbers.count == 5 else { return nil }
        self.digest = digest
        identity = FileIdentity(
            device: device, inode: inode, size: numbers[0],
            modified: FileTime(seconds: numbers[1], nanoseconds: numbers[2]),
            changed: FileTime(seconds: numbers[3], nanoseconds: numbers[4]))
    }
}

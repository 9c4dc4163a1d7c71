import Glibc
import Kernels
import Texts

/// A repository in the cache that Hugging Face's programs share: `models--ORG--NAME`.
///
/// ```
/// models--ORG--NAME/
///   refs/main              the commit that the branch stood at
///   snapshots/COMMIT/...   links into blobs, under the names of the repository's files
///   blobs/HASH             contents; an LFS file's name is its SHA-256, a small file's its git SHA-1
///   blobs/HASH.incomplete  still arriving, or given up
/// ```
package struct HubRepository: Sendable {
    /// The folder `models--ORG--NAME`.
    package let path: String
    /// `ORG/NAME`, as the Hub knows it; old repositories have no organisation.
    package let name: String
    /// The commit whose snapshot is read; `nil`: there is no snapshot.
    package let commit: String?

    /// The folder of ``commit``'s files.
    package var snapshot: String? { commit.map { "\(path)/snapshots/\($0)" } }

    /// The part of ``name`` after the organisation.
    package var shortName: String { String(name.split(separator: "/").last ?? name[...]) }

    static let prefix = "models--"
    private static let referenceLimit = 4096

    /// The repository at `path`, read at the commit of `refs/main`, else at the snapshot that was made last; `nil`
    /// where the folder's name is not that of a repository.
    package init?(at path: String) {
        let folder = FilePath.withoutTrailingSlashes(path)
        guard let name = HubRepository.name(ofFolder: FilePath.lastComponent(folder)) else { return nil }
        self.init(path: folder, name: name, commit: HubRepository.mainCommit(in: folder))
    }

    /// The snapshot of the repository at `path`; `path` itself where there is none.
    package static func snapshot(at path: String) -> String { HubRepository(at: path)?.snapshot ?? path }

    private init(path: String, name: String, commit: String?) {
        self.path = path
        self.name = name
        self.commit = commit
    }

    /// The repository in whose snapshot `path` lies, at that snapshot's commit, whether the path spells it or leads
    /// there through links.
    package static func containing(_ path: String) -> HubRepository? {
        if let spelled = containing(spelled: path) { return spelled }
        guard let real = FilePath.real(path), ExactString(real) != ExactString(path) else { return nil }
        return containing(spelled: real)
    }

    private static func containing(spelled path: String) -> HubRepository? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        for index in parts.indices.reversed() where ExactString(String(parts[index])) == "snapshots" {
            let next = index + 1
            guard index > 0, next < parts.count, isPlain(String(parts[next])) else { continue }
            guard let name = name(ofFolder: String(parts[index - 1])) else { continue }
            let folder = parts[..<index].joined(separator: "/")
            return HubRepository(path: folder, name: name, commit: String(parts[next]))
        }
        return nil
    }

    /// Whether `path` is a file's contents in a repository.
    static func isBlob(_ path: String) -> Bool {
        let parts = path.split(separator: "/").map { ExactString(String($0)) }
        return parts.count > 2 && parts[parts.count - 2] == "blobs"
            && name(ofFolder: parts[parts.count - 3].text) != nil
    }

    /// An organisation's name has no two dashes in a row, so that the first two end it.
    private static func name(ofFolder folder: String) -> String? {
        guard folder.utf8.starts(with: prefix.utf8) else { return nil }
        let rest = String(folder.utf8.dropFirst(prefix.utf8.count)) ?? ""
        guard !rest.isEmpty else { return nil }
        guard let dashes = rest.firstRange(of: "--") else { return rest }
        return "\(rest[..<dashes.lowerBound])/\(rest[dashes.upperBound...])"
    }

    /// Whether `name` can name a snapshot: one component that leads nowhere else.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
            && ExactString(name) != "." && ExactString(name) != ".."
    }

    private static func mainCommit(in folder: String) -> String? {
        if let bytes = try? RegularFile(path: "\(folder)/refs/main").contents(limit: referenceLimit) {
            let commit = String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
            if isPlain(commit), FilePath.isFolder("\(folder)/snapshots/\(commit)") { return commit }
        }
        let names = (try? CheckpointFiles.names(in: "\(folder)/snapshots")) ?? []
        let snapshots = names.sorted { ExactString($0) < ExactString($1) }.compactMap { name -> (String, FileTime)? in
            guard name.utf8.first != UInt8(ascii: ".") else { return nil }
            var state = stat()
            guard unsafe stat("\(folder)/snapshots/\(name)", &state) == 0, state.st_mode & S_IFMT == S_IFDIR else {
                return nil
            }
            return (name, FileIdentity(state).modified)
        }
        return snapshots.max { ($0.1.seconds, $0.1.nanoseconds) < ($1.1.seconds, $1.1.nanoseconds) }?.0
    }

    /// How many files are still arriving, or were given up.
    package var arriving: Int {
        let names = (try? CheckpointFiles.names(in: "\(path)/blobs")) ?? []
        return names.count { $0.hasSuffix(".incomplete") }
    }

    /// The SHA-256 that the contents of `file`, a path in a snapshot, must have; `nil` where the cache does not say it.
    package static func sha256(of file: String) -> String? {
        guard let real = FilePath.real(file) else { return nil }
        let parts = real.split(separator: "/")
        guard let name = parts.last, parts.dropLast().last == "blobs", SHA256.isHexadecimal(name) else { return nil }
        return String(name)
    }
}

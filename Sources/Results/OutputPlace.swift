import Glibc
import RPC

/// Where an output file is written: its path with symbolic links resolved.
struct OutputPlace {
    /// The path as it was given.
    let path: String
    /// The path with symbolic links resolved.
    let target: String
    /// The existing file that will be replaced.
    let replaced: FileStatus?

    /// - Throws: why no file can be written there: its folder is missing or not writable, the path is no file's, or the
    ///   file exists and `force` is `false`
    init(_ path: String, force: Bool) throws(FileError) {
        let seen = FileStatus(path, followingLinks: false)
        if seen == nil, errno != ENOENT, errno != ENOTDIR { throw .cannotWrite(path: path, reason: systemReason()) }
        let target = try Self.end(ofLinksFrom: path)
        let folder = PathText.folder(of: target)
        guard let status = FileStatus(folder) else { throw .noDirectory(path: folder, canBeMade: mayMake(folder)) }
        guard status.isFolder else {
            let reason = "\(Streams.printable(folder)), its folder, is \(status.kind); move that away"
            throw .cannotWrite(path: path, reason: reason)
        }
        guard mayWrite(in: folder) else {
            throw .cannotWrite(path: path, reason: systemReason())
        }
        replaced = FileStatus(target, followingLinks: false)
        if let replaced, !replaced.isFile { throw .cannotWrite(path: path, reason: "it is \(replaced.kind)") }
        if seen != nil, !force { throw .exists(path: path) }
        self.path = path
        self.target = target
    }

    /// Equal for two paths of the same file, which need not exist: the folder's device and inode, and the last name.
    struct Identity: Hashable {
        /// The folder's device and inode; empty where it does not exist: then `missing` is its path.
        private let folder: [UInt]
        private let missing: [UInt8]
        private let name: [UInt8]

        init(_ path: String) {
            let (directory, name) = PathText.split((try? OutputPlace.end(ofLinksFrom: path)) ?? path)
            let status = FileStatus(directory)
            folder = status.map { [$0.device, $0.inode] } ?? []
            missing = status == nil ? PathText.name(of: directory) : []
            self.name = PathText.name(of: name)
        }
    }

    /// Resolves symbolic links; the target need not exist. A link of another user's in a world-writable folder is not
    /// followed (as the kernel with `fs.protected_symlinks`): it may point at any file of this user's.
    fileprivate static func end(ofLinksFrom path: String) throws(FileError) -> String {
        var target = path
        for _ in 0..<40 {
            guard let link = FileStatus(target, followingLinks: false), link.isLink else { return target }
            let folder = PathText.split(target).directory
            if let around = FileStatus(folder), around.isShared, ![geteuid(), around.owner].contains(link.owner) {
                throw .cannotWrite(
                    path: path, reason: "it is another user's link, in a folder where everyone may write")
            }
            guard let next = PathText.target(ofLink: target) else {
                throw .cannotWrite(path: path, reason: systemReason())
            }
            target = next.utf8.first == UInt8(ascii: "/") ? next : PathText.joined(folder, next)
        }
        throw .cannotWrite(path: path, reason: "its links lead in a circle")
    }
}

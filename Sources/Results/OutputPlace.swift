import Glibc
import RPC

/// Where a file's bytes go: at the end of its links, into the place of what lies there.
struct OutputPlace {
    /// As it was named.
    let path: String
    /// The file itself.
    let target: String
    /// What is replaced.
    let replaced: FileStatus?

    /// - Throws: what keeps a file from being written there: its folder is not there or not writable, or something
    ///   would be lost unasked
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

    /// What two paths of one file have in common, however they are spelled and whichever links they go through.
    struct Identity: Hashable {
        /// The folder's device and inode; where it is not there, its path.
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

    /// Where links lead, which need not be there. One of another user's in a folder where everyone may write is not
    /// followed, as Linux would not (`fs.protected_symlinks`): it may lead to any file of this user's.
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

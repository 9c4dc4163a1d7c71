package import Glibc

/// Linux's `struct ucred`: who is at the other end of a socket (`SO_PEERCRED`).
package struct PeerCredentials {
    package var pid: Int32 = 0
    package var uid: uid_t = 0
    package var gid: gid_t = 0
}

/// Whether the daemon at a path is one to bring pictures to: in a folder where everyone may write, `/tmp` above all,
/// anyone can have put a socket of theirs at a path where another's is expected.
enum SocketTrust {
    /// The peer must be this user's or root's, whose a socket is that a service manager listens at; or its path must
    /// be one that nobody but root, this user and the peer's can have laid.
    ///
    /// - Throws: `permissionDenied`
    static func check(_ descriptor: CInt, at path: String) throws(RPCStatus) {
        var peer = PeerCredentials()
        var length = socklen_t(MemoryLayout<PeerCredentials>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 else {
            throw SocketAdvice.failure(errno, at: path)
        }
        let own = geteuid()
        if peer.uid == own || peer.uid == 0 { return }
        guard let doubt = doubt(of: path, laidBy: [0, own, peer.uid], own) else { return }
        throw RPCStatus(
            .permissionDenied,
            """
            The socket \(path) is \(UserName.of(peer.uid))'s, not yours or root's, and \(doubt): nothing is sent to \
            it. Start a daemon of your own: dsegd serve, or name a socket in a folder that only its owner can write to.
            """)
    }

    /// Why somebody else could have put what lies at the path there; `nil` if nobody could.
    ///
    /// In a sticky folder nobody can take away another's folder; one of the user's own, or root's, is safe there.
    private static func doubt(of path: String, laidBy trusted: [uid_t], _ own: uid_t) -> String? {
        guard var inner = FileStatus(path, followingLinks: false), var folder = realFolder(of: path) else {
            return "it is gone"
        }
        guard !inner.isLink else { return "what lies there is a link" }
        var isSocket = true
        while true {
            let open = "others than its owner may put files into \(folder)"
            guard let status = FileStatus(folder, followingLinks: false) else { return open }
            let isClosed = status.mode & (S_IWGRP | S_IWOTH) == 0
            let holdsOwn = status.mode & S_ISVTX != 0 && [0, own].contains(inner.owner) && !isSocket
            guard trusted.contains(status.owner), isClosed || holdsOwn else { return open }
            if folder == "/" { return nil }
            folder = PathText.folder(of: folder)
            (inner, isSocket) = (status, false)
        }
    }

    /// The absolute path, without links, of the folder that a path lies in.
    private static func realFolder(of path: String) -> String? {
        let folder = PathText.folder(of: path)
        guard let found = unsafe PathText.withName(of: folder.isEmpty ? "." : folder, { unsafe realpath($0, nil) })
        else { return nil }
        defer { unsafe free(found) }
        return unsafe PathText.text(of: found)
    }
}

/// What a user is called.
enum UserName {
    /// The name, or the number where there is none.
    static func of(_ user: uid_t) -> String {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: 4096)
        guard unsafe getpwuid_r(user, &entry, &room, room.count, &found) == 0, unsafe found != nil,
            let name = unsafe entry.pw_name
        else { return "user \(user)" }
        return unsafe String(cString: name)
    }
}

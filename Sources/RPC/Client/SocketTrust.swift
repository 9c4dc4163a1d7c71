package import Glibc

/// Linux's `struct ucred`: the process, user and group at the other end of a socket (`SO_PEERCRED`).
package struct PeerCredentials {
    package var pid: Int32 = 0
    package var uid: uid_t = 0
    package var gid: gid_t = 0

    package init() {}
}

/// Whether pictures may be sent to the daemon at a path: in a world-writable folder such as `/tmp` anyone can squat a
/// path where the client expects its own daemon.
enum SocketTrust {
    /// Accepts a peer that is this user or root (as whom systemd listens), and any other peer if nobody but root, this
    /// user and the peer could have created the path.
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

    /// Why somebody else could have created the socket; `nil` if nobody could.
    ///
    /// A sticky folder is accepted around a folder of this user's or root's, which nobody else can rename there; not
    /// around the socket itself, which anyone could have created first.
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

    /// realpath(3) of a path's folder.
    private static func realFolder(of path: String) -> String? {
        let folder = PathText.folder(of: path)
        guard let found = unsafe PathText.withName(of: folder.isEmpty ? "." : folder, { unsafe realpath($0, nil) })
        else { return nil }
        defer { unsafe free(found) }
        return unsafe PathText.text(of: found)
    }
}

/// Names of users, for messages.
package enum UserName {
    /// The user's name, or "user UID" without one.
    package static func of(_ user: uid_t) -> String {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: 4096)
        guard unsafe getpwuid_r(user, &entry, &room, room.count, &found) == 0, unsafe found != nil,
            let name = unsafe entry.pw_name
        else { return "user \(user)" }
        return unsafe String(cString: name)
    }
}

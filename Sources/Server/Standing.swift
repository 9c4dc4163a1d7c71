import Glibc
import RPC

/// What a caller may do. The names are those of `UserStatus.standing` on the wire.
package enum Standing: String, Sendable {
    /// Also lets models go, reads counters, and sees and cancels the calls of others.
    case administrator
    case user
    /// Stands for the many people behind it, none of whom administers anything.
    case proxy
}

/// A client: what the kernel knew of it when it connected.
struct Peer: Sendable {
    let user: uid_t
    /// Its own and the supplementary ones.
    let groups: Set<gid_t>

    init(user: uid_t, groups: Set<gid_t>) {
        (self.user, self.groups) = (user, groups)
    }

    /// The other end of a connected Unix socket (`SO_PEERCRED`, `SO_PEERGROUPS`); `nil` where the kernel does not say.
    init?(of descriptor: CInt) {
        var peer = PeerCredentials()
        var length = socklen_t(MemoryLayout<PeerCredentials>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 else { return nil }
        self.init(user: peer.uid, groups: Self.supplementary(of: descriptor).union([peer.gid]))
    }

    /// None where the kernel, before 4.13, does not say.
    private static func supplementary(of descriptor: CInt) -> Set<gid_t> {
        var groups = [gid_t](repeating: 0, count: 64)
        while true {
            var length = socklen_t(groups.count * MemoryLayout<gid_t>.stride)
            if unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, &groups, &length) == 0 {
                return Set(groups.prefix(Int(length) / MemoryLayout<gid_t>.stride))
            }
            // ERANGE: the kernel says how many bytes there are.
            let count = Int(length) / MemoryLayout<gid_t>.stride
            guard errno == ERANGE, count > groups.count else { return [] }
            groups = [gid_t](repeating: 0, count: count)
        }
    }
}

/// Who may use the daemon, and as what.
package struct AccessPolicy: Sendable {
    /// `nil`: everyone whom the socket's mode lets in.
    private let allowed: Accounts?
    private let administrators: Accounts
    private let proxies: Set<uid_t>

    /// - Parameter proxies: users alone
    package init(allowed: Accounts?, administrators: Accounts, proxies: Accounts) {
        (self.allowed, self.administrators, self.proxies) = (allowed, administrators, proxies.users)
    }

    func isProxy(_ user: uid_t) -> Bool { proxies.contains(user) }

    /// As what a client is served; `nil`: it is not. A proxy is never more, whoever else it is; root, the daemon's own
    /// user and other administrators need no permission of their own.
    func standing(of peer: Peer) -> Standing? {
        if isProxy(peer.user) { return .proxy }
        if [0, geteuid()].contains(peer.user) || administrators.include(peer) { return .administrator }
        return allowed?.include(peer) == false ? nil : .user
    }

    /// What a client is told that may not use the daemon.
    static func refusal(of peer: Peer) -> RPCStatus {
        RPCStatus(
            .permissionDenied,
            """
            Uid \(peer.user) may not use this daemon: ask its administrator to name you, or a group that you are in, \
            as "allow" in dsegd.conf.
            """)
    }

    /// - Throws: `permissionDenied`, unless the caller is an administrator
    static func check(_ standing: Standing, _ peer: Peer, may what: String) throws(RPCStatus) {
        guard standing != .administrator else { return }
        throw RPCStatus(
            .permissionDenied,
            """
            \(what) is for root, uid \(geteuid()), as whom the daemon runs, and those whom its dsegd.conf names as \
            "administrators"; you are uid \(peer.user)\(standing == .proxy ? ", a proxy" : "").
            """)
    }
}

extension Connection {
    /// As what the client is served by now: permission may have been taken from it since it connected. Then its calls
    /// under way end, and it can make no others.
    ///
    /// - Throws: `permissionDenied`
    func standing() throws(RPCStatus) -> Standing {
        guard let standing = service.standing(of: peer) else {
            isLast = true
            throw AccessPolicy.refusal(of: peer)
        }
        return standing
    }
}

package import Glibc

/// Users and groups of this machine, as a setting names them: `anna, 1001, @video, @27`.
package struct Accounts: Sendable, Equatable {
    package let users: Set<uid_t>
    package let groups: Set<gid_t>

    package static let none = Accounts(users: [], groups: [])

    private init(users: Set<uid_t>, groups: Set<gid_t>) {
        (self.users, self.groups) = (users, groups)
    }

    /// Looks names up, as they are now.
    ///
    /// - Parameter text: names or numbers between commas, those of groups behind `@`; at least one
    package init(_ text: String) throws(AccountError) {
        let words = text.split(separator: ",", omittingEmptySubsequences: false).map { word in
            let left = word.drop { $0 == " " }
            return String(left.reversed().drop { $0 == " " }.reversed())
        }
        var (users, groups): (Set<uid_t>, Set<gid_t>) = ([], [])
        for word in words {
            if word.isEmpty { throw .empty }
            if word.hasPrefix("@") { try groups.insert(Self.group(word)) } else { try users.insert(Self.user(word)) }
        }
        self.init(users: users, groups: groups)
    }

    /// Users alone, as ``init(_:)`` reads them.
    package init(usersAlone text: String) throws(AccountError) {
        try self.init(text)
        if let group = groups.first { throw .aGroup(group) }
    }

    /// A group by its name or number.
    ///
    /// - Parameter word: with `@` before it, or without
    package static func group(_ word: String) throws(AccountError) -> gid_t {
        let name = word.hasPrefix("@") ? String(word.dropFirst()) : word
        if let number = try number(name) { return number }
        return try unsafe found(.unknownGroup(name)) { room, size in
            var entry = unsafe CGroup()
            var found: UnsafeMutablePointer<CGroup>?
            let code = unsafe getgrnam_r(name, &entry, room, size, &found)
            return (code, unsafe found.map { unsafe $0.pointee.gr_gid })
        }
    }

    private static func user(_ name: String) throws(AccountError) -> uid_t {
        if let number = try number(name) { return number }
        return try unsafe found(.unknownUser(name)) { room, size in
            var entry = unsafe passwd()
            var found: UnsafeMutablePointer<passwd>?
            let code = unsafe getpwnam_r(name, &entry, room, size, &found)
            return (code, unsafe found.map { unsafe $0.pointee.pw_uid })
        }
    }

    /// A word of digits; `nil` of a name.
    private static func number(_ word: String) throws(AccountError) -> UInt32? {
        guard !word.isEmpty, word.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else { return nil }
        // -1 means nobody to chown(2) and its kin.
        guard let number = UInt32(word), number < .max else { throw .noNumber(word) }
        return number
    }

    /// What a look-up finds, with more room as long as it asks for it.
    private static func found(
        _ unknown: AccountError,
        _ look: (UnsafeMutablePointer<CChar>, Int) -> (code: CInt, number: UInt32?)
    ) throws(AccountError) -> UInt32 {
        var room = [CChar](repeating: 0, count: 4096)
        while true {
            let (code, number) = unsafe look(&room, room.count)
            if let number { return number }
            guard code == ERANGE, room.count < 1 << 20 else { throw unknown }
            room = [CChar](repeating: 0, count: 4 * room.count)
        }
    }

    func include(_ peer: Peer) -> Bool {
        users.contains(peer.user) || !groups.isDisjoint(with: peer.groups)
    }
}

private typealias CGroup = Glibc.group

/// Why a text names no users or groups.
package enum AccountError: Error, Equatable, CustomStringConvertible {
    case empty
    case noNumber(String)
    case unknownUser(String)
    case unknownGroup(String)
    case aGroup(gid_t)

    package var description: String {
        switch self {
        case .empty: "a name is missing: type users and, behind @, groups, with commas between them"
        case .noNumber(let word): "\(word) is no uid or gid: type a number from 0 to \(UInt32.max - 1)"
        case .unknownUser(let name): "there is no user \"\(name)\": type one that is there, or a uid"
        case .unknownGroup(let name): "there is no group \"\(name)\": type one that is there, or a gid"
        case .aGroup(let group): "group \(group) is no proxy: type the user that it runs as, without @"
        }
    }
}

package import Glibc

/// Who may connect to a socket that the daemon creates: its mode, and its group.
package struct SocketAccess: Sendable, Equatable {
    /// Connecting needs read and write permission, so that there are no others.
    package enum Mode: mode_t, Sendable, CaseIterable {
        case user = 0o600
        case group = 0o660
        case everyone = 0o666

        /// - Parameter text: as chmod(1) reads it
        package init?(_ text: String) {
            guard text.utf8.count <= 5, let number = mode_t(text, radix: 8) else { return nil }
            self.init(rawValue: number)
        }

        package var text: String { "0\(String(rawValue, radix: 8))" }
    }

    package let mode: Mode
    /// `nil`: the daemon's own.
    package let group: gid_t?

    /// The daemon's user alone.
    package static let own = SocketAccess(mode: .user, group: nil)

    private init(mode: Mode, group: gid_t?) {
        (self.mode, self.group) = (mode, group)
    }

    /// - Parameter mode: `nil`: what a group needs, where there is one
    /// - Throws: where the mode lets no group in
    package init(mode: Mode?, group: gid_t?) throws(ListeningError) {
        self.init(mode: mode ?? (group == nil ? .user : .group), group: group)
        if let group, self.mode == .user { throw .uselessGroup(group, self.mode) }
    }

    /// The mode of a folder that the daemon creates for the socket.
    package var folderMode: mode_t { mode == .user ? 0o700 : 0o755 }
}

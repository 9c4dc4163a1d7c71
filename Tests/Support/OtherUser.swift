package import Glibc

/// A client that is another user, by the Python client: root may speak as anybody.
package struct OtherUser: Sendable {
    package let user: uid_t
    package let group: gid_t
    /// The supplementary ones.
    package let groups: [gid_t]

    package static let nobody = OtherUser(user: 65534, group: 65534, groups: [])

    package static let isPossible =
        geteuid() == 0
        && shell("/usr/bin/python3 -c 'import google.protobuf, zstandard' && protoc --version").status == 0

    package init(user: uid_t, group: gid_t, groups: [gid_t]) {
        (self.user, self.group, self.groups) = (user, group, groups)
    }

    /// What a program prints that has become this user.
    ///
    /// - Parameter lines: Python, after all of Tests/Clients/segment.py
    package func run(_ lines: String) -> String {
        let program = """
            import os, sys
            sys.path.insert(0, "\(Repository.root)/Tests/Clients")
            sys.dont_write_bytecode = True
            from segment import *
            os.setgroups(\(groups))
            os.setresgid(\(group), \(group), \(group))
            os.setresuid(\(user), \(user), \(user))
            \(lines)
            """
        return shell("/usr/bin/python3 - <<'END'\n\(program)\nEND").output
    }
}

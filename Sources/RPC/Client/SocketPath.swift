import Glibc

/// Where a daemon may listen.
package enum SocketPath {
    /// The paths to try, the first that answers wins.
    ///
    /// A path that was asked for, by option or by `DSEG_SOCKET`, is the only one; else the user's
    /// own daemon comes before the machine's.
    ///
    /// - Parameters:
    ///   - explicit: as the user typed it, with or without `unix://`
    ///   - environment: the value of a variable
    package static func candidates(
        explicit: String?, environment: (String) -> String? = Self.environment
    ) -> [String] {
        // A variable that is empty is none; an option that is empty is a path that no socket can have.
        let variable = environment("DSEG_SOCKET")
        if let path = explicit ?? (variable == "" ? nil : variable) {
            let scheme = "unix://"
            let hasScheme = path.utf8.starts(with: scheme.utf8)
            return [hasScheme ? String(path.unicodeScalars.dropFirst(scheme.count)) : path]
        }
        let machine = "/run/dseg/dseg.sock"
        guard let directory = environment("XDG_RUNTIME_DIR"), directory.utf8.first == UInt8(ascii: "/") else {
            return [machine]
        }
        return ["\(directory)/dseg/dseg.sock", machine]
    }

    /// A variable's value, as ``PathText`` writes it.
    package static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe PathText.text(of: $0) }
    }
}

import Glibc

/// The paths where clients look for a daemon.
package enum SocketPath {
    /// The paths to try in order.
    ///
    /// A path given by option or by `DSEG_SOCKET` is the only one; else the user's own daemon comes before the
    /// system's.
    ///
    /// - Parameters:
    ///   - explicit: as the user typed it, with or without `unix://`
    ///   - environment: the value of a variable
    package static func candidates(
        explicit: String?, environment: (String) -> String? = Self.environment
    ) -> [String] {
        // An empty variable counts as unset; an empty option is refused later, as an illegal path.
        let variable = environment("DSEG_SOCKET")
        if let path = explicit ?? (variable == "" ? nil : variable) {
            let scheme = "unix://"
            let hasScheme = path.utf8.starts(with: scheme.utf8)
            return [hasScheme ? String(path.unicodeScalars.dropFirst(scheme.count)) : path]
        }
        let machine = "/run/dseg/dseg.sock"
        guard let directory = folder("XDG_RUNTIME_DIR", environment: environment) else { return [machine] }
        return ["\(directory)/dseg/dseg.sock", machine]
    }

    /// The folder that a variable names; `nil` for a relative path, which the XDG Base Directory Specification says to
    /// ignore.
    package static func folder(_ variable: String, environment: (String) -> String? = Self.environment) -> String? {
        environment(variable).flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
    }

    /// A variable's value, encoded by ``PathText``.
    package static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe PathText.text(of: $0) }
    }
}

import RPC

/// The folder of the digest cache.
package enum CacheFolder {
    /// systemd's `$CACHE_DIRECTORY`, else `$XDG_CACHE_HOME/dseg` or `~/.cache/dseg`; `nil` where none is set.
    ///
    /// - Parameter environment: the value of a variable
    package static func path(environment: (String) -> String?) -> String? {
        // The XDG Base Directory Specification says to ignore relative paths.
        func absolute(_ name: String) -> String? { environment(name).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        if let folders = absolute("CACHE_DIRECTORY") {
            return folders.split(separator: ":").first.map(String.init)
        }
        return absolute("XDG_CACHE_HOME").map { "\($0)/dseg" } ?? absolute("HOME").map { "\($0)/.cache/dseg" }
    }
}

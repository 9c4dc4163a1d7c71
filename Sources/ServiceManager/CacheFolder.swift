import RPC

/// The folder of the digest cache.
package enum CacheFolder {
    /// systemd's `$CACHE_DIRECTORY`, else `$XDG_CACHE_HOME/dseg` or `~/.cache/dseg`; `nil` where none is set.
    ///
    /// - Parameter environment: the value of a variable
    package static func path(environment: (String) -> String?) -> String? {
        func folder(_ name: String) -> String? { SocketPath.folder(name, environment: environment) }
        if let folders = folder("CACHE_DIRECTORY") {
            return folders.split(separator: ":").first.map(String.init)
        }
        return folder("XDG_CACHE_HOME").map { "\($0)/dseg" } ?? folder("HOME").map { "\($0)/.cache/dseg" }
    }
}

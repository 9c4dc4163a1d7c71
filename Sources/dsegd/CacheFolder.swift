import RPC

/// Where a daemon keeps what only saves it time.
enum CacheFolder {
    /// The folder that the service manager made, else one of dseg's own among the user's; `nil` where neither is known.
    ///
    /// - Parameter environment: the value of a variable
    static func path(environment: (String) -> String? = SocketPath.environment) -> String? {
        // One that is not absolute means nothing, says the XDG Base Directory Specification.
        func absolute(_ name: String) -> String? { environment(name).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        if let folders = absolute("CACHE_DIRECTORY") {
            return folders.split(separator: ":").first.map(String.init)
        }
        return absolute("XDG_CACHE_HOME").map { "\($0)/dseg" } ?? absolute("HOME").map { "\($0)/.cache/dseg" }
    }
}

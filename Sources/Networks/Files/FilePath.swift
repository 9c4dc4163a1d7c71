import Glibc

/// Paths as text, and where they lead.
package enum FilePath {
    package static func withoutTrailingSlashes(_ path: String) -> String {
        var bytes = Array(path.utf8)
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What stands after the last slash, slashes at the end left out.
    package static func lastComponent(_ path: String) -> String {
        let path = withoutTrailingSlashes(path)
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// Where `path` leads, without links; `nil` where there is nothing.
    package static func real(_ path: String) -> String? {
        guard !path.utf8.contains(0), let real = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(real) }
        return unsafe String(validatingCString: real)
    }

    package static func isFolder(_ path: String) -> Bool {
        var state = stat()
        return unsafe !path.utf8.contains(0) && stat(path, &state) == 0 && state.st_mode & S_IFMT == S_IFDIR
    }
}

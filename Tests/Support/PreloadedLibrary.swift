import RPC

/// A library of `Tests/Fixtures/preloaded`, compiled: it stands between a program and the C library.
package final class PreloadedLibrary: Sendable {
    private let directory: TemporaryDirectory
    /// What `LD_PRELOAD` is to say.
    package var path: String { "\(directory.path)/library.so" }
    /// A path in a folder that lasts as long as the library: for what the library is told.
    package var order: String { "\(directory.path)/order" }

    /// - Parameter name: of the source, without its ending
    package init(_ name: String) throws {
        directory = try TemporaryDirectory()
        let source = "\(Repository.root)/Tests/Fixtures/preloaded/\(name).c"
        let ending = shell("cc -shared -fPIC -O2 -Wall -Wextra -Werror -o '\(directory.path)/library.so' '\(source)'")
        guard ending.status == 0 else { throw RPCStatus(.internal, ending.output) }
    }
}

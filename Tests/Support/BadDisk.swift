import FoundationEssentials
import RPC

/// Gives a program a disk that fails or is slow, while it is told to (`Tests/Fixtures/preloaded/disk.c`).
package final class BadDisk: Sendable {
    package enum Trouble: Sendable {
        /// Reads and writes fail with EIO.
        case broken
        /// Each takes so many milliseconds longer.
        case slow(Int)
    }

    private let library: PreloadedLibrary

    package init() throws { library = try PreloadedLibrary("disk") }

    /// Of the program.
    package var environment: [String: String] {
        ["LD_PRELOAD": library.path, "DISK_ORDER": library.order]
    }

    /// - Parameter folder: below which files are troubled
    package func begin(_ trouble: Trouble, below folder: String) throws {
        let what =
            switch trouble {
            case .broken: "EIO"
            case .slow(let milliseconds): "\(milliseconds)"
            }
        // By a rename, so that nobody reads half of it.
        let ending = shell(
            """
            printf '%s %s' \(what) '\(folder)' > '\(library.order).new' &&
            mv '\(library.order).new' '\(library.order)'
            """
        )
        guard ending.status == 0 else { throw RPCStatus(.internal, ending.output) }
    }

    package func end() { _ = shell("rm -f '\(library.order)'") }
}

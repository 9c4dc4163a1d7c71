import FoundationEssentials
import Glibc
import RPC

/// Has a thread of a program hang, once, in a call of the C library or of BLAS (`Tests/Fixtures/preloaded/hang.c`).
package final class Hang: Sendable {
    /// Where.
    package enum Place: String, Sendable {
        /// In a product of the engine's in f32.
        case product = "HANG_IN_SGEMM"
        /// In reading a model's file.
        case reading = "HANG_IN_PREAD"
    }

    private let library: PreloadedLibrary
    private let place: Place

    package init(in place: Place) throws {
        library = try PreloadedLibrary("hang")
        self.place = place
    }

    /// Of the program.
    package var environment: [String: String] {
        ["LD_PRELOAD": library.path, place.rawValue: library.order]
    }

    /// The next call hangs.
    package func begin() throws {
        guard FileManager.default.createFile(atPath: library.order, contents: nil) else {
            throw RPCStatus(.internal, "\(library.order): cannot be made")
        }
    }

    /// The call that hangs goes on.
    package func end() throws { try begin() }

    /// Waits until a call hangs; returns when that began, to about 10 ms.
    package func hasBegun() -> ContinuousClock.Instant? {
        eventually { !FileManager.default.fileExists(atPath: library.order) } ? .now : nil
    }
}

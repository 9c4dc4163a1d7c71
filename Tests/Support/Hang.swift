import FoundationEssentials
import Glibc
import RPC

/// Has a thread of a program hang, once, in a call of the C library or of BLAS (`Tests/Fixtures/hang`).
package final class Hang: Sendable {
    /// Where.
    package enum Place: String, Sendable {
        /// In a product of the engine's in f32.
        case product = "HANG_IN_SGEMM"
        /// In reading a model's file.
        case reading = "HANG_IN_PREAD"
    }

    private let directory: TemporaryDirectory
    private let place: Place
    private var order: String { "\(directory.path)/hang" }

    package init(in place: Place) throws {
        directory = try TemporaryDirectory()
        self.place = place
        let source = "\(Repository.root)/Tests/Fixtures/hang/hang.c"
        let ending = shell("cc -shared -fPIC -O2 -o '\(directory.path)/hang.so' '\(source)'")
        guard ending.status == 0 else { throw RPCStatus(.internal, ending.output) }
    }

    /// Of the program.
    package var environment: [String: String] {
        ["LD_PRELOAD": "\(directory.path)/hang.so", place.rawValue: order]
    }

    /// The next call hangs.
    package func begin() throws {
        guard FileManager.default.createFile(atPath: order, contents: nil) else {
            throw RPCStatus(.internal, "\(order): cannot be made")
        }
    }

    /// Waits until a call hangs; returns when that began, to about 10 ms.
    package func hasBegun() -> ContinuousClock.Instant? {
        eventually { !FileManager.default.fileExists(atPath: order) } ? .now : nil
    }
}

import FoundationEssentials
package import Glibc
import RPC

/// The checkout that these tests are part of.
package enum Repository {
    package static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// Where the programs lie: `DSEG_PROGRAMS`, else beside the running tests, with which they were built.
    package static let programs =
        unsafe getenv("DSEG_PROGRAMS").map { unsafe String(cString: $0) }
        ?? (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        .map { URL(filePath: $0).deletingLastPathComponent().path(percentEncoded: false) } ?? ""

    /// The bytes of a scene's picture.
    package static func scene(_ number: Int) throws -> [UInt8] {
        try bytes(scenePath(number))
    }

    package static func scenePath(_ number: Int) -> String {
        let digits = String(number)
        let name = "scene_501_" + String(repeating: "0", count: 4 - digits.count) + digits
        return "\(root)/Tests/Fixtures/scenes/JPEGImages/\(name).jpg"
    }

    package static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path)))
    }
}

/// A directory that lasts as long as its owner.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        path = FileManager.default.temporaryDirectory
            .appending(path: "dseg-\(UInt64.random(in: 0...UInt64.max))").path(percentEncoded: false)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Runs a shell command; returns its exit status, and its standard output and error together.
package func shell(_ command: String) -> (status: CInt, output: String) {
    guard let pipe = unsafe popen("{ \(command)\n} 2>&1", "r") else { return (-1, "no shell") }
    var output: [UInt8] = []
    while case let byte = unsafe fgetc(pipe), byte != EOF { output.append(UInt8(byte)) }
    return (shellCode(of: unsafe pclose(pipe)), String(decoding: output, as: UTF8.self))
}

/// Writes a program's text where it is to be run from.
package func writeProgram(_ text: String, to path: String) throws {
    let written = "\(path).text"
    try text.write(toFile: written, atomically: false, encoding: .utf8)
    try copyProgram(written, to: path)
    try FileManager.default.removeItem(atPath: written)
}

/// Copies a program to where it is to be run from, by the hand of another process: while this one has a file open to be
/// written, programs that other tests start inherit it for a moment, and no file that is open so can be run ("Text file
/// busy").
package func copyProgram(_ program: String, to path: String) throws {
    let copying = shell("cp '\(program)' '\(path)' && chmod 700 '\(path)'")
    guard copying.status == 0 else { throw RPCStatus(.internal, "\(path): \(copying.output)") }
}

/// A descriptor of this process by the path that it was opened with.
package func descriptor(of path: String) throws -> CInt {
    let number = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").first { number in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")) == path
    }
    guard let number = number.flatMap({ CInt($0) }) else { throw RPCStatus(.notFound, "\(path) is not open") }
    return number
}

/// What a shell makes of a wait status: the exit code, or 128 and the number of the signal that ended the process.
func shellCode(of status: CInt) -> CInt {
    let signal = status & 0x7f
    return signal == 0 ? status >> 8 & 0xff : 128 + signal
}

/// Polls `condition` every 10 ms; returns whether it became true within `limit`: by default long enough for a busy
/// machine, on which many tests run at once, and an end for what hangs.
package func eventually(
    within limit: Duration = .seconds(600), _ condition: () throws -> Bool
) rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while true {
        let isLast = ContinuousClock.now >= end
        if try condition() { return true }
        if isLast { return false }
        usleep(10_000)
    }
}

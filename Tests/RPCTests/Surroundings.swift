import FoundationEssentials
import Glibc

/// The checkout that these tests stand in.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path(percentEncoded: false)
}

/// A directory that lasts as long as its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory
            .appending(path: "dseg-\(UInt64.random(in: 0...UInt64.max))")
            .path(percentEncoded: false)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A command of the shell, its output and its errors together, and its exit status.
func shell(_ command: String) -> (status: CInt, output: String) {
    guard let pipe = unsafe popen("{ \(command)\n} 2>&1", "r") else { return (-1, "no shell") }
    var output: [UInt8] = []
    while case let byte = unsafe fgetc(pipe), byte != EOF { output.append(UInt8(byte)) }
    let status = unsafe pclose(pipe)
    return (status >> 8 & 0xff, String(decoding: output, as: UTF8.self))
}

import FoundationEssentials
import Glibc

/// The checkout that these tests stand in.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path(percentEncoded: false)

    static let fixtures = "\(root)/Tests/Fixtures"
    static let scenes = "\(fixtures)/scenes"

    /// Where the programs lie that were built with these tests: beside the running one.
    static let programs = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        .map { URL(filePath: $0).deletingLastPathComponent().path(percentEncoded: false) } ?? ""

    static let dseg = "\(programs)/dseg"
    static let dsegd = "\(programs)/dsegd"

    /// A boat and a sheep.
    static let picture = "\(scenes)/JPEGImages/scene_501_0037.jpg"
}

/// A directory that lasts as long as its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory
            .appending(path: "dseg-\(UInt64.random(in: 0...UInt64.max))").path(percentEncoded: false)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The names of what lies in it, in alphabetical order.
    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
}

/// A file's bytes.
func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path)))
}

func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(filePath: path))
}

func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

/// Copies a file, or a folder with all it holds.
func copy(_ path: String, to other: String) throws {
    try FileManager.default.copyItem(atPath: path, toPath: other)
}

/// Asks again and again until it is so, or a minute has passed.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<6000 {
        if try condition() { return true }
        usleep(10_000)
    }
    return false
}

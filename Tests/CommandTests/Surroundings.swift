import FoundationEssentials
import Support

extension Repository {
    static let fixtures = "\(root)/Tests/Fixtures"
    static let scenes = "\(fixtures)/scenes"

    static let demoModel = "\(root)/Sources/dsegd/Resources/demo"

    static let dseg = "\(programs)/dseg"
    static let dsegd = "\(programs)/dsegd"
    static let dsegBench = "\(programs)/dseg-bench"

    /// A boat and a sheep.
    static let picture = scenePath(37)
}

extension TemporaryDirectory {
    /// The names of what lies in it, in alphabetical order.
    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
}

/// A file's bytes.
func bytes(_ path: String) throws -> [UInt8] { try Repository.bytes(path) }

func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(filePath: path))
}

func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

/// Copies a file, or a folder with all it holds.
func copy(_ path: String, to other: String) throws {
    try FileManager.default.copyItem(atPath: path, toPath: other)
}

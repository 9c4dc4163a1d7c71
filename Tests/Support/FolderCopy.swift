import FoundationEssentials

/// A copy of a folder to be spoiled, removed with its owner.
package final class FolderCopy: Sendable {
    private let place: TemporaryDirectory
    package var path: String { "\(place.path)/copy" }

    /// - Parameter folder: relative to the tests' fixtures
    package init(of folder: String) throws {
        place = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: "\(Repository.root)/Tests/Fixtures/\(folder)", toPath: path)
    }

    package func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }

    package func rename(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: "\(path)/\(name)", toPath: "\(path)/\(other)")
    }

    package func bytes(_ name: String) throws -> [UInt8] { try Repository.bytes("\(path)/\(name)") }

    package func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
    }

    package func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    /// Replaces text of a file, which must hold it.
    package func replace(_ name: String, _ old: String, _ new: String) throws {
        let text = String(decoding: try bytes(name), as: UTF8.self)
        guard text.contains(old) else { throw CocoaError(.fileReadCorruptFile) }
        try write(name, text.replacing(old, with: new))
    }
}

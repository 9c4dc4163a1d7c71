import FoundationEssentials
import Glibc
import Networks
import Texts

/// The file in which an owner's models are recorded: the user's own, or the system's.
///
/// It is changed under a lock, read again and replaced whole, so that two programs that write at once lose nothing, and
/// a reader sees one state or the other.
package struct Registry: Sendable, Equatable {
    package let file: String
    /// Of its folder, where that is made.
    private let folderMode: mode_t

    /// In bytes: some ten thousand models.
    static let limit = 16 << 20
    private static let patience = Duration.seconds(10)

    package static let system = Registry(file: "/etc/dseg/models.json", folderMode: 0o755)

    init(file: String, folderMode: mode_t) {
        self.file = file
        self.folderMode = folderMode
    }

    /// The user's own: `$XDG_CONFIG_HOME/dseg/models.json`, else `~/.config/dseg/models.json`; `nil` where neither
    /// variable is an absolute path.
    ///
    /// - Parameter environment: the value of a variable
    package static func user(environment: (String) -> String?) -> Registry? {
        // The XDG Base Directory Specification says to ignore relative paths, and to make missing folders for the user
        // alone.
        func absolute(_ name: String) -> String? {
            environment(name).flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
        }
        let folder = absolute("XDG_CONFIG_HOME") ?? absolute("HOME").map { "\($0)/.config" }
        return folder.map { Registry(file: "\($0)/dseg/models.json", folderMode: 0o700) }
    }

    /// What is recorded; nothing where there is no file.
    package func contents() throws(RegistryError) -> RegistryContents {
        let bytes: [UInt8]
        do throws(CheckpointError) {
            bytes = try RegularFile(path: file).contents(limit: Self.limit)
        } catch .system(_, _, let code) where [ENOENT, ENOTDIR].contains(code) {
            return RegistryContents()
        } catch .system(_, _, let code) {
            throw .cannotRead(file: file, reason: unsafe String(cString: strerror(code)))
        } catch .tooLarge(_, let bytes, let limit) {
            throw .tooLarge(file: file, bytes: bytes, limit: limit)
        } catch {
            throw .cannotRead(file: file, reason: "\(error)")
        }
        return try parse(bytes)
    }

    /// Changes what is recorded, atomically: an error changes nothing.
    package func change<Result>(
        _ change: (inout RegistryContents) throws(RegistryError) -> Result
    ) throws(RegistryError) -> Result {
        // A link, as a program for dotfiles makes, is written through.
        let target = FilePath.real(file) ?? file
        let folder = try LockedFolder(of: target, mode: folderMode, patience: Self.patience)
        var contents = try contents()
        let result = try change(&contents)
        try folder.replace(with: text(of: contents))
        return result
    }
}

extension Registry {
    private struct Version: Decodable {
        let version: Int
    }

    private func parse(_ bytes: [UInt8]) throws(RegistryError) -> RegistryContents {
        // The decoder normalises keys, which takes quadratic time for runs of marks.
        guard StreamSafe.isSafe(json: bytes) else {
            throw .malformed(file: file, place: "", reason: "it has \(StreamSafe.refusalOfJSON)")
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            let version = try decoder.decode(Version.self, from: Data(bytes)).version
            guard version == RegistryContents.version else {
                throw RegistryError.otherVersion(file: file, found: version, expected: RegistryContents.version)
            }
            return try decoder.decode(RegistryContents.self, from: Data(bytes))
        } catch let error as RegistryError {
            throw error
        } catch let error as DecodingError {
            throw malformed(error)
        } catch {
            throw .malformed(file: file, place: "", reason: "it is no JSON, or cut short")
        }
    }

    private func malformed(_ error: DecodingError) -> RegistryError {
        let (context, reason): (DecodingError.Context, String) =
            switch error {
            case .dataCorrupted(let context):
                (context, context.codingPath.isEmpty ? "it is no JSON, or cut short" : context.debugDescription)
            case .keyNotFound(let key, let context): (context, "it has no \(key.stringValue)")
            case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
                (context, "it is no \(Self.word(for: type))")
            @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "it cannot be read")
            }
        let place = context.codingPath.map { $0.intValue.map { "number \($0 + 1)" } ?? $0.stringValue }
        return .malformed(file: file, place: place.joined(separator: ", "), reason: reason)
    }

    private static func word(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is any BinaryInteger.Type: "whole number"
        case is Date.Type: "date"
        case is [Any].Type: "list"
        default: "object"
        }
    }

    private func text(of contents: RegistryContents) throws(RegistryError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            let bytes = try [UInt8](encoder.encode(contents)) + [UInt8(ascii: "\n")]
            guard bytes.count <= Self.limit else {
                throw RegistryError.tooLarge(file: file, bytes: bytes.count, limit: Self.limit)
            }
            return bytes
        } catch let error as RegistryError {
            throw error
        } catch {
            throw .cannotWrite(file: file, reason: "\(error)")
        }
    }
}

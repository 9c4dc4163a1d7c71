import FoundationEssentials
import Kernels
package import Networks
import Texts

/// The registry's JSON: a value that was read is legal, and a key that is not known is refused, for it would be lost
/// when the file is written.
extension RegisteredModel: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case name, path, vae, config, captioner, filter, licence, hash, captionerHash, filterHash, files, added
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(ofOnly: Key.self)
        self.init(
            name: try container.decode(ModelName.self, forKey: .name),
            source: ModelSource(
                path: try container.absolutePath(.path), autoencoder: try container.absolutePathIfPresent(.vae),
                configuration: try container.absolutePathIfPresent(.config)),
            captioner: try container.absolutePathIfPresent(.captioner),
            filter: try container.absolutePathIfPresent(.filter),
            licence: try container.decodeIfPresent(String.self, forKey: .licence),
            hash: try container.sha256(.hash), captionerHash: try container.sha256IfPresent(.captionerHash),
            filterHash: try container.sha256IfPresent(.filterHash),
            files: try container.decode([RegisteredFile].self, forKey: .files),
            added: try container.decode(Date.self, forKey: .added))
        guard !files.isEmpty else {
            throw DecodingError.dataCorruptedError(forKey: .files, in: container, debugDescription: "there is none")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(source.path, forKey: .path)
        try container.encodeIfPresent(source.autoencoder, forKey: .vae)
        try container.encodeIfPresent(source.configuration, forKey: .config)
        try container.encodeIfPresent(captioner, forKey: .captioner)
        try container.encodeIfPresent(filter, forKey: .filter)
        try container.encodeIfPresent(licence, forKey: .licence)
        try container.encode(hash, forKey: .hash)
        try container.encodeIfPresent(captionerHash, forKey: .captionerHash)
        try container.encodeIfPresent(filterHash, forKey: .filterHash)
        try container.encode(files, forKey: .files)
        try container.encode(added, forKey: .added)
    }
}

extension RegisteredFile: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case name, path, realPath, device, inode, bytes, modified, sha256
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(ofOnly: Key.self)
        let bytes = try container.decode(Int.self, forKey: .bytes)
        // So that sums of sizes are sizes.
        guard (0...SafetensorsHeader.fileLimit).contains(bytes) else {
            throw DecodingError.dataCorruptedError(
                forKey: .bytes, in: container, debugDescription: "\(bytes) is no file's size")
        }
        self.init(
            name: try container.decode(String.self, forKey: .name), path: try container.absolutePath(.path),
            state: FileState(
                realPath: try container.absolutePath(.realPath),
                device: try container.decode(UInt64.self, forKey: .device),
                inode: try container.decode(UInt64.self, forKey: .inode), size: bytes,
                modified: try container.decode(Int.self, forKey: .modified)),
            sha256: try container.sha256(.sha256))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(path, forKey: .path)
        try container.encode(state.realPath, forKey: .realPath)
        try container.encode(state.device, forKey: .device)
        try container.encode(state.inode, forKey: .inode)
        try container.encode(state.size, forKey: .bytes)
        try container.encode(state.modified, forKey: .modified)
        try container.encode(sha256, forKey: .sha256)
    }
}

extension ModelName: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do throws(RegistryError) {
            try self.init(text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(error)")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Any key of an object.
private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    /// An object that has no other keys than these.
    func container<Key: CodingKey & CaseIterable>(ofOnly keys: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let container = try container(keyedBy: Key.self)
        let known = Key.allCases.map(\.stringValue)
        let others = try self.container(keyedBy: AnyKey.self).allKeys.filter { !known.contains($0.stringValue) }
        guard let other = others.min(by: { $0.stringValue < $1.stringValue }) else { return container }
        throw DecodingError.dataCorrupted(
            DecodingError.Context(
                codingPath: codingPath + [other],
                debugDescription: "there is no such key: there are \(known.joined(separator: ", "))"))
    }
}

extension KeyedDecodingContainer {
    fileprivate func absolutePath(_ key: Key) throws -> String {
        let path = try decode(String.self, forKey: key)
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "\(ShellWord.quoted(path)) is no absolute path")
        }
        return path
    }

    fileprivate func absolutePathIfPresent(_ key: Key) throws -> String? {
        contains(key) ? try absolutePath(key) : nil
    }

    fileprivate func sha256(_ key: Key) throws -> String {
        let text = try decode(String.self, forKey: key)
        guard SHA256.isHexadecimal(text) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "\(ShellWord.quoted(text)) is no SHA-256 in 64 digits")
        }
        return text
    }

    fileprivate func sha256IfPresent(_ key: Key) throws -> String? {
        contains(key) ? try sha256(key) : nil
    }
}

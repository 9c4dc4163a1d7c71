import FoundationEssentials
import Texts

/// Reads a tokenizer's files, which are untrusted.
enum TokenizerFile {
    /// The largest file that is read, in bytes; CLIP's largest has about a million.
    static let limit = 16 << 20

    static func exists(at path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    static func bytes(at path: String) throws(TokenizerError) -> [UInt8] {
        do throws(CheckpointError) {
            return try RegularFile(path: path).contents(limit: limit)
        } catch {
            throw .file(error)
        }
    }

    /// A value decoded from a JSON file.
    static func decode<Value: Decodable>(
        _ type: Value.Type, at path: String
    ) throws(TokenizerError) -> Value {
        let bytes = try bytes(at: path)
        guard StreamSafe.isSafe(json: bytes) else {
            throw .malformed(file: path, key: "", reason: StreamSafe.refusal)
        }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch DecodingError.typeMismatch(_, let context) {
            throw malformed(path, context)
        } catch DecodingError.valueNotFound(_, let context) {
            throw malformed(path, context)
        } catch DecodingError.keyNotFound(let key, let context) {
            throw malformed(path, context, missing: key)
        } catch DecodingError.dataCorrupted(let context) {
            throw malformed(path, context)
        } catch {
            throw .malformed(file: path, key: "", reason: "\(error)")
        }
    }

    private static func malformed(
        _ path: String, _ context: DecodingError.Context, missing: (any CodingKey)? = nil
    ) -> TokenizerError {
        let keys = context.codingPath + (missing.map { [$0] } ?? [])
        let key = keys.map(\.stringValue).joined(separator: ".")
        return .malformed(
            file: path, key: TokenizerError.excerpt(key), reason: context.debugDescription)
    }
}

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

    /// A line of a text file without the `\r` that may end it. One of more than `limit` bytes, or not in UTF-8, is
    /// refused.
    ///
    /// - Parameter number: counted from 1
    static func text(
        of line: ArraySlice<UInt8>, number: Int, in path: String, limit: Int
    ) throws(TokenizerError) -> String {
        func refuse(_ value: ArraySlice<UInt8>, _ expected: String) -> TokenizerError {
            let value = TokenizerError.excerpt(String(decoding: value, as: UTF8.self))
            return .line(file: path, line: number, value: value, expected: expected)
        }
        guard line.count <= limit else { throw refuse(line.prefix(80), "a line of at most \(limit) bytes") }
        let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        guard let text = String(validating: content, as: UTF8.self) else { throw refuse(content, "UTF-8") }
        return text
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

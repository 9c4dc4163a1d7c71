import FoundationEssentials
import Texts

/// Reading a tokenizer's files, which a checkpoint's author wrote and nobody checked.
enum TokenizerFile {
    /// More bytes than any tokenizer's file needs; CLIP's largest has about a million.
    static let limit = 16 << 20

    static func exists(at path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    /// The bytes of a regular file, whose size is known before it is read.
    static func bytes(at path: String) throws(TokenizerError) -> [UInt8] {
        guard exists(at: path) else { throw .unreadable(file: path, reason: "no such file") }
        let data: Data
        do {
            let resolved = URL(filePath: path).resolvingSymlinksInPath().path
            let attributes = try FileManager.default.attributesOfItem(atPath: resolved)
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                throw TokenizerError.unreadable(file: path, reason: "not a regular file")
            }
            if let size = attributes[.size] as? Int, size > limit {
                throw TokenizerError.tooLarge(file: path, bytes: size, limit: limit)
            }
            data = try Data(contentsOf: URL(filePath: resolved))
        } catch let error as TokenizerError {
            throw error
        } catch {
            throw .unreadable(file: path, reason: "\(error)")
        }
        return Array(data)
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

import FoundationEssentials
import Texts

/// Reads a tokenizer's files, which are untrusted.
enum TokenizerFile {
    /// The largest file that is read, in bytes; CLIP's largest has about a million.
    static let limit = 16 << 20

    /// Runs `body`, whose errors become a tokenizer's.
    static func opening<Value>(
        _ body: () throws(CheckpointError) -> Value
    ) throws(TokenizerError) -> Value {
        do throws(CheckpointError) { return try body() } catch { throw .file(error) }
    }

    static func bytes(of file: RegularFile) throws(TokenizerError) -> [UInt8] {
        try opening { () throws(CheckpointError) in try file.text(limit: limit) }
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
        _ type: Value.Type, of file: RegularFile
    ) throws(TokenizerError) -> Value {
        try decode(type, from: bytes(of: file), of: file.path)
    }

    /// Identifiers by their tokens, from a JSON file that is an object of them.
    static func identifiers(of file: RegularFile) throws(TokenizerError) -> [ExactString: Int] {
        let bytes = try bytes(of: file)
        _ = try decode([String: Int].self, from: bytes, of: file.path)
        return try identifiers(in: bytes, under: [], of: file.path)
    }

    /// Identifiers by their tokens, from the object in a JSON file that keys lead to. `JSONDecoder` makes one of tokens
    /// that are canonically equivalent.
    ///
    /// - Parameter bytes: the file's, which could be decoded
    static func identifiers(
        in bytes: [UInt8], under keys: [String], of path: String
    ) throws(TokenizerError) -> [ExactString: Int] {
        do throws(SafetensorsFault) {
            return try unsafe (bytes + [0]).withUnsafeBufferPointer { (bytes) throws(SafetensorsFault) in
                guard let base = bytes.baseAddress else { return [:] }
                var scanner = unsafe JSONScanner(base, count: bytes.count - 1)
                for key in keys {
                    try scanner.expect(UInt8(ascii: "{"))
                    while try ExactString(self.key(&scanner)) != ExactString(key) {
                        try scanner.skipValue()
                        try scanner.expect(UInt8(ascii: ","))
                    }
                }
                var identifiers: [ExactString: Int] = [:]
                try scanner.expect(UInt8(ascii: "{"))
                guard !scanner.take(UInt8(ascii: "}")) else { return identifiers }
                repeat {
                    let token = try ExactString(key(&scanner))
                    let isNegative = scanner.take(UInt8(ascii: "-"))
                    identifiers[token] = try scanner.integer() * (isNegative ? -1 : 1)
                } while scanner.take(UInt8(ascii: ","))
                try scanner.expect(UInt8(ascii: "}"))
                return identifiers
            }
        } catch {
            throw .malformed(file: path, key: keys.joined(separator: "."), reason: "\(error)")
        }
    }

    /// A key and the colon behind it.
    private static func key(_ scanner: inout JSONScanner) throws(SafetensorsFault) -> String {
        let key = try scanner.string(limit: limit)
        try scanner.expect(UInt8(ascii: ":"))
        return key
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], of path: String
    ) throws(TokenizerError) -> Value {
        guard StreamSafe.isSafe(json: bytes) else {
            throw .malformed(file: path, key: "", reason: StreamSafe.refusalOfJSON)
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

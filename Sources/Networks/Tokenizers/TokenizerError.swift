/// Why a tokenizer could not be loaded: the file, the place in it, the value found and what was expected.
package enum TokenizerError: Error, Equatable {
    /// The file is missing, not a regular file, larger than any tokenizer's, or cannot be read.
    case file(CheckpointError)
    /// The file's JSON is not what the tokenizer's format asks for at `key`.
    case malformed(file: String, key: String, reason: String)
    /// The file asks for what is not supported at `key`; `supported` is what it must be.
    case unsupported(file: String, key: String, value: String, supported: String)
    /// A line of a text file breaks the format. Lines count from 1.
    case line(file: String, line: Int, value: String, expected: String)
    /// A token's identifier lies outside `0..<count` or belongs to `other` already.
    case identifier(file: String, token: String, identifier: Int, count: Int, other: String?)
    /// A token that the configuration names is not in the vocabulary.
    case unknownToken(file: String, key: String, token: String)

    /// The start of a value, short enough for a message.
    static func excerpt(_ value: String) -> String {
        let kept = value.prefix(60)
        return kept.endIndex == value.endIndex ? value : kept + "…"
    }
}

extension TokenizerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .file(let error):
            "\(error)"
        case .malformed(let file, let key, let reason):
            "\(file): at \"\(key)\": \(reason)"
        case .unsupported(let file, let key, let value, let supported):
            "\(file): at \"\(key)\": \(TokenizerError.excerpt(value)) is not supported; "
                + "take a file that has \(supported) there"
        case .line(let file, let line, let value, let expected):
            "\(file):\(line): \"\(value)\" found, \(expected) expected"
        case .identifier(let file, let token, let identifier, let count, let other):
            if let other {
                "\(file): \"\(token)\" has the identifier \(identifier) of \"\(other)\""
            } else {
                "\(file): \"\(token)\" has identifier \(identifier), not within 0..<\(count)"
            }
        case .unknownToken(let file, let key, let token):
            "\(file): \(key) names \"\(token)\", which the vocabulary does not hold; "
                + "add it there or name one that it holds"
        }
    }
}

import Testing

/// A broken rule: where, why it matters, and what to write in its place.
struct Offence: Sendable, CustomStringConvertible {
    let path: String
    /// Counted from 1; 0 when the offence is the file as a whole.
    let line: Int
    let why: String
    let instead: String

    init(_ path: String, _ line: Int, _ why: String, instead: String) {
        self.path = path
        self.line = line
        self.why = why
        self.instead = instead
    }

    /// About the file as a whole.
    init(_ path: String, _ why: String, instead: String) {
        self.init(path, 0, why, instead: instead)
    }

    var description: String { "\(path):\(line): \(why); \(instead)" }
}

/// A rule of the house, a value: the same check reads the repository and the small trees that the
/// tests write to see it refuse them.
struct Rule: Sendable, CustomTestStringConvertible {
    let name: String
    let check: @Sendable (Tree) -> [Offence]

    var testDescription: String { name }

    static let all: [Rule] = [
        .topLevel, .sizes, .readme, .continuousIntegration,
        .imports, .manifest, .tested, .includes, .circles,
        .fileLength, .functionLength, .lineLength,
        .words, .forcedUnwraps, .uncheckedSendable, .vagueNames, .commentedOutCode,
        .kernels, .bounds, .fuzzed, .deadRooms,
    ]
}

import RPC

/// What may happen to a file, and how it is undone.
package enum Harm: String, CaseIterable, Sendable {
    case replaced
    case removed
    case truncated
    case overwritten

    /// Whether the file that was opened before is as it was.
    package var leavesTheOldFile: Bool { self == .replaced || self == .removed }

    package func happen(to file: String) throws {
        let command =
            switch self {
            case .replaced: "mv '\(file)' '\(file).kept' && head -c 1000000 /dev/urandom > '\(file)'"
            case .removed: "mv '\(file)' '\(file).kept'"
            case .truncated: "cp -p '\(file)' '\(file).kept' && truncate -s 5000 '\(file)'"
            case .overwritten:
                "cp -p '\(file)' '\(file).kept' && dd if=/dev/zero of='\(file)' bs=4096 seek=20 count=50 conv=notrunc"
            }
        try run(command)
    }

    /// The file is what it was, its time too.
    package func undo(to file: String) throws {
        let command =
            leavesTheOldFile
            ? "mv -f '\(file).kept' '\(file)'"
            : "cat '\(file).kept' > '\(file)' && touch -r '\(file).kept' '\(file)' && rm '\(file).kept'"
        try run(command)
    }

    private func run(_ command: String) throws {
        let ending = shell(command)
        guard ending.status == 0 else { throw RPCStatus(.internal, ending.output) }
    }
}

import Texts

/// The name by which an owner's model is asked for: letters, digits, dots, underscores and hyphens of ASCII.
///
/// It stands in commands, in file names and in logs: whatever a shell or a terminal would take for something else is
/// illegal, and so is what looks like an option or a hidden file.
package struct ModelName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let mostBytes = 64

    private let exact: ExactString

    package init(_ text: String) throws(RegistryError) {
        guard (1...Self.mostBytes).contains(text.utf8.count) else {
            throw .illegalName(text, reason: "it has \(text.utf8.count) bytes")
        }
        guard text.utf8.allSatisfy(Self.isLegal) else {
            throw .illegalName(text, reason: "it has a character of another kind")
        }
        guard let first = text.utf8.first, Self.mayBegin(first) else {
            throw .illegalName(text, reason: "it begins with another character")
        }
        exact = ExactString(text)
    }

    package var description: String { exact.text }

    package static func < (one: ModelName, other: ModelName) -> Bool { one.exact < other.exact }

    static func isLegal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    static func mayBegin(_ byte: UInt8) -> Bool { ![UInt8(ascii: "-"), UInt8(ascii: ".")].contains(byte) }
}

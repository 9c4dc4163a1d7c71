import Glibc

/// Names of files as text.
///
/// To Unix a name is bytes, not all of which are UTF-8, and Swift's strings would mend them: the name would be another
/// one. So a byte that is no part of UTF-8 stands in a text as the private-use scalar U+10FF00 plus the byte, and such
/// scalars, where a name holds them, as their four bytes: every name has a text of its own, from which it comes back.
/// Texts are cut and joined by their bytes too, for a combining mark after a slash would hide it from `Character`.
package enum PathText {
    private static let bytes: ClosedRange<UInt32> = 0x10FF80...0x10FFFF

    /// The text of a name.
    package static func text(of name: some Sequence<UInt8>) -> String {
        let name = Array(name)
        if let text = String(validating: name, as: UTF8.self), isUnicode(text) { return text }
        var scalars = String.UnicodeScalarView()
        var rest = name[...]
        while let byte = rest.first {
            let scalar = (1...4).lazy.compactMap { String(validating: rest.prefix($0), as: UTF8.self) }.first
            if let scalar, isUnicode(scalar), let first = scalar.unicodeScalars.first {
                scalars.append(first)
                rest = rest.dropFirst(first.utf8.count)
            } else {
                scalars.append(Unicode.Scalar(0x10FF00 + UInt32(byte)) ?? "\u{FFFD}")
                rest = rest.dropFirst()
            }
        }
        return String(scalars)
    }

    /// The text of a name that the system gave.
    package static func text(of name: UnsafePointer<CChar>) -> String {
        unsafe text(of: UnsafeBufferPointer(start: name, count: strlen(name)).map(UInt8.init(bitPattern:)))
    }

    /// The name of a text.
    package static func name(of text: String) -> [UInt8] {
        if isUnicode(text) { return Array(text.utf8) }
        return text.unicodeScalars.flatMap { scalar in
            bytes.contains(scalar.value) ? [UInt8(scalar.value & 0xFF)] : Array(scalar.utf8)
        }
    }

    /// Whether no byte of the name stands for itself.
    package static func isUnicode(_ text: String) -> Bool {
        !text.unicodeScalars.contains { bytes.contains($0.value) }
    }

    /// Hands the name to the system.
    package static func withName<Result>(of text: String, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        let name = Self.name(of: text).map(CChar.init(bitPattern:)) + [0]
        return unsafe name.withUnsafeBufferPointer { name in
            guard let start = name.baseAddress else { preconditionFailure("a name ends with NUL") }
            return unsafe body(start)
        }
    }

    /// What a link says that it leads to; `nil` where that cannot be read, for the reason in `errno`.
    package static func target(ofLink path: String) -> String? {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe withName(of: path) { unsafe readlink($0, &target, target.count) }
        return count < 0 ? nil : text(of: target.prefix(count).map(UInt8.init(bitPattern:)))
    }

    /// A path's folder with its slash, "" for none, and its last name.
    package static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        let end = path.utf8.index(after: slash)
        return (String(path.unicodeScalars[..<end]), String(path.unicodeScalars[end...]))
    }

    /// The folder that a path lies in, "" for the current one.
    package static func folder(of path: String) -> String {
        let directory = split(path).directory
        return directory.utf8.count > 1 ? String(directory.unicodeScalars.dropLast()) : directory
    }

    /// A folder, "" for the current one, and a name in it.
    package static func joined(_ directory: String, _ name: String) -> String {
        directory.isEmpty || directory.utf8.last == UInt8(ascii: "/") ? directory + name : "\(directory)/\(name)"
    }

    /// A path as it is typed in a shell.
    package static func quoted(_ path: String) -> String {
        let safe = path.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || "/._-+,:@%=".unicodeScalars.contains($0)
        }
        if safe, !path.isEmpty { return path }
        return "'" + path.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
    }
}

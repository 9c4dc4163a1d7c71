import Glibc

/// File names as strings, without loss (as Python's surrogateescape).
///
/// To Unix a name is bytes, which need not be UTF-8, and Swift's strings would replace what is not by U+FFFD. So a byte
/// that is no part of UTF-8 is written as the private-use scalar U+10FF00 plus the byte; such scalars, where a name
/// itself holds them, are escaped byte by byte in the same way. The encoding is injective, so the name can be restored.
/// Paths are split by their bytes, not by `Character`: a combining mark after a slash would hide the slash.
package enum PathText {
    private static let bytes: ClosedRange<UInt32> = 0x10FF80...0x10FFFF

    /// The string of a name.
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

    /// The string of a NUL-terminated name.
    package static func text(of name: UnsafePointer<CChar>) -> String {
        unsafe text(of: UnsafeBufferPointer(start: name, count: strlen(name)).map(UInt8.init(bitPattern:)))
    }

    /// The name of a string.
    package static func name(of text: String) -> [UInt8] {
        if isUnicode(text) { return Array(text.utf8) }
        return text.unicodeScalars.flatMap { scalar in
            bytes.contains(scalar.value) ? [UInt8(scalar.value & 0xFF)] : Array(scalar.utf8)
        }
    }

    /// Whether the name is UTF-8: no scalar is an escaped byte.
    package static func isUnicode(_ text: String) -> Bool {
        !text.unicodeScalars.contains { bytes.contains($0.value) }
    }

    /// Calls `body` with the NUL-terminated name, for system calls.
    package static func withName<Result>(of text: String, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        let name = Self.name(of: text).map(CChar.init(bitPattern:)) + [0]
        return unsafe name.withUnsafeBufferPointer { name in
            guard let start = name.baseAddress else { preconditionFailure("a name ends with NUL") }
            return unsafe body(start)
        }
    }

    /// The names of what lies in a folder, in no order; none where it cannot be read.
    package static func names(in folder: String) -> [String] {
        guard let stream = unsafe withName(of: folder, { unsafe opendir($0) }) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe text(of: $0.prefix { $0 != 0 }) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// readlink(2); `nil` where it fails, `errno` says why.
    package static func target(ofLink path: String) -> String? {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe withName(of: path) { unsafe readlink($0, &target, target.count) }
        return count < 0 ? nil : text(of: target.prefix(count).map(UInt8.init(bitPattern:)))
    }

    /// realpath(3), where the path leads to something; the path itself, where it leads to nothing.
    package static func resolved(_ path: String) -> String {
        let found = unsafe withName(of: path.isEmpty ? "." : path) { unsafe realpath($0, nil) }
        guard let found = unsafe found else { return path }
        defer { unsafe free(found) }
        return unsafe text(of: found)
    }

    /// The path of a file that need not be there: its folder as ``resolved(_:)`` has it, and its name.
    package static func place(of path: String) -> String {
        let (directory, name) = split(path)
        return joined(resolved(directory), name)
    }

    /// Splits a path into its folder with the slash, "" for none, and its last component.
    package static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
        let end = path.utf8.index(after: slash)
        return (String(path.unicodeScalars[..<end]), String(path.unicodeScalars[end...]))
    }

    /// The folder of a path without its slash, "" for the current one (dirname).
    package static func folder(of path: String) -> String {
        let directory = split(path).directory
        return directory.utf8.count > 1 ? String(directory.unicodeScalars.dropLast()) : directory
    }

    /// Joins a folder, "" for the current one, and a name.
    package static func joined(_ directory: String, _ name: String) -> String {
        directory.isEmpty || directory.utf8.last == UInt8(ascii: "/") ? directory + name : "\(directory)/\(name)"
    }
}

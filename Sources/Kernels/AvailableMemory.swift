import Glibc

/// The physical memory that this process may still fill: what the system has without swapping, and what the control
/// groups (cgroup v2) around the process leave it.
package enum AvailableMemory {
    /// Bytes; `nil` where nothing tells.
    package static var left: Int? { left(below: "") }

    /// - Parameter root: the folder that holds `proc` and `sys`
    package static func left(below root: String) -> Int? {
        [ofSystem(root), ofGroups(root)].compactMap(\.self).min()
    }

    /// The least limit of a control group, of the process's own and those around it; `nil` where none has one.
    ///
    /// - Parameter root: the folder that holds `proc` and `sys`
    package static func groupLimit(below root: String) -> Int? {
        groups(root).compactMap { number(in: "\($0)/memory.max") }.min()
    }

    /// `MemAvailable` of proc(5).
    private static func ofSystem(_ root: String) -> Int? {
        number("MemAvailable:", in: "\(root)/proc/meminfo").map { $0 << 10 }
    }

    /// The least that a group has left, of the process's own and those around it. The pages of files that a group is
    /// charged for count as free: the kernel drops them first.
    private static func ofGroups(_ root: String) -> Int? {
        groups(root).compactMap { group in
            // Over memory.high the kernel slows the group's processes down until they look hung.
            let limits = ["memory.max", "memory.high"].compactMap { number(in: "\(group)/\($0)") }
            guard let limit = limits.min(), let taken = number(in: "\(group)/memory.current") else { return nil }
            let files = ["inactive_file", "active_file"].compactMap { number($0, in: "\(group)/memory.stat") }
            return max(0, limit - taken + files.reduce(0, +))
        }.min()
    }

    /// The folders of the process's own group and of those around it, to the root.
    private static func groups(_ root: String) -> [String] {
        let own = lines(of: "\(root)/proc/self/cgroup").first { $0.starts(with: "0::/") }
        guard var path = own?.dropFirst("0::".count) else { return [] }
        var groups = ["\(root)/sys/fs/cgroup\(path)"]
        while let slash = path.lastIndex(of: "/") {
            path = path[..<slash]
            groups.append("\(root)/sys/fs/cgroup\(path)")
        }
        return groups
    }

    /// The number behind a word that begins a line, or at the beginning of the file.
    private static func number(_ word: String = "", in file: String) -> Int? {
        for line in lines(of: file) {
            let words = line.split(separator: " ")
            if word.isEmpty { return words.first.flatMap { Int($0) } }
            if words.count > 1, words[0] == word { return Int(words[1]) }
        }
        return nil
    }

    /// None where the file cannot be read. These files have a few KiB.
    private static func lines(of path: String) -> [Substring] {
        guard let file = unsafe fopen(path, "re") else { return [] }
        defer { unsafe fclose(file) }
        let most = 64 << 10
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            count = unsafe fread(buffer.baseAddress, 1, most, file)
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }
}

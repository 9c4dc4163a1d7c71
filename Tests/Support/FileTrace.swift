import FoundationEssentials

/// What strace(1) saw of a program's system calls on files.
package struct FileTrace {
    package struct Access {
        package let call: String
        package let path: String

        /// Of a line of the tracer's: process, call, and what it is told; a folder's descriptor stands with its path.
        fileprivate init?(_ line: Substring) {
            let words = line.drop { $0.isNumber || $0 == " " }
            guard let parenthesis = words.firstIndex(of: "("), !words.hasPrefix("<") else { return nil }
            call = String(words[..<parenthesis])
            let quoted = words.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
            // Without a name it asks about what is open.
            guard quoted.count == 3, !quoted[1].isEmpty else { return nil }
            let folder = words.firstIndex(of: "<").flatMap { start in
                words[start...].firstIndex(of: ">").map { words[words.index(after: start)..<$0] }
            }
            path = quoted[1].hasPrefix("/") ? String(quoted[1]) : "\(folder ?? "")/\(quoted[1])"
        }
    }

    private static let tracer = "/usr/bin/strace"

    /// Whether there is a tracer, and it may trace.
    package static let isPossible = shell("\(tracer) -D -o /dev/null -e trace=%file true").status == 0

    /// The file that the tracer writes.
    private let path: String

    /// - Parameter path: of a file that appears
    package init(to path: String) { self.path = path }

    /// Words before a command: the tracer leaves the process that it was started in to that.
    package var runner: [String] {
        [Self.tracer, "-D", "-f", "-y", "-qq", "-s", "4096", "-e", "trace=%file", "-o", path]
    }

    /// Bytes written so far.
    package var length: Int { get throws { try Data(contentsOf: URL(filePath: path)).count } }

    /// What was done after so many bytes were written.
    package func accesses(from start: Int) throws -> [Access] {
        String(decoding: try Data(contentsOf: URL(filePath: path))[start...], as: UTF8.self).split(separator: "\n")
            .compactMap { Access($0) }
    }
}

import Results

/// The machine that is measured.
enum Machine {
    /// The processor's name.
    static var processor: String {
        ProcessFile("/proc/cpuinfo").value("model name") ?? "unknown processor"
    }

    /// How many processors this process may use.
    static var processors: Int {
        let mask = ProcessFile("/proc/self/status").value("Cpus_allowed") ?? ""
        return max(1, mask.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) })
    }
}

/// A file of procfs such as `/proc/cpuinfo`: a name, a colon and a value on each line.
struct ProcessFile {
    private let lines: [Substring]

    /// - Parameter path: a file that cannot be read has no values
    init(_ path: String) {
        let text = String(decoding: (try? InputFile.bytes(at: path)) ?? [], as: UTF8.self)
        lines = text.split(separator: "\n")
    }

    /// The first value of this name.
    func value(_ name: String) -> String? {
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, trimmed(parts[0]) == name { return trimmed(parts[1]) }
        }
        return nil
    }

    /// A value in the kernel's kB (1024 bytes), in bytes; 0 if it is missing.
    func bytes(_ name: String) -> Int {
        (value(name)?.split(separator: " ").first.flatMap { Int($0) } ?? 0) * 1024
    }

    private func trimmed(_ text: Substring) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = text.drop(while: isSpace)
        return start.lastIndex { !isSpace($0) }.map { String(start[...$0]) } ?? ""
    }
}

import ArgumentParser
import RPC
import Results

/// The file of ``ServeSettings``: lines `name = value`, each name once; `#` begins a comment.
struct SettingsFile {
    let path: String
    /// Whether it must be there: somebody named it.
    private let isNamed: Bool

    static let name = "dsegd.conf"
    /// In bytes.
    private static let limit = 64 << 10

    /// The file at a path; `nil`: in `$CONFIGURATION_DIRECTORY` (systemd's `ConfigurationDirectory=`), else the user's,
    /// in `$XDG_CONFIG_HOME/dseg` or `~/.config/dseg`, else `/etc/dseg`.
    init(_ path: String?) {
        isNamed = path != nil
        let folders = Self.folders
        let standard = folders.map { "\($0)/\(Self.name)" }
        self.path = path ?? standard.first { FileStatus($0) != nil } ?? standard[standard.count - 1]
    }

    private static var folders: [String] {
        let system = "/etc/dseg"
        if let folder = SocketPath.folder("CONFIGURATION_DIRECTORY") {
            return folder.split(separator: ":").first.map { [String($0)] } ?? [system]
        }
        let own =
            SocketPath.folder("XDG_CONFIG_HOME").map { "\($0)/dseg" }
            ?? SocketPath.folder("HOME").map { "\($0)/.config/dseg" }
        return [own, system].compactMap(\.self)
    }

    /// What the file says: nothing where it was not named and is not there.
    ///
    /// - Throws: ``SettingsError``, `FileError`
    func settings() throws -> ServeSettings {
        if !isNamed, FileStatus(path) == nil { return try ServeSettings.parse([]) }
        let text = String(decoding: try InputFile.regularBytes(at: path, limit: Self.limit), as: UTF8.self)
        var (words, known): ([String], [String: Int]) = ([], [:])
        // By scalars: a line's end of Windows is one character.
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in zip(1..., lines) {
            guard let option = try option(String(line.prefix { $0 != "#" }), number) else { continue }
            if let first = known.updateValue(number, forKey: option.name) {
                throw refusal(number, "\(option.name) is in line \(first) already: leave one out")
            }
            do {
                _ = try ServeSettings.parse(option.words)
            } catch {
                throw refusal(number, ServeSettings.message(for: error))
            }
            words += option.words
        }
        return try ServeSettings.parse(words)
    }

    /// A line as the option that it stands for; `nil` for an empty one.
    private func option(_ line: String, _ number: Int) throws(SettingsError) -> (name: String, words: [String])? {
        guard !trimmed(line[...]).isEmpty else { return nil }
        guard let sign = line.firstIndex(of: "=") else {
            throw refusal(number, "\"\(trimmed(line[...]))\" is no setting: type name = value")
        }
        let (name, value) = (trimmed(line[..<sign]), trimmed(line[line.index(after: sign)...]))
        guard let setting = ServeSettings.names.first(where: { $0.name == name }) else {
            let names = ServeSettings.names.map(\.name).joined(separator: ", ")
            throw refusal(number, "\"\(name)\" is no setting: type one of \(names)")
        }
        guard setting.isFlag else { return (name, ["--\(name)=\(value)"]) }
        switch value {
        case "yes": return (name, ["--\(name)"])
        case "no": return (name, ["--no-\(name)"])
        default: throw refusal(number, "\(name) = \(value): type yes or no")
        }
    }

    private func trimmed(_ text: Substring) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        let left = text.drop(while: isSpace)
        return String(left.reversed().drop(while: isSpace).reversed())
    }

    private func refusal(_ line: Int, _ reason: String) -> SettingsError {
        SettingsError(path: path, line: line, reason: reason)
    }
}

/// Why a line of the settings file means nothing.
struct SettingsError: Error, CustomStringConvertible {
    let path: String
    let line: Int
    let reason: String

    var description: String { Streams.printable("\(path), line \(line): \(reason)") }
}

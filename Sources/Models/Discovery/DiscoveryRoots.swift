import Glibc
import Networks
import Texts

/// Where the programs that people run keep checkpoints.
package enum DiscoveryRoots {
    /// The roots that exist, in the order in which they are searched.
    ///
    /// - Parameters:
    ///   - environment: a variable's value, `nil` where it is not set
    ///   - homes: where ComfyUI's list of more folders does not lead
    package static func standard(_ environment: (String) -> String?, avoiding homes: ForeignHomes) -> [String] {
        func value(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        let home = value("HOME")
        func below(_ base: String?, _ rest: String) -> String? { base.map { "\($0)/\(rest)" } }
        let cache = value("XDG_CACHE_HOME") ?? below(home, ".cache")
        let hub = value("HF_HUB_CACHE") ?? below(value("HF_HOME") ?? below(cache, "huggingface"), "hub")
        let data = value("XDG_DATA_HOME") ?? below(home, ".local/share")
        let roots = [
            hub, below(home, "ComfyUI/models"), below(home, "stable-diffusion-webui/models/Stable-diffusion"),
            below(home, "stable-diffusion-webui/models/VAE"),
            below(value("INVOKEAI_ROOT") ?? below(home, "invokeai"), "models"),
            below(home, "models"), below(data, "dseg/models"),
        ].compactMap(\.self)
        let extra =
            below(home, "ComfyUI/extra_model_paths.yaml").map { ExtraModelPaths(file: $0, home: home).folders } ?? []
        let allowed = extra.filter(homes.allow)
        return (roots + allowed).map(expanded(home)).map(FilePath.withoutTrailingSlashes).filter(FilePath.isFolder)
    }

    private static func expanded(_ home: String?) -> (String) -> String {
        { path in
            guard let home, path.utf8.starts(with: "~/".utf8) else { return path }
            return home + path.dropFirst(1)
        }
    }
}

/// The homes of other users, which no link leads into.
package struct ForeignHomes: Sendable {
    let own: String?
    /// The folders that homes lie in.
    private let parents: [String]

    /// - Parameters:
    ///   - home: where this user keeps files, `$HOME`
    ///   - account: the home that the system knows of, beside which those of others lie
    package init(own home: String?, account: String?) {
        let account = account.flatMap { FilePath.real($0) }
        var parents = ["/home", "/root"]
        if let account, let slash = account.utf8.lastIndex(of: UInt8(ascii: "/")), slash > account.startIndex {
            parents.append(String(account[..<slash]))
        }
        own = home.flatMap { FilePath.real($0) }
        self.parents = parents
    }

    /// The home of this process's user by the system's list of users.
    package static var account: String? {
        unsafe getpwuid(geteuid()).flatMap { unsafe String(validatingCString: $0.pointee.pw_dir) }
    }

    /// Whether what `path` leads to lies in no other user's home.
    func allow(_ path: String) -> Bool {
        guard let real = FilePath.real(path) else { return false }
        func lies(in folder: String) -> Bool { "\(real)/".utf8.starts(with: "\(folder)/".utf8) }
        if let own, lies(in: own) { return true }
        return !parents.contains { lies(in: $0) }
    }
}

/// ComfyUI's `extra_model_paths.yaml`: sections, each with a base path and the folders of each kind of model.
///
/// ```
/// comfyui:
///     base_path: ~/pictures/
///     checkpoints: models/checkpoints/
///     vae: |
///         models/vae
///         /mnt/vae
/// ```
/// Read as ComfyUI reads it: a value's lines are paths below the base, which is beside the file if it is not absolute.
/// Lists, with dashes or in brackets, are read too. Anything else of YAML is not.
struct ExtraModelPaths {
    /// Absolute paths, whether there is anything there or not.
    let folders: [String]

    private static let limit = 1 << 20
    private static let notFolders: Set<ExactString> = ["base_path", "is_default"]

    init(file: String, home: String?) {
        guard let bytes = try? RegularFile(path: file).contents(limit: Self.limit) else {
            folders = []
            return
        }
        let beside = String(file[..<(file.utf8.lastIndex(of: UInt8(ascii: "/")) ?? file.startIndex)])
        folders = Self.sections(of: String(decoding: bytes, as: UTF8.self)).flatMap { section -> [String] in
            let base = section.first { $0.key == "base_path" }?.values.first.map {
                Self.absolute($0, below: beside, home: home)
            }
            return section.filter { !Self.notFolders.contains($0.key) }.flatMap { entry in
                entry.values.map { Self.absolute($0, below: base ?? beside, home: home) }
            }
        }
    }

    private typealias Section = [(key: ExactString, values: [String])]

    private static func sections(of text: String) -> [Section] {
        var sections: [Section] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = withoutComment(line).trimmed
            guard !words.isEmpty else { continue }
            let isIndented = line.first == " " || line.first == "\t"
            let colon = words.firstRange(of: ":")
            if !isIndented, !words.hasPrefix("-") {
                sections.append([])
            } else if let colon, !words.hasPrefix("-"), !words.hasPrefix("/"), !words.hasPrefix("~"), !sections.isEmpty
            {
                let key = ExactString(String(words[..<colon.lowerBound].trimmed))
                sections[sections.count - 1].append((key, values(String(words[colon.upperBound...].trimmed))))
            } else if let last = sections.last, !last.isEmpty {
                let value = words.hasPrefix("-") ? words.dropFirst().trimmed : words[...]
                sections[sections.count - 1][last.count - 1].values += values(String(value))
            }
        }
        return sections
    }

    private static func values(_ text: String) -> [String] {
        if ["", "|", ">", "|-", ">-", "|+"].contains(text) { return [] }
        let isList = text.hasPrefix("[") && text.hasSuffix("]")
        let parts = isList ? text.dropFirst().dropLast().split(separator: ",") : [text[...]]
        return parts.map { part in
            let value = part.trimmed
            let isQuoted = value.count > 1 && (value.first == "\"" || value.first == "'") && value.last == value.first
            return String(isQuoted ? value.dropFirst().dropLast() : value)
        }.filter { !$0.isEmpty && !$0.utf8.contains(0) }
    }

    private static func withoutComment(_ line: Substring) -> Substring {
        if line.trimmed.hasPrefix("#") { return "" }
        return line.firstRange(of: " #").map { line[..<$0.lowerBound] } ?? line
    }

    private static func absolute(_ path: String, below base: String, home: String?) -> String {
        if path.hasPrefix("/") { return path }
        if path.hasPrefix("~/"), let home { return home + path.dropFirst(1) }
        return "\(FilePath.withoutTrailingSlashes(base))/\(path)"
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var rest = self
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return rest
    }
}

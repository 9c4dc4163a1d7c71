import Texts

/// Why a registry, or a model in it, cannot be used.
package enum RegistryError: Error, Equatable, CustomStringConvertible {
    case illegalName(String, reason: String)
    case cannotRead(file: String, reason: String)
    /// The registry is no registry; `place` is a path of keys, "" for the whole file.
    case malformed(file: String, place: String, reason: String)
    case otherVersion(file: String, found: Int, expected: Int)
    case tooLarge(file: String, bytes: Int, limit: Int)
    case cannotWrite(file: String, reason: String)
    /// Another program has held the registry's lock for `seconds`.
    case locked(file: String, seconds: Int)
    /// `nearest` is a name that is alike; `found` a checkpoint on this machine that people call so.
    case unknown(String, nearest: ModelName?, found: String?)
    /// The name belongs to another model.
    case taken(ModelName, path: String)
    /// Files of a model are not what they were: the first of them, and how many more there are.
    case changed(Fault, more: Int)
    /// The files say otherwise than the registry.
    case otherHash(ModelName, found: String, recorded: String, add: String)
    /// A file's bytes are others than were added.
    case damaged(ModelName, path: String, found: String, recorded: String)
    /// A file's bytes are others than a cache of Hugging Face says that were published.
    case otherBlob(ModelName, path: String, found: String)
    case hidden(HiddenFile)
    /// There is no place for the user's own registry.
    case homeless

    package var description: String {
        switch self {
        case .illegalName(let name, let reason):
            "\(ShellWord.quoted(name)) is no name for a model, for \(reason): take 1 to \(ModelName.mostBytes) "
                + "letters, digits, dots, underscores and hyphens of ASCII, of which the first is no dot and no hyphen"
        case .cannotRead(let file, let reason):
            "cannot read the registry of models \(file): \(reason)"
        case .malformed(let file, let place, let reason):
            "\(file) is no registry of models: \(place.isEmpty ? "" : "\(place): ")\(reason); mend it, or move it away "
                + "and add the models again"
        case .otherVersion(let file, let found, let expected):
            "\(file) is a registry of version \(found), and this program reads version \(expected): take the dseg that "
                + "wrote it, or move the file away and add the models again"
        case .tooLarge(let file, let bytes, let limit):
            "\(file) has \(bytes) bytes, over a registry's limit of \(limit): remove models, or move it away and add "
                + "the models again"
        case .cannotWrite(let file, let reason):
            "cannot write the registry of models \(file): \(reason)"
        case .locked(let file, let seconds):
            "cannot write the registry of models \(file): another program has held it for \(seconds) s; try again"
        case .unknown(let text, let nearest, let found):
            Self.unknown(text, nearest, found)
        case .taken(let name, let path):
            "\(name) is the name of \(path), which is another model: take another by --name, or type dseg model remove "
                + "\(name) first"
        case .changed(let fault, let more):
            "\(fault)" + (more == 0 ? "" : " (\(more) of its other files, too, are not what they were)")
        case .otherHash(let name, let found, let recorded, let add):
            "\(name): its files make the model \(found.prefix(12)), and \(recorded.prefix(12)) was added: type \(add) "
                + "to take it as it is"
        case .damaged(let name, let path, let found, let recorded):
            "\(name): \(path) has the SHA-256 \(found), and \(recorded) was added: fetch the file again"
        case .otherBlob(let name, let path, let found):
            "\(name): \(path) has the SHA-256 \(found), and the cache it lies in says another: fetch the file again"
        case .hidden(let file): "\(file)"
        case .homeless:
            "there is no place for a registry: neither XDG_CONFIG_HOME nor HOME is an absolute path; set one, or type "
                + "--system"
        }
    }

    private static func unknown(_ text: String, _ nearest: ModelName?, _ found: String?) -> String {
        let word = ShellWord.quoted(text)
        if let found {
            return "\(word) is not added; found a copy in \(found): dseg model add \(ShellWord.quoted(found))"
        }
        let advice = "type dseg model list to see what is added, or dseg model discover to look for more"
        if let nearest { return "\(word) is not added; \(nearest) is: take that, or \(advice)" }
        return "\(word) is neither a file or folder nor a model that was added: \(advice)"
    }
}

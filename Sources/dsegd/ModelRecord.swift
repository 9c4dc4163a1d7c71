import LocalEngine
import Models
import Results

/// A model of a registry, as `--json` and `list` show it.
struct ModelRecord: Encodable {
    let name: String
    let isDefault: Bool
    let registry: String
    let path: String
    let vae: String?
    let config: String?
    let captioner: String?
    let filter: String?
    let licence: String?
    let hash: String
    let captionerHash: String?
    let filterHash: String?
    let bytes: Int
    /// Seconds since 1970.
    let added: Int
    /// Why it cannot be used as it is, a sentence for each file that is not what it was.
    let faults: [String]
    /// Nothing unless the model was opened.
    var networks: [ModelHeaders.Network]?
    var configuration: ModelHeaders.Configuration?
    var notes: [String]?
    let files: [File]

    struct File: Encodable {
        let name: String
        let path: String
        let realPath: String
        let bytes: Int
        let sha256: String

        init(_ file: RegisteredFile) {
            (name, path, sha256) = (file.name, file.path, file.sha256)
            (realPath, bytes) = (file.state.realPath, file.state.size)
        }
    }

    init(_ model: RegisteredModel, in registry: Registry, isDefault: Bool) {
        name = "\(model.name)"
        self.isDefault = isDefault
        self.registry = registry.file
        (path, vae, config) = (model.path, model.vae, model.config)
        (captioner, filter, licence) = (model.captioner, model.filter, model.licence)
        (hash, captionerHash, filterHash) = (model.hash, model.captionerHash, model.filterHash)
        bytes = model.size
        added = model.addedSeconds
        faults = model.faults.map(\.description)
        files = model.files.map(File.init)
    }

    private enum CodingKeys: String, CodingKey {
        case name, isDefault = "default", registry, path, vae, config, captioner, filter, licence, hash, captionerHash,
            filterHash, bytes, added, faults, networks, configuration, notes, files
    }

    /// All models of both registries; the default is that of the first registry that has one.
    static func all() throws -> [ModelRecord] {
        let registries = Registries.ofThisUser
        let standard = try registries.defaultModel()
        var isTold = false
        return try registries.all().map { model, registry in
            let isDefault = !isTold && model == standard
            isTold = isTold || isDefault
            return ModelRecord(model, in: registry, isDefault: isDefault)
        }
    }

    /// The lines of `show`.
    var lines: [String] {
        var rows = [("name", name + (isDefault ? " (default)" : "")), ("path", path)]
        let options = [("vae", vae), ("config", config), ("captioner", captioner), ("filter", filter)]
        rows += options.compactMap { heading, text in text.map { (heading, $0) } }
        rows += [("licence", licence ?? "not stated"), ("hash", hash)]
        if let captionerHash { rows.append(("", "\(captionerHash) captioner")) }
        if let filterHash { rows.append(("", "\(filterHash) filter")) }
        for network in networks ?? [] {
            rows.append(
                (
                    "network",
                    "\(network.name), \(network.tensors) tensors, \(network.types.joined(separator: " ")), "
                        + Self.size(network.bytes)
                ))
        }
        if let configuration {
            func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: " ") }
            rows.append(
                (
                    "configs",
                    "\(configuration.side) x \(configuration.side) pixels; levels of \(list(configuration.channels)) "
                        + "channels with \(list(configuration.heads)) heads; texts \(configuration.textWidth) wide; "
                        + "betas \(configuration.betaStart) to \(configuration.betaEnd) in "
                        + "\(configuration.timesteps) steps"
                ))
        }
        rows += files.map { ("file", "\($0.sha256.prefix(12)) \(Self.size($0.bytes)) \($0.name)") }
        rows += (notes ?? []).map { ("note", $0) }
        rows.append(("registry", registry))
        return rows.map { heading, text in
            heading + String(repeating: " ", count: max(1, 11 - heading.utf8.count)) + text
        }
    }

    /// Bytes in powers of ten, as disks and `ls` tell them.
    static func size(_ bytes: Int) -> String {
        let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")]
        guard let (unit, name) = units.first(where: { bytes >= $0.0 }) else { return "\(bytes) B" }
        return "\(bytes / unit).\(bytes % unit * 10 / unit) \(name)"
    }
}

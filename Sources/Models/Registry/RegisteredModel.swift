package import FoundationEssentials
package import Networks
import Texts

/// A model that an owner added: where its files lie, and what they were then.
package struct RegisteredModel: Equatable, Sendable {
    package let name: ModelName
    package let source: ModelSource
    /// The folder of the network that writes captions beside it.
    package let captioner: String?
    /// The folder of the network that chooses labels beside it.
    package let filter: String?
    /// As the model's folder or file states it; `nil`: not stated.
    package let licence: String?
    /// The model's hash, and those of the networks beside it.
    package let hash: String
    package let captionerHash: String?
    package let filterHash: String?
    package let files: [RegisteredFile]
    package let added: Date

    package var path: String { source.path }
    package var vae: String? { source.autoencoder }
    package var config: String? { source.configuration }

    /// When it was added, in seconds since 1970.
    package var addedSeconds: Int { Int(added.timeIntervalSince1970) }

    /// Bytes of all files.
    package var size: Int { files.reduce(0) { $0 + $1.state.size } }

    /// The files that are not what they were.
    package var faults: [Fault] { files.compactMap { Fault($0, of: self) } }

    /// What earlier versions made of the same files as ``hash``: see ``ModelHash/aliases``.
    package var hashAliases: [String] {
        let own = files.filter { !$0.isBeside }.map { ($0.name, $0.digest) }
        return ModelHash(digests: Dictionary(own) { first, _ in first }).aliases
    }

    /// What to type to add it once more.
    package var commandToAdd: String {
        let options = [
            ("vae", source.autoencoder), ("config", source.configuration), ("captioner", captioner), ("filter", filter),
        ]
        return "dseg model add \(ShellWord.quoted(source.path)) --name \(name)"
            + options.map { name, path in path.map { " --\(name) \(ShellWord.quoted($0))" } ?? "" }.joined()
    }

    /// The model as it is, its files as they are now.
    func with(files: [RegisteredFile]) -> RegisteredModel {
        RegisteredModel(
            name: name, source: source, captioner: captioner, filter: filter, licence: licence, hash: hash,
            captionerHash: captionerHash, filterHash: filterHash, files: files, added: added)
    }

    package init(
        name: ModelName, source: ModelSource, captioner: String?, filter: String?, licence: String?, hash: String,
        captionerHash: String?, filterHash: String?, files: [RegisteredFile], added: Date
    ) {
        self.name = name
        self.source = source
        self.captioner = captioner
        self.filter = filter
        self.licence = licence
        self.hash = hash
        self.captionerHash = captionerHash
        self.filterHash = filterHash
        self.files = files
        self.added = added
    }
}

extension RegisteredModel {
    /// A model as it is now.
    package init(
        name: ModelName, source: ModelSource, captioner: String?, filter: String?, licence: String?,
        inventory: ModelInventory
    ) {
        self.init(
            name: name, source: source, captioner: captioner, filter: filter, licence: licence, hash: inventory.hash,
            captionerHash: inventory.captionerHash, filterHash: inventory.filterHash, files: inventory.files,
            added: Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)))
    }

    /// Refuses files whose bytes are not those that were added, or not those that a cache's name says.
    package func check(_ inventory: ModelInventory) throws(RegistryError) {
        let recorded = Dictionary(files.map { (ExactString($0.name), $0) }) { first, _ in first }
        for file in inventory.files {
            if let published = HubRepository.sha256(of: file.path), published != file.sha256 {
                throw .otherBlob(name, path: file.path, found: file.sha256)
            }
            guard let before = recorded[ExactString(file.name)], before.sha256 != file.sha256 else { continue }
            throw .damaged(name, path: file.path, found: file.sha256, recorded: before.sha256)
        }
        // Files that were added to the folder, or left it.
        for case (let found?, let recorded?) in [
            (inventory.hash, hash), (inventory.captionerHash, captionerHash), (inventory.filterHash, filterHash),
        ] where found != recorded {
            throw .otherHash(name, found: found, recorded: recorded, add: commandToAdd)
        }
    }

    /// Refuses files that the system's service cannot read.
    package func checkServiceAccess() throws(RegistryError) {
        for file in files {
            if let hidden = HiddenFile(file.path) { throw .hidden(hidden) }
        }
    }
}

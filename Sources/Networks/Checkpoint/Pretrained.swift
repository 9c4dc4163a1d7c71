package import Kernels

/// A network that has a folder of its own, in transformers' layout.
package protocol PretrainedNetwork {
    associatedtype Configuration: PretrainedConfiguration
    static var kind: NetworkKind { get }
    /// Whether a tensor, by its name, is one that some files contain and the network does not read.
    static func isTail(_ name: String) -> Bool
    init(_ weights: WeightScope, _ configuration: Configuration) throws(CheckpointError)
}

/// The configuration of a ``PretrainedNetwork``.
package protocol PretrainedConfiguration {
    /// Reads a `config.json`.
    init(_ file: RegularFile) throws(CheckpointError)
    /// The shapes of tensors that may lie in memory twice.
    var copied: [[Int]] { get }
}

/// What a network's own folder holds, by headers and configurations alone: every tensor is claimed, no weight read.
package final class PretrainedContents<Network: PretrainedNetwork> {
    package var directory: String { folder.path }
    /// Whose files are opened once: a network's user reads its own files through it too.
    package let folder: ModelFolder
    /// All files of the folder that decide what the network answers.
    package let files: [HashedFile]
    package let precision: Precision
    /// Its weights are not read yet: its sizes are what it is good for.
    package let network: Network
    let checkpoint: Checkpoint
    let region: WeightRegion

    /// - Parameters:
    ///   - directory: holds `config.json`, and `model.safetensors` or shards
    ///   - precision: the arithmetic of products with weights
    package init(_ directory: String, precision: Precision) throws(CheckpointError) {
        let kind = Network.kind
        folder = ModelFolder(directory)
        try FolderLinks.check(directory, within: directory)
        try kind.check(folder)
        checkpoint = try Checkpoint(directory: directory, stem: "model", component: kind.component)
        try kind.check(checkpoint, in: directory)
        let configuration = try Network.Configuration(folder.file("config.json"))
        do throws(AddressSpaceError) {
            let copies = configuration.copied.reduce(0) { $0 + WeightRegion.bytes(WeightPacking.most($1)) }
            region = try WeightRegion(capacity: checkpoint.packedBytes + copies)
        } catch {
            throw .addressSpace(error)
        }
        do throws(CheckpointError) {
            network = try Network(checkpoint.weights(in: region, precision: precision), configuration)
            try checkpoint.settle(except: Network.isTail)
        } catch {
            throw .otherTensors(directory: directory, fault: error, expected: kind.expected)
        }
        files = try checkpoint.hashedFiles(in: "") + folder.hashed(["config.json"] + kind.companions, in: "")
        self.precision = precision
    }

    /// Bytes that the weights take in memory.
    package var weightBytes: Int { region.bytesUsed }

    /// What is read.
    package var hashed: HashedNetworks { HashedNetworks([checkpoint], files: files, in: region) }

    /// What the network consists of, for its owner.
    package var contents: NetworkContents { checkpoint.contents }

    /// Hashes all files and reads no weight: the hash that the loaded network has.
    ///
    /// - Parameters:
    ///   - cache: the folder of the digest cache, see ``RememberedDigests``; `nil`: every file is hashed
    ///   - isWanted: polled on any thread; `false` ends the hashing
    package func hash(cache: String?, while isWanted: @Sendable () -> Bool) throws(CheckpointError) -> ModelHash {
        try HashedNetworks([], files: files, in: nil).read(cache: cache, while: isWanted).hash
    }
}

/// A network, its weights, and the identity of the folder that it was read from.
package final class Pretrained<Network: PretrainedNetwork> {
    package let network: Network
    package let directory: String
    /// The folder's name.
    package let name: String
    /// SHA-256 over all files of the folder that decide what it answers.
    package let hash: String
    package let precision: Precision
    /// By whom its weights are kept beyond this process; `nil`: by nobody.
    package let kept: KeptWeights?
    private let region: WeightRegion

    /// Bytes of weights in memory.
    package var weightBytes: Int { region.bytesUsed }

    /// Opens and reads a network.
    ///
    /// - Parameters:
    ///   - directory, precision: as of ``PretrainedContents``
    ///   - cache: the folder of the digest cache, see ``RememberedDigests``; `nil`: every file is hashed
    ///   - isWanted: polled while the weights are read, on any thread; `false` ends the loading
    package convenience init(
        _ directory: String, precision: Precision, cache: String?, while isWanted: @Sendable () -> Bool
    ) throws(CheckpointError) {
        let contents = try PretrainedContents<Network>(directory, precision: precision)
        self.init(contents, try contents.hashed.read(cache: cache, while: isWanted))
    }

    /// - Parameters:
    ///   - contents: whose weights have been read
    ///   - read: what reading them returned
    package init(_ contents: PretrainedContents<Network>, _ read: ReadNetworks) {
        (hash, kept) = (read.hash.description, read.kept)
        (network, region) = (contents.network, contents.region)
        (directory, precision) = (contents.directory, contents.precision)
        name = HubRepository.containing(directory)?.shortName ?? FilePath.lastComponent(directory)
    }
}

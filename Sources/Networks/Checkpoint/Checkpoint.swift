package import Kernels
import Texts

/// The weights of one network: a folder in the layout of diffusers or transformers.
///
/// Opening it reads the headers alone, so that one region for the weights of all networks can be reserved. A network's
/// initialisers then claim tensors, which allocates memory and reads nothing; ``settle(except:)`` throws if a tensor is
/// unclaimed; and ``HashedNetworks`` reads what was claimed of all networks, on all threads.
package final class Checkpoint {
    /// The network's name in its model, `unet`, `vae` or `text_encoder`: errors prefix it to names.
    package let component: String
    /// Names of the files that the weights are read from, the index of shards included, sorted.
    package var files: [String] { opened.map(\.name) }
    /// The same, open.
    private let opened: [HashedFile]
    /// A tensor and the shard it lies in.
    private struct Entry {
        let shard: TensorFile
        let tensor: SafetensorsHeader.Tensor
    }

    private let shards: [TensorFile]
    private let entries: [ExactString: Entry]
    private var claims: [ExactString: [WeightClaim]] = [:]

    /// Opens the weights called `stem` (`diffusion_pytorch_model`, `model`) in `directory`.
    package init(directory: String, stem: String, component: String) throws(CheckpointError) {
        let found = try CheckpointFiles(directory: directory, stem: stem)
        var shards: [TensorFile] = []
        for name in found.shards {
            shards.append(try TensorFile(path: "\(directory)/\(name)"))
        }
        self.component = component
        opened =
            (zip(found.shards, shards).map { HashedFile(name: $0, file: $1.file) }
            + [found.index.map { HashedFile(name: $0.name, file: $0.file) }].compactMap(\.self))
            .sorted { $0.name < $1.name }
        self.shards = shards
        entries = try Checkpoint.merge(shards.map { ($0, $0.header.unwrapped) }, of: component)
        if let map = found.index?.shardOfTensor {
            try Checkpoint.check(entries, against: map, in: directory, of: component)
        }
    }

    /// One network of several in a file.
    ///
    /// - Parameter tensors: the network's, under the names that its layers claim
    package init(
        _ file: TensorFile, holding tensors: [SafetensorsHeader.Tensor], component: String
    ) throws(CheckpointError) {
        self.component = component
        opened = []
        shards = [file]
        entries = try Checkpoint.merge([(file, tensors)], of: component)
    }

    /// An upper bound of the bytes that all tensors of the network take in a ``WeightRegion``.
    package var packedBytes: Int {
        entries.values.lazy.map(\.tensor)
            .filter { $0.type.storedFloats != nil }
            .reduce(0) { $0 + WeightRegion.bytes(WeightPacking.most($1.shape)) }
    }

    /// All tensors of all shards by the names that layers claim.
    private static func merge(
        _ shards: [(file: TensorFile, tensors: [SafetensorsHeader.Tensor])], of component: String
    ) throws(CheckpointError) -> [ExactString: Entry] {
        var entries: [ExactString: Entry] = [:]
        for (file, tensors) in shards {
            for tensor in tensors {
                let entry = Entry(shard: file, tensor: tensor)
                if let other = entries.updateValue(entry, forKey: ExactString(tensor.name)) {
                    guard other.shard !== file else {
                        throw .header(file: file.path, fault: .duplicate(name: tensor.name))
                    }
                    throw .inTwoShards(
                        tensor: "\(component).\(tensor.name)", first: other.shard.path, second: file.path)
                }
            }
        }
        return entries
    }

    /// Checks the shards against the index: each tensor is where `map` says, and nowhere else.
    private static func check(
        _ entries: [ExactString: Entry], against map: [ExactString: String], in directory: String,
        of component: String
    ) throws(CheckpointError) {
        let map = Dictionary(map.map { (ExactString($0.key.text.withoutWrappers), $0.value) }) { first, _ in first }
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            guard let shard = map[name], entry.shard.path == "\(directory)/\(shard)" else {
                throw .notInIndex(tensor: "\(component).\(name)", shard: entry.shard.path)
            }
        }
        for (name, shard) in map.sorted(by: { $0.key < $1.key }) where entries[name] == nil {
            throw .notInShard(tensor: "\(component).\(name)", shard: "\(directory)/\(shard)")
        }
    }

    /// What the network consists of, for its owner.
    package var contents: NetworkContents {
        NetworkContents(
            name: component, tensors: claims.count,
            types: Set(entries.filter { claims[$0.key] != nil }.map { $0.value.tensor.type.word.description }).sorted(),
            bytes: claims.values.reduce(0) { $0 + ($1.first?.tensor.bytes.count ?? 0) })
    }

    /// What the tensors are those of.
    var kind: CheckpointKind { CheckpointKind(shards.flatMap(\.header.unwrapped)) }

    /// The root of the network's names; claimed tensors are allocated in `region`.
    package func weights(in region: WeightRegion, precision: Precision) -> WeightScope {
        WeightScope(checkpoint: self, region: region, precision: precision, path: "")
    }

    /// Throws `neverRead` unless every tensor was claimed, or `isExempt` is true for its name (without the component).
    package func settle(except isExempt: (String) -> Bool) throws(CheckpointError) {
        let left = entries.keys.filter { claims[$0] == nil && !isExempt($0.text) }.sorted()
        guard left.isEmpty else {
            throw .neverRead(
                first: left.prefix(5).map { "\(component).\($0)" }, count: left.count)
        }
    }

    /// ``files`` for a model's hash: what is hashed is what was opened.
    ///
    /// - Parameter folder: the network's, relative to the model's; empty: the same
    package func hashedFiles(in folder: String) -> [HashedFile] {
        opened.map { HashedFile(name: folder.isEmpty ? $0.name : "\(folder)/\($0.name)", file: $0.file) }
    }

    /// The files that the weights are read from.
    var openFiles: [RegularFile] { shards.map(\.file) }

    /// The claims in the order of the files' data: reading is sequential.
    var claimsInOrder: [WeightClaim] {
        shards.flatMap { shard in
            claims.values.lazy.flatMap(\.self).filter { $0.shard === shard }.sorted { $0.start < $1.start }
        }
    }

    /// Whether a tensor is the buffer of positions 0, 1, 2, ... that some files contain and no network reads.
    package static func isPositions(_ name: String) -> Bool { name.hasSuffix("embeddings.position_ids") }

    func has(_ name: String) -> Bool {
        entries[ExactString(name)] != nil
    }

    func hasNames(under prefix: String) -> Bool {
        entries.keys.contains { $0.text.utf8.starts(with: prefix.utf8) }
    }

    /// Claims the tensor called `name`, of one of the `shapes`; errors quote the first of these.
    ///
    /// - Returns: the memory that each of the layouts will be packed into, and the tensor's type in the file
    func claim(
        _ name: String, shapes: [[Int]], _ layouts: WeightLayouts, in region: WeightRegion
    ) throws(CheckpointError) -> (memory: [UnsafeMutableRawPointer], type: StoredFloats) {
        let fullName = "\(component).\(name)"
        guard let entry = entries[ExactString(name)] else { throw .missing(tensor: fullName) }
        let tensor = entry.tensor
        guard shapes.contains(tensor.shape) else {
            throw .shape(tensor: fullName, found: tensor.shape, expected: shapes[0])
        }
        guard let type = tensor.type.storedFloats else {
            throw .elementType(tensor: fullName, found: tensor.type.word.description)
        }
        guard claims[ExactString(name)] == nil else { throw .readTwice(tensor: fullName) }
        var parts: [WeightClaim] = []
        for (elements, packing) in layouts.parts(of: tensor.count) {
            do throws(WeightRegionError) {
                let memory = try unsafe region.allocate(bytes: packing.bytes(elements.count, of: type))
                parts.append(
                    unsafe WeightClaim(
                        name: fullName, tensor: tensor, elements: elements, shard: entry.shard, type: type,
                        packing: packing, memory: memory))
            } catch {
                throw .region(error)
            }
        }
        claims[ExactString(name)] = parts
        return unsafe (parts.map(\.memory), type)
    }
}

/// The tensors of a network that are read.
package struct NetworkContents: Sendable {
    /// `unet`, `vae`, `text_encoder`.
    package let name: String
    package let tensors: Int
    /// The types that they are stored in, as safetensors names them.
    package let types: [String]
    /// Bytes in the files.
    package let bytes: Int
}

/// How a tensor is laid out in memory.
enum WeightLayouts {
    /// In parts of one size, one after another, each packed by itself.
    case parts([WeightPacking])
    /// The whole tensor several times.
    case copies([WeightPacking])

    /// The elements of a tensor of `count` that each packing gets.
    func parts(of count: Int) -> [(elements: Range<Int>, packing: WeightPacking)] {
        switch self {
        case .parts(let packings):
            let size = count / packings.count
            return packings.enumerated().map { ($0 * size..<($0 + 1) * size, $1) }
        case .copies(let packings): return packings.map { (0..<count, $0) }
        }
    }
}

extension SafetensorsHeader {
    /// The tensors, their names without wrappers.
    var unwrapped: [Tensor] { tensors.map { $0.named($0.name.withoutWrappers) } }
}

extension String {
    /// A tensor's name without what torch puts around it where a network was wrapped as it was saved:
    /// `DistributedDataParallel` a first `module.`, `torch.compile` an `_orig_mod.` before the names of what it
    /// compiled.
    fileprivate var withoutWrappers: String {
        guard utf8.starts(with: "module.".utf8) || contains("_orig_mod.") else { return self }
        let parts = split(separator: ".", omittingEmptySubsequences: false)
        return parts.drop { $0 == "module" }.filter { $0 != "_orig_mod" }.joined(separator: ".")
    }
}

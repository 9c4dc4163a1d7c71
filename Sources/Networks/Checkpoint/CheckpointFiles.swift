import FoundationEssentials
import Glibc
import Texts

/// Which files of a network's folder hold its weights.
///
/// Half precision before full precision, since half as many bytes are read and products are computed from either; one
/// file before shards; safetensors alone:
/// 1. `<stem>.fp16.safetensors`
/// 2. shards by `<stem>.fp16.safetensors.index.json` or `<stem>.safetensors.index.fp16.json`
/// 3. `<stem>.safetensors`
/// 4. shards by `<stem>.safetensors.index.json`
/// 5. the same two under the variant `non_ema`: weights that were not averaged, which diffusers' own loading has to be
///    asked for
package struct CheckpointFiles {
    /// Names of the files with tensors, sorted.
    let shards: [String]
    /// The name of the index and, for each tensor, its shard; nil where one file holds all.
    let index: (name: String, file: RegularFile, shardOfTensor: [ExactString: String])?

    /// The variant of weights as training left them, where the plain name has their moving averages.
    static let notAveraged = ".non_ema"

    /// The largest index that is read: a name and a shard for each of 100,000 tensors.
    private static let indexLimit = 32 << 20

    init(directory: String, stem: String) throws(CheckpointError) {
        let present = try CheckpointFiles.names(in: directory)
        for precision in [".fp16", "", Self.notAveraged] {
            let single = "\(stem)\(precision).safetensors"
            if present.contains(single) {
                shards = [single]
                index = nil
                return
            }
            let spellings = [
                "\(stem)\(precision).safetensors.index.json",
                "\(stem).safetensors.index\(precision).json",
            ]
            if let name = spellings.first(where: present.contains) {
                let file = try RegularFile(path: "\(directory)/\(name)")
                let map = try CheckpointFiles.weightMap(file)
                shards = Set(map.values).sorted()
                index = (name, file, map)
                return
            }
        }
        throw Self.refusal(directory: directory, stem: stem, present: present.sorted())
    }

    /// Why a folder has no weights that are read: what it has instead, what comes nearest first.
    ///
    /// - Parameter present: the names in the folder, sorted
    private static func refusal(directory: String, stem: String, present: [String]) -> CheckpointError {
        let foreign = present.compactMap { name in FileFormat(name: name).map { (name: name, format: $0) } }
        if let own = foreign.first(where: { $0.name.hasPrefix(stem) || $0.name.hasPrefix("pytorch_\(stem)") }) {
            return .otherFormat(file: "\(directory)/\(own.name)", own.format)
        }
        let weights = present.filter { $0.hasSuffix(".safetensors") }
        if let shard = weights.first(where: { $0.hasPrefix("\(stem)-") || $0.hasPrefix("\(stem).fp16-") }) {
            return .noIndex(directory: directory, shard: shard, index: "\(stem).safetensors.index.json")
        }
        let variant = weights.first { $0.hasPrefix("\(stem).") && !$0.contains("-of-") }
        if let name = variant ?? weights.first {
            return .otherName(directory: directory, name: name, expected: "\(stem).safetensors")
        }
        if let other = foreign.first { return .otherFormat(file: "\(directory)/\(other.name)", other.format) }
        return .noWeights(directory: directory, stem: stem)
    }

    /// Checks that this is a model's folder, so that errors name the usual mistake: a folder around a single file.
    ///
    /// - Parameter hasAutoencoder: whether it must have one of its own
    static func checkLayout(of directory: String, hasAutoencoder: Bool) throws(CheckpointError) {
        let present = try names(in: directory)
        let networks = ["unet", "text_encoder"] + (hasAutoencoder ? ["vae"] : [])
        guard let network = networks.first(where: { !present.contains($0) }) else { return }
        if present.isSuperset(of: ["blobs", "snapshots"]) {
            let snapshots = try names(in: "\(directory)/snapshots").filter { !$0.hasPrefix(".") }
            throw .otherKind(
                path: directory, found: "a model's folder in a Hugging Face cache",
                expected: "\(directory)/snapshots/\(snapshots.min() ?? "COMMIT")")
        }
        if let name = PipelineIndex.otherClass(in: directory) {
            throw .otherKind(
                path: directory, found: "a model for diffusers' \(name)",
                expected: "the folder of a Stable Diffusion 1 or 2 in PyTorch's layout, with unet, vae and text_encoder"
            )
        }
        let whole = present.filter { name in [".safetensors", ".ckpt"].contains { name.hasSuffix($0) } }
        throw .noNetwork(directory: directory, network: network, singleFile: whole.min())
    }

    static func names(in directory: String) throws(CheckpointError) -> Set<String> {
        guard let stream = unsafe opendir(directory) else {
            throw .system(path: directory, call: "open", code: errno)
        }
        defer { unsafe closedir(stream) }
        var names: Set<String> = []
        while let entry = unsafe readdir(stream) {
            unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
                let bytes = unsafe name.prefix { $0 != 0 }
                names.insert(unsafe String(decoding: bytes, as: UTF8.self))
            }
        }
        return names
    }

    private struct Index: Decodable {
        let weight_map: [String: String]
    }

    /// The shard of each tensor, from an index; a shard's name that leads out of the folder is refused.
    private static func weightMap(_ file: RegularFile) throws(CheckpointError) -> [ExactString: String] {
        let (path, contents) = (file.path, try file.text(limit: indexLimit))
        guard StreamSafe.isSafe(json: contents) else {
            throw .index(file: path, reason: StreamSafe.refusalOfJSON)
        }
        let index: Index
        do {
            index = try JSONDecoder().decode(Index.self, from: Data(contents))
        } catch {
            throw .index(file: path, reason: "not an index with a \"weight_map\" of names")
        }
        guard !index.weight_map.isEmpty else {
            throw .index(file: path, reason: "\"weight_map\" is empty")
        }
        for (tensor, shard) in index.weight_map {
            let isPlain = !shard.utf8.contains(0) && !shard.utf8.contains(UInt8(ascii: "/"))
            guard isPlain, shard.hasSuffix(".safetensors"), !shard.hasPrefix(".") else {
                throw .index(
                    file: path,
                    reason: "\"\(shard)\" of \"\(tensor)\" is not the name of a safetensors file")
            }
        }
        return Dictionary(
            uniqueKeysWithValues: index.weight_map.lazy.map { (ExactString($0.key), $0.value) })
    }
}

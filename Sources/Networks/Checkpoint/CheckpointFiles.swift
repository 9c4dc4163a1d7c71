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
package struct CheckpointFiles {
    /// Names of the files with tensors, sorted.
    let shards: [String]
    /// The name of the index and, for each tensor, its shard; nil where one file holds all.
    let index: (file: String, shardOfTensor: [ExactString: String])?

    /// The largest index that is read: a name and a shard for each of 100,000 tensors.
    private static let indexLimit = 32 << 20

    init(directory: String, stem: String) throws(CheckpointError) {
        let present = try CheckpointFiles.names(in: directory)
        for precision in [".fp16", ""] {
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
            if let file = spellings.first(where: present.contains) {
                let map = try CheckpointFiles.weightMap(directory: directory, file: file)
                shards = Set(map.values).sorted()
                index = (file, map)
                return
            }
        }
        let pickles = present.filter { name in
            [".bin", ".ckpt", ".pt", ".pth"].contains { name.hasSuffix($0) }
        }
        let weights = pickles.filter { $0.hasPrefix(stem) || $0.hasPrefix("pytorch_\(stem)") }
        if let pickle = weights.min() ?? pickles.min() {
            throw .pickled(file: "\(directory)/\(pickle)")
        }
        throw .noWeights(directory: directory, stem: stem)
    }

    /// Checks that this is a model's folder, so that errors name the usual mistake: a single-file checkpoint, or a
    /// folder with one in it.
    package static func checkLayout(of directory: String) throws(CheckpointError) {
        let present: Set<String>
        do {
            present = try names(in: directory)
        } catch .system(_, _, ENOTDIR) {
            throw .singleFile(path: directory)
        } catch .system(_, _, ENOENT) {
            throw .noFolder(path: directory)
        }
        guard let network = ["unet", "vae", "text_encoder"].first(where: { !present.contains($0) }) else { return }
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
    private static func weightMap(
        directory: String, file: String
    ) throws(CheckpointError) -> [ExactString: String] {
        let path = "\(directory)/\(file)"
        let contents = try RegularFile(path: path).contents(limit: indexLimit)
        guard StreamSafe.isSafe(json: contents) else {
            throw .index(file: path, reason: StreamSafe.refusal)
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

import FoundationEssentials
import Networks
import Support

/// A checkpoint's tensors under LDM's names, as diffusers' converter names them, to be written into one file.
struct SingleFile {
    var tensors: [StoredTensor]

    /// - Parameters:
    ///   - fixture: `tiny` or `sd2`
    ///   - networks: whose tensors; `unet`, `vae`, `text_encoder`
    init(_ fixture: String, networks: Set<String> = ["unet", "vae", "text_encoder"]) throws {
        var stored: [String: [String: StoredTensor]] = [:]
        for network in networks {
            let stem = network == "text_encoder" ? "model" : "diffusion_pytorch_model"
            let path = "\(Repository.root)/Tests/Fixtures/\(fixture)/checkpoint/\(network)/\(stem).safetensors"
            let file = try TensorFile(path: path)
            for tensor in file.header.tensors {
                stored[network, default: [:]][tensor.name] = StoredTensor(
                    tensor.name, type: "\(tensor.type.word)", shape: tensor.shape,
                    bytes: try file.bytes(of: tensor.name))
            }
        }
        let names = try Data(contentsOf: URL(filePath: "\(Repository.root)/Tests/Fixtures/single/\(fixture).json"))
        tensors = try JSONDecoder().decode([Renaming].self, from: names).compactMap { row in
            let parts = row.parts.compactMap { stored[$0[0]]?[$0[1]] }
            guard let first = parts.first else { return nil }
            return StoredTensor(row.name, type: first.type, shape: row.shape, bytes: parts.flatMap(\.bytes))
        }
    }

    /// A row of the fixture.
    private struct Renaming: Decodable {
        let name: String
        let shape: [Int]
        let parts: [[String]]

        init(from decoder: any Decoder) throws {
            var row = try decoder.unkeyedContainer()
            name = try row.decode(String.self)
            shape = try row.decode([Int].self)
            parts = try row.decode([[String]].self)
        }
    }

    func renamed(_ rename: (String) -> String) -> SingleFile {
        var other = self
        for index in other.tensors.indices { other.tensors[index].name = rename(tensors[index].name) }
        return other
    }

    func with(_ more: [StoredTensor]) -> SingleFile {
        var other = self
        other.tensors += more
        return other
    }

    /// Those of a network, by what its names begin with.
    func only(_ root: String) -> SingleFile {
        var other = self
        other.tensors = tensors.filter { $0.name.hasPrefix(root) }
        return other
    }

    func without(_ part: String) -> SingleFile {
        var other = self
        other.tensors = tensors.filter { !$0.name.contains(part) }
        return other
    }

    /// Writes the file into `folder` and gives its path.
    func write(_ name: String, in folder: TemporaryDirectory) throws -> String {
        let path = "\(folder.path)/\(name)"
        try Data(safetensors(tensors)).write(to: URL(filePath: path))
        return path
    }
}

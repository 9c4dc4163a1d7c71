import FoundationEssentials
import Kernels
import Networks
import Results
import Segmentation

/// A folder of reference numbers: safetensors files, and JSON beside them.
struct GoldenFolder {
    let directory: String

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    func tensors(_ file: String) throws(CheckpointError) -> TensorFile {
        try TensorFile(path: path("\(file).safetensors"))
    }

    func json<Value: Decodable>(_ file: String, as type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(bytes("\(file).json")))
    }

    func bytes(_ file: String) throws(FileError) -> [UInt8] {
        try InputFile.bytes(at: path(file))
    }

    func has(_ file: String) -> Bool { RegularFile.exists(at: path(file)) }

    /// The names of its files of tensors and JSON, without endings; neither those of folders in it nor those that
    /// compare nothing: versions of libraries, and the order of layers that the tensors' names say too.
    var goldens: [String] {
        get throws {
            let files = try FileManager.default.contentsOfDirectory(atPath: directory)
            let endings = [".safetensors", ".json"]
            let names = files.compactMap { file in
                endings.first { file.hasSuffix($0) }.map { String(file.dropLast($0.count)) }
            }
            return Set(names).subtracting(["versions", "unet_layers"]).sorted()
        }
    }
}

extension GoldenFolder {
    /// The posterior's mean, scaled and noised, `[H·W, 4]`.
    func noised(_ model: Model, timestep: Int) throws -> FeatureMap {
        let file = try tensors("vae")
        let (grid, channels) = (model.latentSizes.trained, model.unet.configuration.inChannels)
        let (mean, noise) = (Matrix(stored: grid.pixels, by: channels), Matrix(stored: grid.pixels, by: channels))
        mean.interleave(try file.values(of: "mean"))
        noise.interleave(try file.values(of: "noise"))
        mean.scale(by: model.autoencoder.configuration.scalingFactor, adding: 0)
        model.addNoise(noise, to: mean, timestep: timestep)
        return FeatureMap(mean, height: grid.height, width: grid.width)
    }
}

extension TensorFile {
    func has(_ name: String) -> Bool { header.tensors.contains { $0.name == name } }

    func shape(of name: String) throws(CheckpointError) -> [Int] {
        guard let tensor = header.tensors.first(where: { $0.name == name }) else {
            throw .missing(tensor: name)
        }
        return tensor.shape
    }

    /// The parts of a tensor along its first dimension.
    func rows(of name: String) throws(CheckpointError) -> [[Float]] {
        let (values, shape) = (try values(of: name), try shape(of: name))
        let count = values.count / max(shape.first ?? 1, 1)
        return stride(from: 0, to: values.count, by: max(count, 1)).map { Array(values[$0..<$0 + count]) }
    }

    /// The 32-bit integers of a tensor.
    func integers(of name: String) throws(CheckpointError) -> [Int32] {
        let bytes = try bytes(of: name)
        return stride(from: 0, to: bytes.count - 3, by: 4).map { start in
            Int32(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) })
        }
    }
}

/// The fields of `clip_tokens.json`.
struct GoldenTokens: Codable {
    let text: String
    let ids: [Int32]
}

/// The fields of `per_label.json`.
struct GoldenLabels: Decodable {
    let labels: [String]
    let participle_prompt: String
    let timestep: Int
    let background: Float
}

/// The fields of `recipes/iseg_*.json`.
struct GoldenIseg: Decodable {
    struct Steps: Decodable {
        let affinity: Int
        let others: Int
    }

    let prompt: String
    let labels: [String]
    let positions: [String: [Int32]]
    let timestep: Int
    let iterations: Int
    let rows_saved: Steps
}

/// The fields of `recipes/cliper_*.json`.
struct GoldenCliper: Decodable {
    struct Rule: Decodable {
        let keep: Float
        let floor: Float
        let minmax: Bool
    }

    let timestep: Int
    let heads: Int
    let thresholds: [Float]
    let rows_saved: Int
    let rules: [String: Rule]
}

/// The fields of `shared_pass.json`.
struct GoldenSharedPass: Decodable {
    let prompt: String
    let labels: [String]
}

/// The fields of `golden-full/golden.json`.
struct GoldenFull: Decodable {
    let prompts: [String: [Int32]]
    let timestep: Int
    let class_tokens: [String: [Int]]
}

/// The fields of `published/labels.json`.
struct GoldenPublished: Decodable {
    struct Label: Decodable {
        let label: String
        let caption: String
        let prompt: String
        let read: [Int32]
        let words: [Int32]
        let last_word: [Int32]
    }

    let seed: UInt32
    let timestep: Int
    let caption: String
    let labels: [Label]
}

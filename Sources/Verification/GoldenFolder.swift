import FoundationEssentials
import Networks
import Results

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
}

extension TensorFile {
    func shape(of name: String) throws(CheckpointError) -> [Int] {
        guard let tensor = header.tensors.first(where: { $0.name == name }) else {
            throw .missing(tensor: name)
        }
        return tensor.shape
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

import FoundationEssentials
import Kernels
import Networks
import Support

/// A network's folder in a folder of its own, with its tensors changed: what a damaged, renamed or converted
/// checkpoint looks like.
struct CheckpointCopy {
    let folder: TemporaryDirectory
    let stem: String

    /// The networks of a checkpoint, with the name of their weights.
    static func stem(of network: String) -> String {
        network == "text_encoder" ? "model" : "diffusion_pytorch_model"
    }

    /// All tensors of a network of `tiny`.
    static func tensors(of network: String) throws -> [StoredTensor] {
        try StoredTensor.all(of: "\(oracleFolder)/tiny/checkpoint/\(network)/\(stem(of: network)).safetensors")
    }

    /// - Parameter files: their names, and the tensors of each
    init(_ network: String, _ files: [String: [StoredTensor]]) throws {
        folder = try TemporaryDirectory()
        stem = Self.stem(of: network)
        for (name, tensors) in files { try folder.write(name, safetensors(tensors)) }
        let configuration = "\(oracleFolder)/tiny/checkpoint/\(network)/config.json"
        try folder.write("config.json", Array(try Data(contentsOf: URL(filePath: configuration))))
    }

    /// One file under its plain name.
    init(_ network: String, _ tensors: [StoredTensor]) throws {
        try self.init(network, ["\(Self.stem(of: network)).safetensors": tensors])
    }

    /// Runs `body` on the folder, which lives as long.
    func reading<Value>(_ body: (String) throws -> Value) rethrows -> Value {
        try withExtendedLifetime(folder) { try body(folder.path) }
    }

    /// Replaces text of `config.json`.
    func configure(_ old: String, _ new: String) throws {
        let path = "\(folder.path)/config.json"
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        try folder.write("config.json", text.replacing(old, with: new))
    }
}

extension StoredTensor {
    /// All tensors of a file.
    static func all(of path: String) throws -> [StoredTensor] {
        let file = try TensorFile(path: path)
        return try file.header.tensors.map { tensor in
            StoredTensor(
                tensor.name, type: "\(tensor.type.word)", shape: tensor.shape,
                bytes: try file.bytes(of: tensor.name))
        }
    }
}

/// A network, with the region that its weights live in.
struct Loaded<Network> {
    let network: Network
    let region: WeightRegion
}

/// Starts the threads once: they choose the instruction set, on which the bits depend.
func startThreads() {
    do throws(InstructionSetError) {
        try Threads.start(nil)
    } catch {
        preconditionFailure("\(error)")
    }
}

private func load<Network>(
    _ directory: String, _ component: String, _ precision: Precision, except isTail: (String) -> Bool,
    _ make: (WeightScope) throws(CheckpointError) -> Network
) throws(CheckpointError) -> Loaded<Network> {
    startThreads()
    let checkpoint = try Checkpoint(
        directory: directory, stem: CheckpointCopy.stem(of: component), component: component)
    let region: WeightRegion
    do throws(AddressSpaceError) {
        region = try WeightRegion(capacity: checkpoint.packedBytes)
    } catch {
        throw .addressSpace(error)
    }
    let network = try make(checkpoint.weights(in: region, precision: precision))
    try checkpoint.settle(except: isTail)
    _ = try Checkpoint.read([checkpoint], hashing: []) { true }
    return Loaded(network: network, region: region)
}

func loadUNet(_ directory: String, _ precision: Precision = .f32) throws(CheckpointError) -> Loaded<UNet> {
    try load(directory, "unet", precision, except: UNet.isTail) { (weights) throws(CheckpointError) in
        try UNet(weights, UNetConfiguration(RegularFile(path: "\(directory)/config.json")))
    }
}

func loadAutoencoder(
    _ directory: String, _ precision: Precision = .f32
) throws(CheckpointError) -> Loaded<AutoencoderKL> {
    try load(directory, "vae", precision, except: AutoencoderKL.isTail) { (weights) throws(CheckpointError) in
        try AutoencoderKL(weights, AutoencoderConfiguration(RegularFile(path: "\(directory)/config.json")))
    }
}

func loadTextEncoder(
    _ directory: String, _ precision: Precision = .f32
) throws(CheckpointError) -> Loaded<CLIPTextEncoder> {
    let isTail = Checkpoint.isPositions
    return try load(directory, "text_encoder", precision, except: isTail) { (weights) throws(CheckpointError) in
        try CLIPTextEncoder(
            weights.entering(ifPresent: "text_model"),
            TextEncoderConfiguration(RegularFile(path: "\(directory)/config.json")))
    }
}

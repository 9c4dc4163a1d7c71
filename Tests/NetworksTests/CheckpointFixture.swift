import FoundationEssentials
import Glibc
import Kernels
import Networks
import Support

/// The folder of oracle checkpoints and goldens.
let oracleFolder = "\(Repository.root)/Tests/Fixtures"

extension TemporaryDirectory {
    /// Writes `bytes` under `name`; returns the path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = "\(path)/\(name)"
        try Data(bytes).write(to: URL(filePath: file))
        return file
    }

    /// Cuts the file `name` to `count` bytes, or pads it with zeros.
    func resize(_ name: String, to count: Int) throws {
        let code = unsafe truncate("\(path)/\(name)", count)
        guard code == 0 else {
            throw CheckpointError.system(path: name, call: "truncate", code: errno)
        }
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try write(name, Array(text.utf8))
    }
}

/// A folder with one file `model.safetensors` of a few small tensors, opened.
struct SmallCheckpoint {
    let folder: TemporaryDirectory
    let checkpoint: Checkpoint
    let region: WeightRegion
    let weights: WeightScope

    init(_ tensors: [StoredTensor], precision: Precision = .f32) throws {
        folder = try TemporaryDirectory()
        try folder.write("model.safetensors", safetensors(tensors))
        checkpoint = try Checkpoint(directory: folder.path, stem: "model", component: "unet")
        region = try WeightRegion(capacity: checkpoint.packedBytes)
        weights = checkpoint.weights(in: region, precision: precision)
    }

    var file: String { "\(folder.path)/model.safetensors" }

    /// Reads what was claimed.
    func read() throws(CheckpointError) {
        try readAll(checkpoint)
    }
}

/// Reads what was claimed of a checkpoint.
func readAll(_ checkpoint: Checkpoint) throws(CheckpointError) {
    _ = try Checkpoint.read([checkpoint], hashing: []) { true }
}

extension Window {
    /// Of a kernel that stands on every pixel, one after another.
    static func sliding(_ kernel: Int) -> Window {
        Window(kernel: kernel, stride: 1, before: kernel / 2, after: kernel / 2, doubled: false)
    }
}

/// All numbers of a vector.
func floats(_ vector: WeightVector) -> [Float] {
    unsafe [Float](UnsafeBufferPointer(start: vector.base, count: vector.count))
}

/// All numbers of a matrix, row by row, by the definition of its layout.
func floats(_ weights: WeightMatrix) -> [Float] {
    (0..<weights.rows).flatMap { row in
        (0..<weights.columns).map { column in number(weights, row, column) }
    }
}

/// The number of a row and a column.
private func number(_ weights: WeightMatrix, _ row: Int, _ column: Int) -> Float {
    switch weights.packing {
    case .floats, .stored: unsafe number(weights.base, weights.type, row * weights.columns + column)
    case .fixed: Float(integer(weights, row, column)) * (unsafe weights.scales?[row] ?? .nan)
    case .fixedKernels:
        unsafe number(weights.base, weights.type, ((row / 16) * weights.columns + column) * 16 + row % 16)
    }
}

/// The whole number of a matrix in fixed point; row and column may lie behind the last one that the tensor has, as far
/// as panels and pairs are filled up.
func integer(_ weights: WeightMatrix, _ row: Int, _ column: Int) -> Int {
    // Behind the pairs of a panel there are two rows more, for multiplying it crosswise.
    let place = (((row / 16) * ((weights.columns + 1) / 2 + 2) + column / 2) * 16 + row % 16) * 2 + column % 2
    return unsafe Int(weights.base.load(fromByteOffset: 2 * place, as: Int16.self))
}

/// The value of the number at an index of stored ones.
func number(_ base: UnsafeRawPointer, _ type: StoredFloats, _ index: Int) -> Float {
    let bits = unsafe bits(base, type, index)
    return switch type {
    case .f32: Float(bitPattern: bits)
    case .f16: Float(Float16(bitPattern: UInt16(bits)))
    case .bf16: Float(bitPattern: bits << 16)
    }
}

/// The bits of a number as it is stored.
func bits(_ base: UnsafeRawPointer, _ type: StoredFloats, _ index: Int) -> UInt32 {
    type == .f32
        ? unsafe base.load(fromByteOffset: 4 * index, as: UInt32.self)
        : UInt32(unsafe base.load(fromByteOffset: 2 * index, as: UInt16.self))
}

extension Checkpoint {
    /// Reads all that was claimed of `checkpoints`, and hashes `files`: the networks of one model.
    static func read(
        _ checkpoints: [Checkpoint], hashing files: [HashedFile], remembered: RememberedDigests? = nil,
        while isWanted: @Sendable () -> Bool
    ) throws(CheckpointError) -> ModelHash {
        try HashedNetworks.read(
            [HashedNetworks(checkpoints, files: files, in: nil)], remembered: remembered, keeping: nil,
            progress: { _, _ in }, while: isWanted)[0].hash
    }
}

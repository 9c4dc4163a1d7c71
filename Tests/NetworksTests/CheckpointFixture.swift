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

/// A tensor as the safetensors format stores it.
struct StoredTensor {
    let name: String
    let type: String
    let shape: [Int]
    let bytes: [UInt8]

    init(_ name: String, type: String, shape: [Int], bytes: [UInt8]) {
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// Stores `values` as F32.
    init(_ name: String, shape: [Int], _ values: [Float]) {
        let bytes = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
        }
        self.init(name, type: "F32", shape: shape, bytes: bytes)
    }

    /// Stores `halves` as F16 or BF16.
    init(_ name: String, type: String, shape: [Int], halves: [UInt16]) {
        let bytes = halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        self.init(name, type: type, shape: shape, bytes: bytes)
    }
}

/// A header of `json`, whatever it says, and `data` after it.
func safetensors(header json: String, data: [UInt8]) -> [UInt8] {
    let header = Array(json.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> ($0 * 8)) } + header + data
}

/// A whole file of `tensors`.
func safetensors(_ tensors: [StoredTensor]) -> [UInt8] {
    var entries: [String] = []
    var data: [UInt8] = []
    for tensor in tensors {
        let end = data.count + tensor.bytes.count
        entries.append(
            "\"\(tensor.name)\":{\"dtype\":\"\(tensor.type)\",\"shape\":\(tensor.shape),"
                + "\"data_offsets\":[\(data.count),\(end)]}")
        data += tensor.bytes
    }
    return safetensors(header: "{\(entries.joined(separator: ","))}", data: data)
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

/// All numbers of a matrix, row by row, by the definition of how they are packed.
func floats(_ weights: PackedWeights) -> [Float] {
    (0..<weights.rows).flatMap { row in
        (0..<weights.columns).map { column in number(weights, row, column) }
    }
}

/// The number that is packed for a row and a column; either may lie behind the last one that the tensor has, as far as
/// panels and pairs are filled up.
func number(_ weights: PackedWeights, _ row: Int, _ column: Int) -> Float {
    if case .fixed = weights.packing {
        Float(integer(weights, row, column)) * (unsafe weights.scales?[row] ?? .nan)
    } else {
        unsafe number(weights.base, weights.type, ((row / 16) * weights.columns + column) * 16 + row % 16)
    }
}

/// The whole number of a matrix in fixed point.
func integer(_ weights: PackedWeights, _ row: Int, _ column: Int) -> Int {
    let place = (((row / 16) * ((weights.columns + 1) / 2) + column / 2) * 16 + row % 16) * 2 + column % 2
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

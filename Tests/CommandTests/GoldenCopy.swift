import FoundationEssentials
import Networks
import Support

/// A checkpoint and its goldens that may be tampered with.
final class GoldenCopy {
    private let directory: TemporaryDirectory
    var path: String { "\(directory.path)/copy" }

    init(of name: String) throws {
        directory = try TemporaryDirectory()
        try copy("\(Repository.fixtures)/\(name)", to: path)
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: false)
    }

    func move(_ file: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: "\(path)/\(file)", toPath: "\(path)/\(other)")
    }

    func remove(_ file: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(file)")
    }

    /// Stores other tensors in place of a file's.
    func rewrite(_ file: String, _ change: (inout [StoredTensor]) throws -> Void) throws {
        let stored = try TensorFile(path: "\(path)/\(file)")
        var tensors = try stored.header.tensors.map { tensor in
            StoredTensor(
                tensor.name, type: "\(tensor.type.word)", shape: tensor.shape,
                bytes: try stored.bytes(of: tensor.name))
        }
        try change(&tensors)
        try write(safetensors(tensors), to: "\(path)/\(file)")
    }

    /// Runs `dseg-bench verify` on it.
    func verify() throws -> Program.Ending { try run([Repository.dsegBench, "verify", path]) }
}

extension StoredTensor {
    /// Flips the sign and most of the exponent of a number in the middle; of identifiers the lowest bit of the second.
    mutating func spoil() {
        if type == "I32" { bytes[4] ^= 1 } else { bytes[bytes.count / 8 * 4 + 3] ^= 0x81 }
    }

    /// Bytes of one row of the first axis.
    var rowBytes: Int { bytes.count / shape[0] }

    mutating func swapRows(_ first: Int, _ second: Int) {
        for byte in 0..<rowBytes { bytes.swapAt(first * rowBytes + byte, second * rowBytes + byte) }
    }

    mutating func copyRow(_ row: Int, to other: Int) {
        let (size, start) = (rowBytes, row * rowBytes)
        bytes.replaceSubrange(other * size..<(other + 1) * size, with: Array(bytes[start..<start + size]))
    }
}

extension [StoredTensor] {
    /// Changes the one tensor of this name.
    mutating func change(_ name: String, _ body: (inout StoredTensor) -> Void) throws {
        guard let place = firstIndex(where: { $0.name == name }) else {
            throw CheckpointError.missing(tensor: name)
        }
        body(&self[place])
    }
}

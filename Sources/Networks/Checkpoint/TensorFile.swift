import Kernels
import Texts

/// An open safetensors file whose header is checked. ``WeightReading`` reads a network's tensors; others are read by
/// name.
package final class TensorFile {
    package let header: SafetensorsHeader
    let file: RegularFile
    /// Where the data starts in the file.
    private let dataStart: Int

    package var path: String { file.path }

    /// Opens `path` and reads its header, nothing else.
    package init(path: String) throws(CheckpointError) {
        let file = try RegularFile(path: path)
        let prefix = try file.bytes(in: 0..<min(8, file.size))
        let length = try TensorFile.checked(file) { () throws(SafetensorsFault) in
            try SafetensorsHeader.length(from: prefix, fileBytes: file.size)
        }
        let start = 8 + length
        var json = try file.bytes(in: 8..<start)
        json.append(0)
        let terminated = json
        header = try TensorFile.checked(file) { () throws(SafetensorsFault) in
            try SafetensorsHeader(terminated: terminated, dataBytes: file.size - start)
        }
        self.file = file
        dataStart = start
    }

    /// Names the file in a fault of its header, or what it is if it is no such file at all.
    private static func checked<Value>(
        _ file: RegularFile, _ body: () throws(SafetensorsFault) -> Value
    ) throws(CheckpointError) -> Value {
        do throws(SafetensorsFault) {
            return try body()
        } catch {
            throw try FileFormat.mistaken(file, isText: false) ?? .header(file: file.path, fault: error)
        }
    }

    /// The elements of the tensor called `name`, in the file's order.
    package func values(of name: String) throws(CheckpointError) -> [Float] {
        guard let tensor = header.tensors.first(where: { ExactString($0.name) == ExactString(name) }) else {
            throw .missing(tensor: name)
        }
        guard let type = tensor.type.storedFloats else {
            throw .elementType(tensor: name, found: tensor.type.word.description)
        }
        let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.count)
        defer { unsafe floats.deallocate() }
        guard let base = floats.baseAddress else { return [] }
        let claim = unsafe WeightClaim(
            name: name, tensor: tensor, elements: 0..<tensor.count, shard: self, type: type, packing: .floats,
            memory: UnsafeMutableRawPointer(base))
        _ = try WeightReading([claim], hashing: []).run(counting: { _ in }, while: { true })
        try file.verifyUnchanged()
        return unsafe [Float](floats)
    }

    /// The stored bytes of the tensor called `name`, whatever its type.
    package func bytes(of name: String) throws(CheckpointError) -> [UInt8] {
        guard let tensor = header.tensors.first(where: { ExactString($0.name) == ExactString(name) }) else {
            throw .missing(tensor: name)
        }
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: tensor.bytes.count, alignment: WeightRegion.alignment)
        defer { unsafe bytes.deallocate() }
        try unsafe fill(bytes, from: tensor.bytes.lowerBound, of: name)
        try file.verifyUnchanged()
        return unsafe [UInt8](bytes)
    }

    /// Throws if the file was written to since it was opened.
    package func verifyUnchanged() throws(CheckpointError) {
        try file.verifyUnchanged()
    }

    /// Fills `bytes` from `offset` on, counted from the start of the data; `name` stands in errors.
    func fill(
        _ bytes: UnsafeMutableRawBufferPointer, from offset: Int, of name: String
    ) throws(CheckpointError) {
        let start = dataStart + offset
        let count = try unsafe file.read(into: bytes, at: start)
        guard count == bytes.count else {
            throw .shortRead(file: path, tensor: name, offset: start + count)
        }
    }
}

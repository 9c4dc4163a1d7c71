import Kernels

/// A safetensors file, opened, its header checked. Tensors are read by name, one at a time.
package final class TensorFile {
    /// The most bytes read from the file at once.
    private static let chunk = 4 << 20

    package let header: SafetensorsHeader
    private let file: RegularFile
    /// Where the data starts in the file.
    private let dataStart: Int

    package var path: String { file.path }

    /// Opens `path` and reads its header, nothing else.
    package init(path: String) throws(CheckpointError) {
        let file = try RegularFile(path: path)
        let prefix = try file.bytes(in: 0..<min(8, file.size))
        let length = try TensorFile.checked(path) { () throws(SafetensorsFault) in
            try SafetensorsHeader.length(from: prefix, fileBytes: file.size)
        }
        let start = 8 + length
        let json = try file.bytes(in: 8..<start)
        header = try TensorFile.checked(path) { () throws(SafetensorsFault) in
            try SafetensorsHeader(parsing: json, dataBytes: file.size - start)
        }
        self.file = file
        dataStart = start
    }

    /// Names the file in a fault of its header.
    private static func checked<Value>(
        _ path: String, _ body: () throws(SafetensorsFault) -> Value
    ) throws(CheckpointError) -> Value {
        do throws(SafetensorsFault) {
            return try body()
        } catch {
            throw .header(file: path, fault: error)
        }
    }

    /// Writes the elements of `tensor`, converted to f32, to `destination`, `[tensor.count]`.
    ///
    /// Only F32, F16 and BF16 are converted; `name` stands in errors.
    package func read(
        _ tensor: SafetensorsHeader.Tensor, named name: String,
        into destination: UnsafeMutablePointer<Float>
    ) throws(CheckpointError) {
        guard let stored = tensor.type.storedFloats else {
            throw .elementType(tensor: name, found: tensor.type.word.description)
        }
        let step = TensorFile.chunk / stored.size
        let staging = UnsafeMutableRawPointer.allocate(
            byteCount: stored == .f32 ? 0 : min(tensor.bytes.count, TensorFile.chunk),
            alignment: WeightRegion.alignment)
        defer { unsafe staging.deallocate() }
        for first in stride(from: 0, to: tensor.count, by: step) {
            let count = min(step, tensor.count - first)
            let floats = unsafe destination + first
            let target = unsafe stored == .f32 ? UnsafeMutableRawPointer(floats) : staging
            let bytes = unsafe UnsafeMutableRawBufferPointer(
                start: target, count: count * stored.size)
            try unsafe fill(bytes, from: tensor.bytes.lowerBound + first * stored.size, of: name)
            unsafe stored.widen(target, into: floats, count: count)
        }
        try file.verifyUnchanged()
    }

    /// The elements of the tensor called `name`, in the file's order.
    package func values(of name: String) throws(CheckpointError) -> [Float] {
        guard let tensor = header.tensors.first(where: { $0.name == name }) else {
            throw .missing(tensor: name)
        }
        let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.count)
        defer { unsafe floats.deallocate() }
        guard let base = floats.baseAddress else { return [] }
        try unsafe read(tensor, named: name, into: base)
        return unsafe [Float](floats)
    }

    /// The stored bytes of the tensor called `name`, whatever its type.
    package func bytes(of name: String) throws(CheckpointError) -> [UInt8] {
        guard let tensor = header.tensors.first(where: { $0.name == name }) else {
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

    private func fill(
        _ bytes: UnsafeMutableRawBufferPointer, from offset: Int, of name: String
    ) throws(CheckpointError) {
        let start = dataStart + offset
        let count = try unsafe file.read(into: bytes, at: start)
        guard count == bytes.count else {
            throw .shortRead(file: path, tensor: name, offset: start + count)
        }
    }
}

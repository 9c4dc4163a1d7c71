import CKernels
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
        let size = tensor.type.size
        let step = TensorFile.chunk / size
        let staging = UnsafeMutableRawBufferPointer.allocate(
            byteCount: tensor.type == .f32 ? 0 : min(tensor.bytes.count, TensorFile.chunk),
            alignment: WeightRegion.alignment)
        defer { unsafe staging.deallocate() }
        for first in stride(from: 0, to: tensor.count, by: step) {
            let count = min(step, tensor.count - first)
            let floats = unsafe UnsafeMutableBufferPointer(start: destination + first, count: count)
            let target = unsafe tensor.type == .f32 ? UnsafeMutableRawBufferPointer(floats) : staging
            let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: target[..<(count * size)])
            try unsafe fill(bytes, from: tensor.bytes.lowerBound + first * size, of: name)
            try unsafe TensorFile.widen(bytes, of: tensor.type, named: name, into: floats)
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

    /// Widens `bytes` to `floats`; elements that are f32 are in place already.
    private static func widen(
        _ bytes: UnsafeMutableRawBufferPointer, of type: ElementType, named name: String,
        into floats: UnsafeMutableBufferPointer<Float>
    ) throws(CheckpointError) {
        guard let base = bytes.baseAddress, let first = floats.baseAddress else { return }
        let halves = unsafe UnsafePointer(base.assumingMemoryBound(to: UInt16.self))
        switch type {
        case .f32: break
        case .f16: unsafe dseg_widen_f16(halves, first, floats.count)
        case .bf16: unsafe dseg_widen_bf16(halves, first, floats.count)
        default: throw .elementType(tensor: name, found: type.rawValue)
        }
    }
}

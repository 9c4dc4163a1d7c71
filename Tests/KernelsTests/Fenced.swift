import CKernels
import Glibc

/// Bytes that end where memory is forbidden: a kernel that reads behind them stops the process. They are never written
/// again, so threads may share them.
@safe final class Fenced: @unchecked Sendable {
    private static let page = 4096

    private let mapping: UnsafeMutableRawPointer
    private let length: Int
    private let count: Int

    var base: UnsafeRawPointer { unsafe UnsafeRawPointer(mapping + (length - Fenced.page - count)) }

    init(_ bytes: [UInt8]) {
        count = bytes.count
        length = (count + Fenced.page - 1) / Fenced.page * Fenced.page + Fenced.page
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        guard let mapping = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0),
            unsafe mapping != MAP_FAILED
        else { preconditionFailure("no memory for \(length) bytes: \(errno)") }
        unsafe self.mapping = unsafe mapping
        let fence = unsafe mapping + (length - Fenced.page)
        let start = unsafe UnsafeMutableRawBufferPointer(start: fence - count, count: count)
        unsafe start.copyBytes(from: bytes)
        let refused = unsafe mprotect(fence, Fenced.page, PROT_NONE)
        precondition(refused == 0, "no fence behind \(count) bytes: \(errno)")
    }

    /// The bytes of numbers, as they lie in memory.
    convenience init<Number: BitwiseCopyable>(numbers: [Number]) {
        self.init(unsafe numbers.withUnsafeBytes { bytes in unsafe Array(bytes) })
    }

    deinit { unsafe munmap(mapping, length) }
}

/// Weights `[outputs, inputs]` for products in f32, row-major as a checkpoint stores them, before a fence.
@safe final class Weights: Sendable {
    private let memory: Fenced
    private let number: dseg_number
    let outputs: Int
    let inputs: Int

    init(_ weights: Stored, outputs: Int, inputs: Int) {
        precondition(weights.bits.count == outputs * inputs, "\(weights.bits.count) weights")
        memory = Fenced(weights.bytes)
        number = weights.number
        self.outputs = outputs
        self.inputs = inputs
    }

    convenience init(_ weights: [Float], outputs: Int, inputs: Int) {
        self.init(Stored(weights), outputs: outputs, inputs: inputs)
    }

    /// A convolution's `[outputs, positions, channels]`, as oracles have them, to `[outputs, channels, positions]`.
    convenience init(kernels: Stored, outputs: Int, positions: Int) {
        let inputs = kernels.bits.count / outputs
        self.init(kernels.turned(positions, inputs / positions), outputs: outputs, inputs: inputs)
    }

    /// The weights as kernels take them; they live as long as this does.
    var c: dseg_weights {
        unsafe dseg_weights(base: memory.base, number: number, outputs: outputs, inputs: inputs)
    }
}

/// Scratch of as many floats as a kernel asks for, NaN until written, and marks behind it that no kernel may touch.
@safe final class Scratch {
    /// A NaN that no kernel produces.
    private static let mark = Float(bitPattern: 0x7fc0_dead)
    private static let guarded = 1024

    private let store: UnsafeMutableBufferPointer<Float>
    private let count: Int

    let floats: UnsafeMutablePointer<Float>

    init(_ count: Int) {
        self.count = count
        unsafe store = .allocate(capacity: count + Scratch.guarded)
        unsafe store.initialize(repeating: Scratch.mark)
        guard let base = unsafe store.baseAddress else { preconditionFailure("scratch has marks") }
        unsafe floats = unsafe base
    }

    deinit { unsafe store.deallocate() }

    var isIntact: Bool {
        (count..<(count + Scratch.guarded)).allSatisfy { unsafe store[$0].bitPattern == Scratch.mark.bitPattern }
    }
}

import Kernels
import Synchronization

/// A tensor that a network asked for: where its numbers are, and where and how it expects them.
@safe struct WeightClaim {
    /// The component's name included, as errors quote it.
    let name: String
    let tensor: SafetensorsHeader.Tensor
    let shard: TensorFile
    let type: StoredFloats
    let packing: WeightPacking
    /// `packing.bytes(tensor.count, of: type)` bytes.
    let memory: UnsafeMutableRawPointer

    /// Reads and packs a run of elements that begins and ends between units of the packing.
    ///
    /// - Parameter buffer: holds them as they are stored, where they are not read to their place
    func read(
        _ elements: Range<Int>, through buffer: UnsafeMutableRawPointer
    ) throws(CheckpointError) {
        let place = unsafe memory + packing.offset(of: elements.lowerBound, in: tensor.count, type)
        let stored = unsafe packing.isInPlace(type) ? place : buffer
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: stored, count: elements.count * type.size)
        try unsafe shard.fill(bytes, from: tensor.bytes.lowerBound + elements.lowerBound * type.size, of: name)
        unsafe packing.pack(stored, type, elements: elements, of: tensor.count, into: memory)
    }
}

/// Everything that is read in bulk when a model is loaded, cut into tasks: pieces of the claimed tensors in the files'
/// order, and before them the digests of whole files, each of which only one thread can compute.
struct WeightReading {
    private enum Task {
        case digest(HashedFile)
        case piece(claim: Int, elements: Range<Int>)
    }

    /// About what a piece holds, in stored bytes: a fraction of a core's second-level cache, so that packing finds
    /// what reading left there.
    private static let pieceBytes = 256 << 10

    private let claims: [WeightClaim]
    private let tasks: [Task]
    /// The stored bytes of the largest piece: one unit of a tensor may be larger than a piece should be.
    private let bufferBytes: Int

    init(_ claims: [WeightClaim], hashing files: [HashedFile]) {
        self.claims = claims
        var tasks = files.sorted { $0.file.size > $1.file.size }.map(Task.digest)
        var bufferBytes = 0
        for (index, claim) in claims.enumerated() {
            let unit = claim.packing.unit
            let step = max(1, Self.pieceBytes / (unit * claim.type.size)) * unit
            for first in stride(from: 0, to: claim.tensor.count, by: step) {
                let elements = first..<min(first + step, claim.tensor.count)
                tasks.append(.piece(claim: index, elements: elements))
                bufferBytes = max(bufferBytes, elements.count * claim.type.size)
            }
        }
        self.tasks = tasks
        self.bufferBytes = bufferBytes
    }

    /// Reads on all threads.
    ///
    /// - Parameter isWanted: asked before each piece, on the thread that would read it
    /// - Returns: the digests of the files to hash, by name
    /// - Throws: the error that is first in the order of the tasks
    func run(while isWanted: @Sendable () -> Bool) throws(CheckpointError) -> [String: [UInt8]] {
        let stride = WeightRegion.bytes(max(bufferBytes, 1))
        let buffers = UnsafeMutableRawPointer.allocate(
            byteCount: stride * Threads.count, alignment: WeightRegion.alignment)
        defer { unsafe buffers.deallocate() }
        let digests = Mutex<[String: [UInt8]]>([:])
        try Threads.run(tasks.count) { (task, thread) throws(CheckpointError) in
            switch tasks[task] {
            case .digest(let hashed):
                let digest = try hashed.digest(while: isWanted)
                digests.withLock { $0[hashed.name] = digest }
            case .piece(let claim, let elements):
                guard isWanted() else { throw .interrupted }
                try unsafe claims[claim].read(elements, through: buffers + thread * stride)
            }
        }
        return digests.withLock(\.self)
    }
}

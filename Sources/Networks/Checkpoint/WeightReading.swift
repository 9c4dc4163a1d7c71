import Kernels
import Synchronization

/// A tensor that a layer claimed, or a part of one: where it lies in a file, and the memory and layout to read it into.
@safe struct WeightClaim {
    /// The component's name included, as errors quote it.
    let name: String
    let tensor: SafetensorsHeader.Tensor
    /// The tensor's elements that are read.
    let elements: Range<Int>
    let shard: TensorFile
    let type: StoredFloats
    let packing: WeightPacking
    /// `packing.bytes(elements.count, of: type)` bytes.
    let memory: UnsafeMutableRawPointer

    /// Where the elements begin in the file's data.
    var start: Int { tensor.bytes.lowerBound + elements.lowerBound * type.size }

    /// Bytes of the elements in the file.
    var storedBytes: Int { elements.count * type.size }

    /// Reads and packs a run of the claim's elements that begins and ends between units of the packing.
    ///
    /// - Parameters:
    ///   - run: counted from the claim's first element
    ///   - buffer: for elements as stored, unless they are read in place
    func read(
        _ run: Range<Int>, through buffer: UnsafeMutableRawPointer
    ) throws(CheckpointError) {
        let place = unsafe memory + packing.offset(of: run.lowerBound, in: elements.count, type)
        let stored = unsafe packing.isInPlace(type) ? place : buffer
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: stored, count: run.count * type.size)
        try unsafe shard.fill(bytes, from: start + run.lowerBound * type.size, of: name)
        unsafe packing.pack(stored, type, elements: run, of: elements.count, into: memory)
    }
}

/// Everything that is read in bulk when a model is loaded, as tasks for the thread pool: first the digests of whole
/// files, each of which only one thread can compute, then pieces of the claimed tensors in the files' order.
struct WeightReading {
    private struct Piece {
        let claim: Int
        let elements: Range<Int>
    }

    private enum Task {
        /// Of a file, by its place among those to hash.
        case digest(Int)
        /// Pieces to read one after another, as a range of ``WeightReading/pieces``.
        case pieces(Range<Int>)
    }

    /// About the stored bytes of a piece: a fraction of the L2 cache, so that packing reads from there.
    private static let pieceBytes = 256 << 10
    /// The stored bytes of a task, where there are enough for all threads: several huge pages of 2 MiB. Threads that
    /// fault in the same huge page each clear one, and all but one are thrown away.
    private static let taskBytes = 16 << 20

    private let claims: [WeightClaim]
    private let files: [HashedFile]
    private let pieces: [Piece]
    private let tasks: [Task]
    /// The stored bytes of the largest piece that is not read in place: one unit of a tensor may be larger than a piece
    /// should be.
    private let bufferBytes: Int
    /// What is read of the files: the claims, and all of a file that is hashed.
    let bytes: Int

    init(_ claims: [WeightClaim], hashing files: [HashedFile]) {
        (self.claims, self.files) = (claims, files)
        let claimed = claims.reduce(0) { $0 + $1.storedBytes }
        bytes = files.reduce(claimed) { $0 + $1.file.size }
        let taskBytes = min(Self.taskBytes, claimed / (8 * Threads.count))
        var tasks = files.indices.sorted { files[$0].file.size > files[$1].file.size }.map(Task.digest)
        var pieces: [Piece] = []
        var bufferBytes = 0
        var (first, waitingBytes) = (0, 0)
        for (index, claim) in claims.enumerated() {
            let unit = claim.packing.unit
            let step = max(1, Self.pieceBytes / (unit * claim.type.size)) * unit
            for start in stride(from: 0, to: claim.elements.count, by: step) {
                let elements = start..<min(start + step, claim.elements.count)
                pieces.append(Piece(claim: index, elements: elements))
                let stored = elements.count * claim.type.size
                if !claim.packing.isInPlace(claim.type) { bufferBytes = max(bufferBytes, stored) }
                waitingBytes += stored
                if waitingBytes >= taskBytes {
                    tasks.append(.pieces(first..<pieces.count))
                    (first, waitingBytes) = (pieces.count, 0)
                }
            }
        }
        self.tasks = tasks + [.pieces(first..<pieces.count)]
        self.pieces = pieces
        self.bufferBytes = bufferBytes
    }

    /// Reads on all threads.
    ///
    /// - Parameters:
    ///   - count: told the bytes of each piece once it is read, ``bytes`` in all, on the thread that read it
    ///   - isWanted: polled before each piece, on the thread that would read it
    /// - Returns: the digests of the files to hash, in their order
    /// - Throws: the error that is first in the order of the tasks
    func run(
        counting count: @Sendable (Int) -> Void, while isWanted: @Sendable () -> Bool
    ) throws(CheckpointError) -> [[UInt8]] {
        let stride = WeightRegion.bytes(max(bufferBytes, 1))
        let buffers = UnsafeMutableRawPointer.allocate(
            byteCount: stride * Threads.count, alignment: WeightRegion.alignment)
        defer { unsafe buffers.deallocate() }
        let digests = Mutex([[UInt8]](repeating: [], count: files.count))
        try Threads.run(tasks.count) { (task, thread) throws(CheckpointError) in
            switch tasks[task] {
            case .digest(let index):
                let digest = try files[index].digest(counting: count, while: isWanted)
                digests.withLock { $0[index] = digest }
            case .pieces(let range):
                for piece in pieces[range] {
                    guard isWanted() else { throw .interrupted }
                    let claim = claims[piece.claim]
                    try unsafe claim.read(piece.elements, through: buffers + thread * stride)
                    count(piece.elements.count * claim.type.size)
                }
            }
        }
        return digests.withLock(\.self)
    }
}

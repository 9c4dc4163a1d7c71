import CXXHash
import Glibc
import Synchronization

/// A ``WeightRegion`` was asked for `wanted` bytes where `left` remain.
package struct WeightRegionError: Error, Equatable, CustomStringConvertible {
    package let wanted: Int
    package let left: Int

    package init(wanted: Int, left: Int) {
        self.wanted = wanted
        self.left = left
    }

    package var description: String { "the region of weights has \(left) bytes left, \(wanted) are needed" }
}

/// A bump allocator for all weights of a model.
///
/// Its address space is reserved once, for everything that may be read; pages are committed as they are first written,
/// so what is never read costs nothing. Allocations are freed together, with the region. Not thread-safe while it
/// allocates; once filled it is only read.
///
/// Once all is handed out, a ``MemoryFile`` can take the place of its memory: one that is filled through the region and
/// then sealed, or one that was. Addresses stay what they are.
@safe
package final class WeightRegion {
    /// The alignment of allocations in bytes: a cache line, an AVX-512 register.
    package static let alignment = 64

    private let reserved: UnsafeMutableRawPointer
    /// At the start of a huge page, as the start of a file is.
    private let base: UnsafeMutableRawPointer
    /// The bytes reserved, a multiple of ``alignment``.
    package let capacity: Int
    /// The bytes handed out, gaps between allocations included.
    package private(set) var bytesUsed = 0

    /// The bytes mapped from the base on. Those behind the capacity are never handed out: on some cores (Cortex-A53)
    /// OpenBLAS reads one number behind its operands.
    private var mapped: Int { capacity + WeightRegion.alignment }

    /// Address space that headers, vocabularies and buffers take beside the weights while these are read.
    private static let readingBytes = 64 << 20
    private static let purpose = "holding the weights"

    /// Reserves at least `capacity` bytes.
    package init(capacity: Int) throws(AddressSpaceError) {
        precondition(capacity >= 0, "a region of \(capacity) bytes")
        let unit = WeightRegion.alignment
        let beside = unit + MemoryFile.hugePage
        self.capacity = (min(max(capacity, 1), .max - unit - beside - Self.readingBytes) + unit - 1) / unit * unit
        try AddressSpace.require(self.capacity + beside + Self.readingBytes, for: "reading the weights")
        unsafe reserved = try AddressSpace.reserve(self.capacity + beside, for: Self.purpose)
        unsafe base = reserved.alignedUp(toMultipleOf: MemoryFile.hugePage)
    }

    deinit {
        unsafe munmap(reserved, mapped + MemoryFile.hugePage)
    }

    /// The bytes that an allocation of `count` bytes takes from a region.
    package static func bytes(_ count: Int) -> Int {
        (count + alignment - 1) / alignment * alignment
    }

    /// Hands out memory for `count` bytes, zero until written.
    package func allocate(bytes count: Int) throws(WeightRegionError) -> UnsafeMutableRawPointer {
        let wanted = WeightRegion.bytes(count)
        guard wanted <= capacity - bytesUsed else {
            throw WeightRegionError(wanted: wanted, left: capacity - bytesUsed)
        }
        defer { bytesUsed += wanted }
        return unsafe base + bytesUsed
    }

    /// Where in the region memory lies that it handed out.
    package func offset(of memory: UnsafeRawPointer) -> Int { unsafe memory - UnsafeRawPointer(base) }

    // MARK: In a file

    /// The bytes of a file in the place of what is handed out, and of what may be read behind it: whole pages.
    package var fileBytes: Int {
        let page = sysconf(CInt(_SC_PAGESIZE))
        return (bytesUsed + WeightRegion.alignment + page - 1) / page * page
    }

    /// Bytes that a thread commits, or sums up, at once.
    private static let step = 32 << 20

    /// Runs `body` for parts of ``fileBytes``, each of whole huge pages but the last, on all threads.
    private func forEachPart<Failure: Error>(_ body: (Range<Int>) throws(Failure) -> Void) throws(Failure) {
        let parts = (fileBytes + Self.step - 1) / Self.step
        try Threads.run(parts) { (part, _) throws(Failure) in
            try body(part * Self.step..<min((part + 1) * Self.step, fileBytes))
        }
    }

    private struct NoMemory: Error {}

    /// Puts an empty file in the place of memory that nothing was written to, and takes all that it needs: writing to
    /// the region cannot fail then.
    ///
    /// - Parameter file: at least ``fileBytes`` long, open for writing
    /// - Returns: `false` where memory is short: then the region is as it was
    /// - Throws: where even memory of its own cannot be mapped again
    package func fill(_ file: MemoryFile) throws(AddressSpaceError) -> Bool {
        guard
            unsafe AddressSpace.replace(base, fileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor)
        else { return false }
        do throws(NoMemory) {
            try forEachPart { (part) throws(NoMemory) in
                guard unsafe file.commit(part, at: base) else { throw NoMemory() }
            }
            return true
        } catch {
            try clear()
            return false
        }
    }

    /// Puts a file in the place of the region's memory, for reading alone.
    ///
    /// - Parameter file: at least ``fileBytes`` long, as it was filled
    /// - Returns: `false` where the system refuses: then the region is as it was
    package func adopt(_ file: MemoryFile) -> Bool {
        // A shared mapping, though it be for reading alone, would keep the file from being sealed.
        unsafe AddressSpace.replace(base, fileBytes, PROT_READ, MAP_PRIVATE, file.descriptor)
    }

    /// Takes memory of its own again, all zero, in the place of a file.
    package func clear() throws(AddressSpaceError) {
        try unsafe AddressSpace.renew(base, fileBytes, for: Self.purpose)
    }

    /// XXH3 over the sums of parts of ``fileBytes``, summed up on all threads.
    package var checksum: UInt64 {
        let parts = Mutex<[Int: UInt64]>([:])
        forEachPart { part in
            let sum = unsafe XXH3_64bits(base + part.lowerBound, part.count)
            parts.withLock { $0[part.lowerBound] = sum }
        }
        let sums = parts.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
        return unsafe sums.withUnsafeBytes { unsafe XXH3_64bits($0.baseAddress, $0.count) }
    }
}

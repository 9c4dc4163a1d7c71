import Glibc

/// Why a ``WeightRegion`` could not give memory.
package enum WeightRegionError: Error, Equatable, CustomStringConvertible {
    /// The system refused to reserve `bytes` of address space with this `errno`.
    case refused(bytes: Int, code: Int32)
    /// `wanted` bytes were asked for where `left` remain.
    case exhausted(wanted: Int, left: Int)

    package var description: String {
        switch self {
        case .refused(let bytes, let code):
            "cannot reserve \(bytes) bytes for weights: \(unsafe String(cString: strerror(code)))"
                + (AddressSpace.left.map { "; \($0) bytes of address space are left (ulimit -v)" } ?? "")
        case .exhausted(let wanted, let left):
            "the region of weights has \(left) bytes left, \(wanted) are needed"
        }
    }
}

/// The one stretch of memory in which all weights of a model live.
///
/// Its address space is reserved once, for everything that may be read; pages are committed as
/// they are first written, so what is never read costs nothing. Allocations follow one another and
/// are freed together when the region goes. One thread hands it out; once filled it is only read.
@safe
package final class WeightRegion {
    /// Each allocation starts at a multiple of this many bytes: a cache line, an AVX-512 register.
    package static let alignment = 64

    private let base: UnsafeMutableRawPointer
    /// The bytes reserved, a multiple of ``alignment``.
    package let capacity: Int
    /// The bytes handed out, gaps between allocations included.
    package private(set) var bytesUsed = 0

    /// Reserves at least `capacity` bytes.
    package init(capacity: Int) throws(WeightRegionError) {
        precondition(capacity >= 0, "a region of \(capacity) bytes")
        let unit = WeightRegion.alignment
        guard capacity <= Int.max - unit else {
            throw .refused(bytes: capacity, code: ENOMEM)
        }
        self.capacity = max(unit, (capacity + unit - 1) / unit * unit)
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let mapping = unsafe mmap(nil, self.capacity, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
            throw .refused(bytes: capacity, code: errno)
        }
        unsafe madvise(mapping, self.capacity, MADV_HUGEPAGE)      // a page fault costs more than a page
        unsafe base = unsafe mapping
    }

    deinit {
        unsafe munmap(base, capacity)
    }

    /// The bytes that an allocation of `count` bytes takes from a region.
    package static func bytes(_ count: Int) -> Int {
        (count + alignment - 1) / alignment * alignment
    }

    /// Hands out memory for `count` bytes, zero until written.
    package func allocate(bytes count: Int) throws(WeightRegionError) -> UnsafeMutableRawPointer {
        let wanted = WeightRegion.bytes(count)
        guard wanted <= capacity - bytesUsed else {
            throw .exhausted(wanted: wanted, left: capacity - bytesUsed)
        }
        defer { bytesUsed += wanted }
        return unsafe base + bytesUsed
    }
}

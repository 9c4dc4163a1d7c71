import Glibc

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
@safe
package final class WeightRegion {
    /// The alignment of allocations in bytes: a cache line, an AVX-512 register.
    package static let alignment = 64

    private let base: UnsafeMutableRawPointer
    /// The bytes reserved, a multiple of ``alignment``.
    package let capacity: Int
    /// The bytes handed out, gaps between allocations included.
    package private(set) var bytesUsed = 0

    /// The bytes mapped. Those behind the capacity are never handed out: on some cores (Cortex-A53) OpenBLAS reads one
    /// number behind its operands.
    private var mapped: Int { capacity + WeightRegion.alignment }

    /// Address space that headers, vocabularies and buffers take beside the weights while these are read.
    private static let readingBytes = 64 << 20

    /// Reserves at least `capacity` bytes.
    package init(capacity: Int) throws(AddressSpaceError) {
        precondition(capacity >= 0, "a region of \(capacity) bytes")
        let unit = WeightRegion.alignment
        self.capacity = (min(max(capacity, 1), .max - 2 * unit - Self.readingBytes) + unit - 1) / unit * unit
        try AddressSpace.require(self.capacity + unit + Self.readingBytes, for: "reading the weights")
        unsafe base = try AddressSpace.reserve(self.capacity + unit, for: "holding the weights")
    }

    deinit {
        unsafe munmap(base, mapped)
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
}

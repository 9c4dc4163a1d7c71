import Glibc

/// A bump allocator for matrices while a network runs: memory is planned by the call stack.
///
///     |<----------------- reserved address space ----------------->|
///     | caller's outputs | skips | this layer's temporaries | free  |
///                                ^ mark of the innermost scope
///
/// A layer's output belongs to its caller, its temporaries to itself: it opens a `scope`, takes matrices, and on
/// leaving the scope they are gone. Nothing is freed one by one, so there is no free list, and nothing is allocated per
/// request: the address space is reserved once, and anew by `reserve` for a request that needs more; a page is
/// committed when it is first written. `highWater` says how far that went; `release` gives pages back between requests.
///
/// Matrices begin at multiples of 64 bytes.
@safe package struct Arena: ~Copyable {
    /// Address space, a multiple of the page size.
    package private(set) var reservedBytes: Int
    private var base: UnsafeMutableRawPointer
    private var usedBytes = 0
    /// The most that was ever in use, in bytes.
    package private(set) var highWater = 0

    /// - Parameter bytes: the most that will be in use
    package init(reserving bytes: Int) throws(AddressSpaceError) {
        reservedBytes = Self.pages(bytes)
        unsafe base = try AddressSpace.reserve(reservedBytes, for: "scratch memory")
    }

    /// Reserves other address space while nothing is in use; all pages go back to the system.
    package mutating func reserve(_ bytes: Int) throws(AddressSpaceError) {
        precondition(usedBytes == 0, "an arena in use")
        let other = unsafe try AddressSpace.reserve(Self.pages(bytes), for: "scratch memory")
        unsafe munmap(base, reservedBytes)
        unsafe base = other
        reservedBytes = Self.pages(bytes)
    }

    /// Whole pages for some bytes, at least one.
    private static func pages(_ bytes: Int) -> Int { (max(bytes, 1) + 4095) / 4096 * 4096 }

    deinit {
        unsafe munmap(base, reservedBytes)
    }

    /// Runs `body`; what it takes from the arena is free again when it returns.
    package mutating func scope<Result, Failure: Error>(
        _ body: (inout Arena) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let mark = usedBytes
        defer { usedBytes = mark }
        return try body(&self)
    }

    /// Uninitialised numbers.
    package mutating func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
        unsafe room(count).bindMemory(to: Float.self, capacity: count)
    }

    /// Uninitialised numbers.
    mutating func doubles(_ count: Int) -> UnsafeMutablePointer<Double> {
        unsafe room(2 * count).bindMemory(to: Double.self, capacity: count)
    }

    /// Room for `count` floats.
    private mutating func room(_ count: Int) -> UnsafeMutableRawPointer {
        let bytes = (count * MemoryLayout<Float>.stride + 63) & ~63
        precondition(bytes <= reservedBytes - usedBytes, "\(bytes) more bytes than the arena's address space")
        let start = unsafe base + usedBytes
        usedBytes += bytes
        highWater = max(highWater, usedBytes)
        return unsafe start
    }

    /// An uninitialised matrix.
    package mutating func matrix(rows: Int, columns: Int) -> Matrix {
        unsafe Matrix(base: floats(rows * columns), rows: rows, columns: columns)
    }

    /// A matrix of these rows, all of one length.
    package mutating func matrix(joining rows: [[Float]]) -> Matrix {
        let joined = matrix(rows: rows.count, columns: rows.first?.count ?? 0)
        for (index, row) in rows.enumerated() { joined.rows(index..<index + 1).fill(row) }
        return joined
    }

    /// Rows, all of one length, after a change of the matrix of them all.
    package mutating func changed(_ rows: [[Float]], by change: (Matrix, inout Arena) -> Void) -> [[Float]] {
        scope { arena in
            let joined = arena.matrix(joining: rows)
            change(joined, &arena)
            return rows.indices.map { joined.rows($0..<$0 + 1).array }
        }
    }

    /// An uninitialised feature map.
    package mutating func featureMap(height: Int, width: Int, channels: Int) -> FeatureMap {
        FeatureMap(matrix(rows: height * width, columns: channels), height: height, width: width)
    }

    /// Gives unused pages back to the system; the address space stays reserved.
    package func release() {
        let page = 4096
        let kept = (usedBytes + page - 1) / page * page
        unsafe madvise(base + kept, reservedBytes - kept, MADV_DONTNEED)
    }
}

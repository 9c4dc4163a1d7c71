import CKernels
import Glibc
import Kernels
import Testing

/// Weights in the place of which lies a file: more than one part, and an end that is no whole page.
private struct Filled {
    static let bytes = (40 << 20) + 1000

    let region: WeightRegion
    let memory: UnsafeMutableRawPointer
    let file: MemoryFile

    init() throws {
        try Threads.start(nil)
        region = try WeightRegion(capacity: Self.bytes)
        unsafe memory = try region.allocate(bytes: Self.bytes)
        file = try #require(MemoryFile(bytes: region.fileBytes))
        let isThere = try region.fill(file)
        try #require(isThere)
        unsafe Self.write(to: memory)
    }

    /// Every byte by its place.
    static func write(to memory: UnsafeMutableRawPointer) {
        for word in stride(from: 0, to: bytes, by: 8) {
            unsafe memory.storeBytes(of: UInt64(word) &* 0x9e37_79b9_7f4a_7c15, toByteOffset: word, as: UInt64.self)
        }
    }

    static func isWritten(_ memory: UnsafeRawPointer) -> Bool {
        stride(from: 0, to: bytes, by: 8).allSatisfy {
            unsafe memory.load(fromByteOffset: $0, as: UInt64.self) == UInt64($0) &* 0x9e37_79b9_7f4a_7c15
        }
    }
}

@Suite struct `weights in a file` {
    @Test func `lie where they would without one, and in another process's region`() throws {
        let filled = try Filled()
        let plain = try WeightRegion(capacity: Filled.bytes)
        let memory = unsafe try plain.allocate(bytes: Filled.bytes)
        unsafe Filled.write(to: memory)
        #expect(filled.region.checksum == plain.checksum)
        #expect(filled.region.adopt(filled.file) && filled.file.seal())
        #expect(filled.file.sealedSize == filled.region.fileBytes)
        let other = try WeightRegion(capacity: Filled.bytes + (1 << 20))
        let adopted = unsafe try other.allocate(bytes: Filled.bytes)
        #expect(other.adopt(MemoryFile(borrowed: filled.file.descriptor)))
        for memory in unsafe [filled.memory, memory, adopted] {
            let isWritten = unsafe Filled.isWritten(memory)
            #expect(isWritten)
        }
        #expect(other.checksum == plain.checksum)
        #expect(unsafe other.offset(of: adopted) == 0)
        // What OpenBLAS may read behind the end.
        let behind = unsafe (adopted + Filled.bytes + 60).load(as: Float.self)
        #expect(behind == 0)
    }

    @Test func `are read alone, and are no file's any longer once they are cleared`() async throws {
        let filled = try Filled()
        #expect(filled.region.adopt(filled.file) && filled.file.seal())
        try filled.region.clear()
        let isZero = unsafe UnsafeRawBufferPointer(start: filled.memory, count: Filled.bytes).allSatisfy { $0 == 0 }
        #expect(isZero)
        unsafe memset(filled.memory, 1, Filled.bytes)
        #expect(filled.file.bytes(1, at: 8) == [UInt8(truncatingIfNeeded: 8 * 0x15)])
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            let filled = try Filled()
            _ = filled.region.adopt(filled.file)
            unsafe filled.memory.storeBytes(of: 1, as: UInt8.self)
        }
    }

    @Test func `have a sum that each bit changes`() throws {
        let filled = try Filled()
        let sum = filled.region.checksum
        for place in [0, 1 << 20, Filled.bytes - 1] {
            let byte = unsafe filled.memory.load(fromByteOffset: place, as: UInt8.self)
            for bit in 0..<8 {
                unsafe filled.memory.storeBytes(of: byte ^ (1 << bit), toByteOffset: place, as: UInt8.self)
                #expect(filled.region.checksum != sum)
            }
            unsafe filled.memory.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
        }
        #expect(filled.region.checksum == sum)
    }

    @Test func `take all their memory at once`() throws {
        try Threads.start(nil)
        let region = try WeightRegion(capacity: Filled.bytes)
        _ = unsafe try region.allocate(bytes: Filled.bytes)
        let file = try #require(MemoryFile(bytes: region.fileBytes))
        #expect(try blocks(of: file.descriptor) == 0)
        #expect(try region.fill(file))
        #expect(try blocks(of: file.descriptor) >= region.fileBytes / 512)
    }
}

/// Of 512 bytes, that a file has taken.
private func blocks(of file: CInt) throws -> Int {
    var state = stat()
    try #require(unsafe fstat(file, &state) == 0)
    return Int(state.st_blocks)
}

@Suite struct `a file in memory` {
    @Test func `takes its memory when it is told, and huge pages where the system has them`() throws {
        let (page, huge) = (4096, 2 << 20)
        let file = dseg_memory_file("a test")
        defer { close(file) }
        try #require(file >= 0 && ftruncate(file, 2 * huge) == 0)
        #expect(try blocks(of: file) == 0)
        #expect(dseg_commit_file(file, 0, page))
        #expect(try blocks(of: file) * 512 == page)
        let mapped = unsafe mmap(nil, 2 * huge, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        let memory = try unsafe #require(mapped != MAP_FAILED ? mapped : nil)
        // Where it is not aligned, or the system has none, nothing happens.
        unsafe dseg_collapse_pages(memory, huge)
        #expect(try [page, huge].contains(blocks(of: file) * 512))
        #expect(dseg_commit_file(file, 0, 2 * huge))
        #expect(try blocks(of: file) * 512 == 2 * huge)
        #expect(!dseg_commit_file(-1, 0, page))
        #expect(!dseg_is_sealed(file) && !dseg_seal_file(file) && !dseg_is_sealed(file))
        unsafe munmap(memory, 2 * huge)
        #expect(dseg_seal_file(file) && dseg_is_sealed(file))
        #expect(!dseg_is_sealed(STDIN_FILENO) && !dseg_is_sealed(-1) && !dseg_seal_file(-1))
    }

    @Test func `cannot be changed once it is sealed, and not be sealed while it is mapped for writing`() throws {
        let filled = try Filled()
        #expect(!filled.file.seal() && filled.file.sealedSize == nil)
        #expect(filled.region.adopt(filled.file))
        #expect(filled.file.write([1], at: 0))
        #expect(filled.file.seal())
        #expect(!filled.file.write([1], at: 0))
        #expect(ftruncate(filled.file.descriptor, 0) != 0 && ftruncate(filled.file.descriptor, 1 << 30) != 0)
        #expect(filled.file.sealedSize == filled.region.fileBytes)
        #expect(filled.file.bytes(1, at: filled.region.fileBytes) == nil)
    }

    @Test func `is refused, not ended by a signal, where files may not be so large`() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            precondition(MemoryFile(bytes: (1 << 20) + 1) == nil)
            precondition(MemoryFile(bytes: 1 << 20) != nil)
        }
    }

    @Test func `is closed with its owner, unless it was given away`() throws {
        /// Of what the descriptor, which other tests may be given next, stands for.
        func inode(_ descriptor: CInt) -> ino_t? {
            var state = stat()
            return unsafe fstat(descriptor, &state) == 0 ? state.st_ino : nil
        }
        var file = MemoryFile(bytes: 1)
        let first = try #require(file?.descriptor)
        let inodeOfFirst = try #require(inode(first))
        #expect(fcntl(first, F_GETFD) == FD_CLOEXEC)
        file = nil
        #expect(inode(first) != inodeOfFirst)
        file = MemoryFile(bytes: 1)
        let second = try #require(file?.giveAway())
        let inodeOfSecond = try #require(inode(second))
        file = nil
        _ = MemoryFile(borrowed: second)
        #expect(inode(second) == inodeOfSecond)
        close(second)
    }
}

import CKernels
import Glibc
import Kernels
import Testing

/// Memory that is freed goes back to the system. Other tests run meanwhile, and take megabytes, not hundreds of them.
@Suite(.serialized) struct HeapTests {
    /// Bytes of this process that are in memory.
    private static var resident: Int {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var text = [CChar](repeating: 0, count: 200)
        _ = unsafe fgets(&text, 200, file)
        let words = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self).split(separator: " ")
        return (words.dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
    }

    private static func blocks(_ count: Int, of bytes: Int) -> [[UInt8]] {
        (0..<count).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: bytes) }
    }

    @Test func `dseg_trim_heap gives back what lies between blocks in use`() {
        var blocks = Self.blocks(8000, of: 50_000)
        let full = Self.resident
        let kept = stride(from: 0, to: blocks.count, by: 200).map { blocks[$0] }
        blocks = []
        Heap.trim()
        #expect(full - Self.resident > 250 << 20)
        #expect(kept.indices.allSatisfy { kept[$0][9] == UInt8(truncatingIfNeeded: $0 * 200) })
    }

    /// In a process of its own, which it changes for good.
    @Test func `dseg_return_large_blocks gives back each block that is freed`() async {
        await #expect(processExitsWith: .success) {
            // The allocator learns from a block that is freed to keep those up to its size.
            withExtendedLifetime(Self.blocks(1, of: 16 << 20)) {}
            Heap.returnLargeBlocks()
            var blocks = Self.blocks(400, of: 1 << 20)
            let full = Self.resident
            blocks = stride(from: 0, to: blocks.count, by: 100).map { blocks[$0] }
            #expect(full - Self.resident > 300 << 20)
            #expect(blocks.count == 4)
        }
    }
}

import CKernels

/// What malloc keeps of freed memory.
package enum Heap {
    /// From here on, blocks of half a MiB or more, such as pictures, are unmapped as soon as they are freed. By itself
    /// glibc raises this threshold (M_MMAP_THRESHOLD) with each such block freed, and the next ones fragment its heap.
    package static func returnLargeBlocks() {
        dseg_return_large_blocks()
    }

    /// Gives free pages back to the system.
    package static func trim() {
        dseg_trim_heap()
    }
}

import CKernels

/// Tuning of malloc: how much freed memory it keeps.
package enum Heap {
    /// From the call on, blocks of half a MiB or more, such as pictures, are unmapped as soon as they are freed. By
    /// default glibc raises this threshold (M_MMAP_THRESHOLD) with each such block freed, and later blocks fragment its
    /// heap.
    package static func returnLargeBlocks() {
        dseg_return_large_blocks()
    }

    /// Gives free pages back to the system.
    package static func trim() {
        dseg_trim_heap()
    }
}

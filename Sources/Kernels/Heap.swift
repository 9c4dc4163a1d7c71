import CKernels

/// What the C library's allocator keeps of freed memory.
package enum Heap {
    /// Lets freed blocks of half a MiB or more go back to the system at once, as pieces of pictures are. By itself the
    /// allocator takes larger blocks into its heaps after the first few, where what lies behind them holds them fast.
    package static func returnLargeBlocks() {
        dseg_return_large_blocks()
    }

    /// Gives free pages back to the system.
    package static func trim() {
        dseg_trim_heap()
    }
}

import CKernels

/// The library that multiplies in f32.
package enum BLAS {
    /// Its name, its version, and the processor core whose kernels it chose: "OpenBLAS 0.3.21 Zen", for example. Two
    /// that differ in any of these add up in another order, so that scores differ in their last bits.
    package static let name: String = {
        let build = unsafe String(cString: dseg_blas_build()).split(separator: " ").prefix(2)
        return unsafe (build + [Substring(String(cString: dseg_blas_core()))]).joined(separator: " ")
    }()

    /// The address space in bytes of a product's buffer (`BUFFER_SIZE` of x86's builds, the largest).
    private static let bufferBytes = 128 << 20

    /// Maps what the pool's threads need to multiply.
    ///
    /// - Throws: where that is more than this process may still take: OpenBLAS would try for ever
    package static func reserve() throws(AddressSpaceError) {
        try AddressSpace.require(Threads.count * bufferBytes, for: "multiplying on \(Threads.count) threads")
        dseg_reserve_blas(Threads.count)
    }
}

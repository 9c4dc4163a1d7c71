import CKernels

/// Who computes.
package enum Threads {
    /// Starts the pool: as many threads as `count`, or as this process may use processors.
    package static func start(_ count: Int?) {
        dseg_start(Int32(clamping: count ?? 0))
    }

    package static var count: Int { dseg_threads() }

    /// The instruction set of the row kernels: "portable", "avx2" or "avx512".
    package static var instructionSet: String {
        switch dseg_chosen_body() {
        case dseg_avx512: "avx512"
        case dseg_avx2: "avx2"
        default: "portable"
        }
    }
}

import Kernels
import RPC

/// With what this process computes.
package struct Arithmetic: Sendable {
    package let instructions: String
    /// What ``instructions`` were chosen by, where the environment chose them: `NAME=VALUE`.
    package let choice: String?
    package let precision: String
    package let blas: String
    package let threads: Int

    /// Starts the threads, one for each processor that this process may use.
    ///
    /// - Throws: where the environment names an instruction set that is unknown, or that this processor lacks
    package static func started() throws -> Arithmetic {
        try Threads.start(nil)
        return Arithmetic(
            instructions: InstructionSet.chosen.rawValue,
            choice: SocketPath.environment(InstructionSet.variable).map { "\(InstructionSet.variable)=\($0)" },
            precision: Precision.fastest.rawValue, blas: BLAS.name, threads: Threads.count)
    }
}

/// The memory of this process, in bytes; `nil`: nothing tells, or limits it.
package struct MemoryLeft: Sendable {
    /// What it may still fill, by the system and by its control groups.
    package let free: Int?
    /// The least limit of a control group around it.
    package let groupLimit: Int?
    /// The address space that it may still take.
    package let addresses: Int?

    package init() {
        free = AvailableMemory.left
        groupLimit = AvailableMemory.groupLimit(below: "")
        addresses = AddressSpace.left
    }
}

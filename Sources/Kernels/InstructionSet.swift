import CKernels
import Glibc

/// The instruction sets that kernels are compiled for. Results of two sets differ by rounding alone.
package enum InstructionSet: String, CaseIterable, Sendable {
    case portable, avx2, avx512, avx512vnni

    /// The environment variable that chooses a set, by default the widest: tests run with each.
    package static let variable = "DSEG_INSTRUCTIONS"

    /// The set in use.
    package static var chosen: InstructionSet {
        switch dseg_chosen_target() {
        case dseg_avx512vnni: .avx512vnni
        case dseg_avx512: .avx512
        case dseg_avx2: .avx2
        default: .portable
        }
    }

    private var c: dseg_instruction_set {
        switch self {
        case .portable: dseg_portable
        case .avx2: dseg_avx2
        case .avx512: dseg_avx512
        case .avx512vnni: dseg_avx512vnni
        }
    }

    /// Chooses the set that the environment names, if it names one.
    static func chooseNamed() throws(InstructionSetError) {
        guard let value = unsafe getenv(variable) else { return }
        let name = unsafe String(cString: value)
        guard let named = InstructionSet(rawValue: name) else { throw .unknown(name) }
        guard dseg_choose_target(named.c) else { throw .missing(named) }
    }
}

/// Why the instruction set that the environment names cannot be used.
package enum InstructionSetError: Error, Equatable, CustomStringConvertible {
    case unknown(String)
    case missing(InstructionSet)

    package var description: String {
        let names = InstructionSet.allCases.map(\.rawValue).joined(separator: ", ")
        return switch self {
        case .unknown(let name): "\(InstructionSet.variable)=\(name): choose one of \(names), or unset it"
        case .missing(let set):
            "\(InstructionSet.variable)=\(set.rawValue): this processor has no such instructions; "
                + "\(InstructionSet.chosen.rawValue) is its widest set"
        }
    }
}

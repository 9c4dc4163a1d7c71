import ArgumentParser
import Kernels

/// Bytes of memory, as systemd writes them: a number, with K, M, G or T for powers of 1024.
package struct MemorySize: ExpressibleByArgument {
    package let bytes: Int

    private static let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
    /// Of all memory, up to 1 PiB.
    private static let legal = 1...(1 << 50)

    /// Bytes that this process may fill, by the system and by its control groups; where nothing tells, the most that
    /// can be written.
    ///
    /// - Parameter kept: bytes of weights in memory that it took over, and may let go of
    package static func left(with kept: Int) -> Int { AvailableMemory.left.map { $0 + kept } ?? legal.upperBound }

    /// Three quarters of what a process may fill: the rest is for pictures and answers under way.
    package static func standard(of left: Int) -> MemorySize { MemorySize(bytes: left / 4 * 3) }

    private init(bytes: Int) { self.bytes = bytes }

    package init?(argument: String) {
        guard let last = argument.last else { return nil }
        let shift = Self.units[last]
        let digits = shift == nil ? argument[...] : argument.dropLast()
        guard
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") }),
            let number = Double(digits)
        else { return nil }
        let bytes = number * Double(1 << (shift ?? 0))
        guard bytes >= Double(Self.legal.lowerBound), bytes <= Double(Self.legal.upperBound) else { return nil }
        self.bytes = Int(bytes)
    }
}

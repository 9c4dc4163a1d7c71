import FoundationEssentials
import Glibc
import Support

/// A program that runs in a directory of its own, ended with its owner.
final class Program {
    private let child: Child
    private let place: TemporaryDirectory

    /// How a program ended, and what it wrote.
    struct Ending {
        /// As a shell tells it: 128 and the signal's number for a program that a signal ended.
        let code: CInt
        let output: [UInt8]
        let errors: String

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// - Parameters:
    ///   - arguments: the program's path and its arguments
    ///   - input: what it reads on standard input
    ///   - environment: added to the tests' own as `Child` does
    init(_ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]) throws {
        place = try TemporaryDirectory()
        try write(input, to: "\(place.path)/input")
        child = try Child(
            arguments, environment: environment, input: "\(place.path)/input", output: "\(place.path)/output",
            errors: "\(place.path)/errors")
    }

    var hasEnded: Bool { child.hasEnded }

    /// Whether it has a socket open.
    var hasSocket: Bool {
        let folder = "/proc/\(child.process)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.contains { name in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)"))?.hasPrefix("socket:")
                == true
        }
    }

    func signal(_ number: CInt) { kill(child.process, number) }

    /// What it wrote on standard output so far.
    var output: [UInt8] { (try? bytes("\(place.path)/output")) ?? [] }

    /// What it wrote on standard error so far.
    var errors: String { String(decoding: (try? bytes("\(place.path)/errors")) ?? [], as: UTF8.self) }

    /// Waits, ten minutes at most.
    func ending() throws -> Ending {
        guard let code = child.exitCode else { throw Endless() }
        return Ending(code: code, output: output, errors: errors)
    }
}

struct Endless: Error {}

/// Runs a program to its end.
func run(
    _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
) throws -> Program.Ending {
    try Program(arguments, input: input, environment: environment).ending()
}

extension StandInDaemon {
    /// Runs `dseg` with this daemon.
    func dseg(_ arguments: [String]) throws -> Program.Ending {
        try run([Repository.dseg] + arguments + ["--socket", socket])
    }
}

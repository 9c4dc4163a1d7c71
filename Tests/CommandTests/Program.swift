import FoundationEssentials
import Glibc
import Support

/// A program that runs in a directory of its own, ended with its owner.
final class Program {
    private let process: pid_t
    private let place: TemporaryDirectory
    /// As `waitpid` tells it; `nil` while the program runs.
    private var status: CInt?

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
    ///   - environment: added to the tests' own, less what says where a daemon is and what it remembers
    init(_ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]) throws {
        place = try TemporaryDirectory()
        try write(input, to: "\(place.path)/input")
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "\(place.path)/input", O_RDONLY, 0)
        for (descriptor, name) in [(CInt(1), "output"), (2, "errors")] {
            unsafe posix_spawn_file_actions_addopen(
                &actions, descriptor, "\(place.path)/\(name)", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var settings = unsafe Self.variables(environment).map { unsafe strdup($0) } + [nil]
        defer { unsafe (words + settings).forEach { unsafe free($0) } }
        var process = pid_t()
        let code = unsafe posix_spawnp(&process, arguments[0], &actions, nil, &words, &settings)
        guard code == 0 else { throw NoProgram(path: arguments[0], code: code) }
        self.process = process
    }

    deinit {
        if !hasEnded {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
    }

    private static func variables(_ added: [String: String]) -> [String] {
        var variables: [String] = []
        var inherited = unsafe environ
        while let entry = unsafe inherited.pointee {
            unsafe variables.append(String(cString: entry))
            unsafe inherited += 1
        }
        let chosen = ["DSEG_SOCKET=", "XDG_RUNTIME_DIR=", "COLUMNS=", "CACHE_DIRECTORY="] + added.keys.map { "\($0)=" }
        variables.removeAll { variable in chosen.contains { variable.hasPrefix($0) } }
        return variables + ["COLUMNS=80", "CACHE_DIRECTORY=/dev/null"] + added.map { "\($0)=\($1)" }
    }

    var hasEnded: Bool {
        if status != nil { return true }
        var found: CInt = 0
        guard unsafe waitpid(process, &found, WNOHANG) == process else { return false }
        status = found
        return true
    }

    /// Whether it has a socket open.
    var hasSocket: Bool {
        let folder = "/proc/\(process)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.contains { name in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)"))?.hasPrefix("socket:")
                == true
        }
    }

    func signal(_ number: CInt) { kill(process, number) }

    /// What it wrote on standard output so far.
    var output: [UInt8] { (try? bytes("\(place.path)/output")) ?? [] }

    /// What it wrote on standard error so far.
    var errors: String { String(decoding: (try? bytes("\(place.path)/errors")) ?? [], as: UTF8.self) }

    /// Waits, a minute at most.
    func ending() throws -> Ending {
        guard eventually({ hasEnded }), let status else { throw Endless() }
        let signal = status & 0x7f
        return Ending(code: signal == 0 ? status >> 8 & 0xff : 128 + signal, output: output, errors: errors)
    }
}

struct NoProgram: Error {
    let path: String
    let code: CInt
}

struct Endless: Error {}

/// Runs a program to its end.
func run(
    _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
) throws -> Program.Ending {
    try Program(arguments, input: input, environment: environment).ending()
}

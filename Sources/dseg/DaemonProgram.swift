import ArgumentParser
import Glibc
import RPC
import Results

/// `dsegd`, for what this program has no networks for.
enum DaemonProgram {
    /// Replaces this process by `dsegd` (execv(3)), found beside this program or in $PATH. Returns the exit code only
    /// where that fails, which is said.
    ///
    /// - Parameter name: `argv[0]`, with which messages begin
    static func run(_ arguments: [String], as name: String) -> ExitCode {
        let words = [name] + arguments
        var pointers = unsafe words.map { unsafe PathText.withName(of: $0) { unsafe strdup($0) } } + [nil]
        let beside = Program.folder + "/dsegd"
        _ = unsafe PathText.withName(of: beside) { unsafe execv($0, &pointers) }
        _ = unsafe execvp("dsegd", &pointers)
        let reason = unsafe String(cString: strerror(errno))
        Streams.say(
            "\(Program.name): cannot run \(beside) nor dsegd on the path (\(reason)); install dsegd beside dseg")
        return ExitCode(ExitReason.unreachable.rawValue)
    }
}

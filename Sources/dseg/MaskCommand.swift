import ArgumentParser
import Glibc
import RPC
import Results

struct MaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mask",
        abstract: "Write a picture's index mask, and print each label's share.",
        discussion: """
            Writes IMAGE.mask.png: an indexed picture with the VOC palette and the picture's size, whose index k is \
            the k-th label and 0 the background. Several pictures may be given; the first argument that is no \
            picture begins the words.
            """)

    @OptionGroup var options: MaskOptions
    @OptionGroup var daemon: Daemon

    @Flag(help: "Compute without a daemon: run dsegd mask with the same arguments.")
    var noDaemon = false

    func run() throws {
        if noDaemon { try becomeDaemonProgram() }
        try MaskRun.mask(options, ask: daemon.asking())
    }

    /// Replaces this process by `dsegd mask` (execv(3)), found beside this program or in $PATH.
    private func becomeDaemonProgram() throws {
        let arguments = ["dsegd"] + Self.withoutDaemon(Program.arguments)
        var pointers = unsafe arguments.map { unsafe PathText.withName(of: $0) { unsafe strdup($0) } } + [nil]
        let beside = Program.folder + "/dsegd"
        _ = unsafe PathText.withName(of: beside) { unsafe execv($0, &pointers) }
        _ = unsafe execvp("dsegd", &pointers)
        let reason = unsafe String(cString: strerror(errno))
        Streams.say(
            "\(Program.name): cannot run \(beside) nor dsegd on the path (\(reason)); install dsegd beside dseg")
        throw ExitCode(ExitReason.unreachable.rawValue)
    }

    /// The arguments without the options of the daemon connection.
    private static func withoutDaemon(_ arguments: [String]) -> [String] {
        var kept: [String] = []
        var isValue = false
        // After "--" there are no options.
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        for argument in arguments[..<end] {
            if isValue {
                isValue = false
            } else if ["--socket", "--timeout"].contains(argument) {
                isValue = true
            } else if argument != "--no-daemon",
                !["--socket=", "--timeout="].contains(where: { argument.utf8.starts(with: $0.utf8) })
            {
                kept.append(argument)
            }
        }
        return kept + arguments[end...]
    }
}

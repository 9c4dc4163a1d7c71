import ArgumentParser
import RPC
import Results

/// The option that computes in this machine's `dsegd`, without a daemon.
struct WithoutDaemon: ParsableArguments {
    @Flag(help: "Compute without a daemon: run dsegd with the same command and arguments.")
    var noDaemon = false

    /// Refuses a folder as the filter's name, which only `dsegd` itself takes.
    func check(_ filter: FilterOptions) throws {
        if !noDaemon { try Self.checkAtDaemon(filter) }
    }

    /// As ``check(_:)``, of a command that always asks a daemon.
    static func checkAtDaemon(_ filter: FilterOptions) throws {
        guard let folder = filter.folder else { return }
        throw ValidationError(
            "--filter \(Streams.printable(folder)) is a folder, and the daemon's network is chosen by dsegd serve "
                + "--filter DIR; here --filter is best, published or none")
    }

    /// Where there shall be no daemon, replaces this process by `dsegd` with the same command.
    func becomeDaemonProgram() throws {
        guard noDaemon else { return }
        throw DaemonProgram.run(Self.withoutDaemon(Program.arguments), as: "dsegd")
    }

    /// Those with a value that `dsegd` does not have.
    private static let daemonOptions = ["--socket", "--timeout", "--retry"]

    /// The arguments without the options of the daemon connection.
    private static func withoutDaemon(_ arguments: [String]) -> [String] {
        var kept: [String] = []
        var isValue = false
        // After "--" there are no options.
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        for argument in arguments[..<end] {
            if isValue {
                isValue = false
            } else if daemonOptions.contains(argument) {
                isValue = true
            } else if argument != "--no-daemon",
                !daemonOptions.contains(where: { argument.utf8.starts(with: "\($0)=".utf8) })
            {
                kept.append(argument)
            }
        }
        return kept + arguments[end...]
    }
}

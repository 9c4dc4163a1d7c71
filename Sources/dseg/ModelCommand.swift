import ArgumentParser
import Results

/// The models of this machine, which `dsegd` reads.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Find, add, list and verify the models of this machine.")

    @Argument(parsing: .captureForPassthrough, help: "What dsegd model takes.")
    var arguments: [String] = []

    func run() throws {
        throw DaemonProgram.run(Program.arguments, as: Program.name)
    }
}

import ArgumentParser
import Results

/// The models of this machine, which `dsegd` reads.
struct ModelCommand: ParsableCommand {
    static let configuration = ModelCommands.configuration([
        Handed<ModelDiscoverOptions>.self, Handed<ModelAddOptions>.self, Handed<ModelListOptions>.self,
        Handed<ModelShowOptions>.self, Handed<ModelVerifyOptions>.self, Handed<ModelRemoveOptions>.self,
        Handed<ModelDefaultOptions>.self,
    ])
}

/// A command of `dsegd`, declared as there, and done by it.
struct Handed<Options: HandedOptions>: ParsableCommand {
    static var configuration: CommandConfiguration { Options.configuration }

    @OptionGroup var options: Options

    func run() throws { throw DaemonProgram.run(Program.arguments, as: Program.name) }
}

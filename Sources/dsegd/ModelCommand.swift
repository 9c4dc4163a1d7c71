import ArgumentParser
import LocalEngine
package import Models
package import Results

/// The models of this machine: found, added, listed, verified.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Find, add, list and verify the models of this machine.",
        discussion: """
            Models are used in place: nothing is copied, converted or downloaded, and what is removed is a line in the \
            registry. It is $XDG_CONFIG_HOME/dseg/models.json (default: ~/.config/dseg/models.json), or with --system \
            /etc/dseg/models.json.
            """,
        subcommands: [
            ModelDiscoverCommand.self, ModelAddCommand.self, ModelListCommand.self, ModelShowCommand.self,
            ModelVerifyCommand.self,
            ModelRemoveCommand.self, ModelDefaultCommand.self,
        ])

    /// Runs `body`; says why it failed on one line, whatever paths hold, and throws the exit code.
    static func exiting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as ExitCode {
            throw error
        } catch {
            say("\(error)")
            throw ExitCode(ExitReason(error, picture: nil).rawValue)
        }
    }

    static func say(_ message: String) { Streams.say("\(Program.name): \(Streams.printable(message))") }

    static func write(_ lines: [String]) throws(FileError) {
        try Streams.write(Array(lines.map { Streams.printable($0) + "\n" }.joined().utf8))
    }

    static func write(json value: some Encodable) throws(FileError) {
        try Streams.write(Array("\(JSONLine.text(of: value))\n".utf8))
    }
}

/// The options that all commands of `model` have.
struct ModelOutput: ParsableArguments {
    @Flag(help: "Print one line of JSON instead.")
    var json = false
}

/// Whose registry is written.
struct RegistryChoice: ParsableArguments {
    @Flag(help: "Write the system's registry, /etc/dseg/models.json, which the service reads.")
    var system = false

    func registry() throws(RegistryError) -> Registry {
        let registries = Registries.ofThisUser
        if system { return registries.system }
        guard let user = registries.user else { throw .homeless }
        return user
    }
}

extension RegistryError: ReasonedError {
    package var exitReason: ExitReason {
        switch self {
        case .illegalName, .taken: .usage
        case .unknown: .missingInput
        case .cannotRead, .malformed, .otherVersion, .tooLarge, .changed, .otherHash, .damaged,
            .otherBlob:
            .badData
        case .cannotWrite, .hidden, .homeless: .cannotWrite
        case .locked: .tryLater
        }
    }
}

import ArgumentParser
import LocalEngine
package import Models
package import Results

/// The models of this machine: found, added, listed, verified.
struct ModelCommand: ParsableCommand {
    static let configuration = ModelCommands.configuration([
        ModelDiscoverCommand.self, ModelAddCommand.self, ModelListCommand.self, ModelShowCommand.self,
        ModelVerifyCommand.self, ModelRemoveCommand.self, ModelDefaultCommand.self,
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

extension RegistryChoice {
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

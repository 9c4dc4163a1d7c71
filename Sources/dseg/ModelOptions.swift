import ArgumentParser
import Results
import Texts

/// The options that name a daemon's model.
struct ModelOptions: ParsableArguments {
    @Option(
        help: """
            The name or hash of the model, of those that the daemon's owner added, or demo (default: the daemon's). It \
            is loaded if it is not.
            """, completion: Suggestions.models)
    var model: String?

    @OptionGroup var kept: KeepAliveOption

    /// As a request says it.
    var requested: RequestedModel { RequestedModel(name: model ?? "", keepAlive: kept.keepAlive) }

    /// Refuses what a daemon, or `dsegd` without one, would not understand.
    func check(_ withoutDaemon: WithoutDaemon) throws {
        if withoutDaemon.noDaemon {
            guard let keepAlive = kept.keepAlive else { return }
            throw ValidationError(
                "--keep-alive \(keepAlive) is for a daemon, and with --no-daemon there is none: leave one of them out")
        }
        if let model { try Self.check(model) }
    }

    /// Refuses what names no model of a daemon.
    static func check(_ name: String) throws {
        if name.isEmpty { throw ValidationError("an empty name is no model's: leave it out for the daemon's default") }
        if name.utf8.contains(UInt8(ascii: "/")) {
            let path = Streams.printable(name)
            throw ValidationError(
                "\(path) is a path, and a daemon knows models by the names that its owner gave them: type dseg model "
                    + "add \(Streams.printable(ShellWord.quoted(name)))")
        }
    }
}

/// For how long a model is kept.
struct KeepAliveOption: ParsableArguments {
    /// Negative values are no options.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "For how long the model stays in memory after its last call: \(KeepAliveError.grammar) (default: as the "
                + "daemon was told).",
            valueName: "time"),
        transform: { text throws(ValidationError) in
            do throws(KeepAliveError) {
                return try KeepAlive(text)
            } catch {
                throw ValidationError(Streams.printable("\(error)"))
            }
        })
    var keepAlive: KeepAlive?
}

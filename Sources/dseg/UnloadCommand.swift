import ArgumentParser
import RPC
import Results

struct UnloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload",
        abstract: "Let go of models in the daemon's memory.",
        discussion: """
            One that calls use goes as soon as they have ended. The next call that names a model loads it again.
            """)

    @Argument(help: "Names or hashes of models.", completion: Suggestions.models)
    var models: [String] = []

    @Flag(help: "All that are loaded.")
    var all = false

    @OptionGroup var daemon: Daemon

    func validate() throws {
        if all, let model = models.first {
            throw ValidationError("--all is all models, \(Streams.printable(model)) too: leave one of them out")
        }
        if !all, models.isEmpty {
            throw ValidationError("no model is named: type its name, as dseg ps lists it, or --all")
        }
        for model in models { try ModelOptions.check(model) }
    }

    func run() throws {
        guard !all else {
            return try MaskRun.exiting({ nil }) {
                let reply = try daemon.unload("")
                if reply.lines.isEmpty { Streams.say("no model is loaded") }
                try write(reply.lines)
            }
        }
        // A name that the daemon does not know keeps no other model loaded.
        var failure: ExitCode?
        for model in models {
            do {
                try MaskRun.exiting({ nil }) {
                    let reply = try daemon.unload(model)
                    try write(reply.lines.isEmpty ? ["\(model) was not loaded"] : reply.lines)
                }
            } catch let error as ExitCode where error.rawValue == ExitReason.failure.rawValue {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func write(_ lines: [String]) throws {
        try Streams.write(Array(lines.map { Streams.printable($0) + "\n" }.joined().utf8))
    }
}

import ArgumentParser
import RPC
import Results

struct WarmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "warm",
        abstract: "Load a model into the daemon's memory, and keep it there.")

    @Argument(
        help: """
            The name or hash of the model, of those that the daemon's owner added, or demo (default: the daemon's).
            """, completion: Suggestions.models)
    var model: String?

    @OptionGroup var kept: KeepAliveOption
    @OptionGroup var daemon: Daemon

    func validate() throws {
        if let model { try ModelOptions.check(model) }
    }

    func run() throws {
        try MaskRun.exiting({ nil }) {
            let progress = ProgressLine("waiting for the daemon")
            defer { progress.finish() }
            var loaded: ModelStatus?
            try daemon.warm(RequestedModel(name: model ?? "", keepAlive: kept.keepAlive).warming) { reply in
                switch reply {
                case .loading(let loading): progress.advance(loading)
                case .model(let model): loaded = model
                }
            }
            progress.finish()
            guard let loaded else { return }
            try Streams.write(Array("\(Streams.printable(loaded.warmth))\n".utf8))
        }
    }
}

import ArgumentParser
import Results

/// `dseg mask` without a daemon: the same engine, options and answers.
struct MaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mask",
        abstract: "Do what dseg mask does in this process, without a daemon.")

    @OptionGroup var options: MaskOptions
    @OptionGroup var networks: LocalNetworks

    func validate() throws {
        try networks.check(options.filter)
        if options.batch.isAsked {
            throw ValidationError("--jobs and --files-from are of many connections: ask a daemon, without --no-daemon")
        }
    }

    func run() throws {
        try MaskRun.mask(options, model: .unnamed, ask: networks.asking(options.filter))
    }
}

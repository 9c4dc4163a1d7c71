import ArgumentParser
import RPC
import Results

struct MaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mask",
        abstract: "Write a picture's index mask, and print each label's share.",
        discussion: """
            Writes IMAGE.mask.png: an indexed picture with the VOC palette and the picture's size, whose index k is \
            the k-th label and 0 the background. Several pictures may be given; the first argument that is no \
            picture begins the words. Of thousands: --jobs COUNT FOLDER.
            """)

    @OptionGroup var options: MaskOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var daemon: Daemon
    @OptionGroup var retrying: Retrying

    @OptionGroup var withoutDaemon: WithoutDaemon

    func validate() throws {
        try withoutDaemon.check(options.filter)
        try model.check(withoutDaemon)
    }

    func run() throws {
        try withoutDaemon.becomeDaemonProgram()
        guard options.batch.isAsked else {
            return try MaskRun.mask(options, model: model.requested, ask: daemon.asking(retrying.budget))
        }
        let daemon = daemon
        try BatchRun.mask(options, model: model.requested, budget: retrying.budget) { daemon.asking(nil) }
    }
}

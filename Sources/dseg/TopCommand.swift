import ArgumentParser
import RPC
import Results

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch the daemon: what it does, how fast, and for whom.",
        discussion: """
            Shows what dseg status and dseg ps tell, and draws it anew each second, until q is typed. Where standard \
            output is no terminal, or one without escape sequences, it is printed once. A daemon that restarts is \
            asked again.
            """)

    @Option(help: ArgumentHelp("Seconds between two looks.", valueName: "seconds"))
    var interval: Double = 1

    @Flag(help: "Print it once.")
    var once = false

    @OptionGroup var daemon: Daemon

    func validate() throws {
        if !(0.1...3600).contains(interval) {
            throw ValidationError("--interval \(interval): type a number of seconds from 0.1 to 3600")
        }
    }

    func run() throws {
        Interruption.watch()
        try MaskRun.exiting({ nil }) {
            let users = Users()
            var connection: Client?
            func look() throws(RPCStatus) -> StatusReport {
                let client = if let connection { connection } else { try daemon.watching() }
                // After a failure the connection is useless.
                connection = nil
                let status = try client.status()
                connection = client
                return StatusReport(status, user: users.name)
            }
            var watch = Watch(try look())
            guard !once, Streams.outputIsAnimated else {
                return try Streams.write(Array(watch.lines.map { $0 + "\n" }.joined().utf8))
            }
            let screen = Screen()
            defer { screen.leave() }
            repeat {
                try screen.show(watch.lines)
                guard screen.waits(for: .seconds(interval)) else { return }
                do throws(RPCStatus) { watch.see(try look(), at: .now) } catch { watch.miss(error, at: .now) }
            } while true
        }
    }

    /// Names of users, each looked up once.
    private final class Users {
        private var names: [UInt32: String] = [:]

        func name(_ user: UInt32) -> String {
            if let name = names[user] { return name }
            let name = UserName.of(user)
            names[user] = name
            return name
        }
    }
}

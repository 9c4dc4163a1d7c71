import ArgumentParser
import RPC
import Results

@main
struct Dsegd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Program.name == "dseg" ? "dseg" : "dsegd",
        abstract: "Find words in pictures: the daemon, and one question without it.",
        version: Version.current,
        subcommands: [
            ServeCommand.self, MaskCommand.self, WordsCommand.self, ExplainCommand.self, RecipesCommand.self,
            ModelCommand.self, DoctorCommand.self,
        ])

    static func main() {
        // OpenBLAS starts a thread for each further processor as it is loaded. They would only sleep, in 136 MiB of
        // address space each; where `ulimit -v` leaves less, they never end, and neither does the process.
        Program.restart(setting: "OPENBLAS_NUM_THREADS", to: "1")
        Streams.openStandardDescriptors()
        do throws(FileError) {
            if try CompletionScript.write(Program.arguments, of: Self.self) { return }
        } catch {
            exit(withError: error)
        }
        main(Program.arguments)
    }
}

import ArgumentParser
import RPC
import Results

@main
struct Dseg: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dseg",
        abstract: "Find words in pictures.",
        discussion: """
            dseg mask photo.jpg "cat, sofa=sofa|couch"
            dseg mask *.jpg cat
            dseg mask photo.jpg cat --overlay --cut cat
            dseg mask photo.jpg
            dseg mask photo.jpg @coco --explain
            dseg words photo.jpg
            dseg explain photo.jpg 120 45 "cat, sofa"
            dseg eval voc2012 --root VOCdevkit
            dseg figure recipes photo.jpg cat
            dseg recipes
            dseg model discover
            dseg warm sd15 --keep-alive 1h
            dseg ps
            dseg status
            dseg top
            dseg doctor
            """,
        version: Version.current,
        subcommands: [
            MaskCommand.self, WordsCommand.self, ExplainCommand.self, FigureCommand.self, EvalCommand.self,
            RedoCommand.self, RecipesCommand.self, StatusCommand.self, TopCommand.self, MetricsCommand.self,
            ProcessesCommand.self, WarmCommand.self, UnloadCommand.self, ModelCommand.self,
            Handed<DoctorOptions>.self,
        ])

    static func main() {
        Streams.openStandardDescriptors()
        do throws(FileError) {
            if try CompletionScript.write(Program.arguments, of: Self.self) { return }
        } catch {
            exit(withError: error)
        }
        main(Program.arguments)
    }
}

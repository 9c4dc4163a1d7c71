import ArgumentParser
import RPC
import Results

struct RecipesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipes",
        abstract: "List the daemon's recipes, and what may be set in each.",
        discussion: """
            Of each recipe: what it does, what it costs, where its figures come from, and the keys of --set with the \
            recipe's value and, in brackets, the legal ones.
            """)

    @Flag(help: "Print one JSON object instead.")
    var json = false

    @OptionGroup var daemon: Daemon

    func run() throws {
        try MaskRun.exiting({ nil }) {
            let recipes = try daemon.status().recipes
            guard !recipes.isEmpty else {
                throw RPCStatus(.unimplemented, "The daemon tells of no recipes; is it of an older version?")
            }
            let list = RecipeList(recipes)
            try Streams.write(Array((json ? list.json : list.text).utf8))
        }
    }
}

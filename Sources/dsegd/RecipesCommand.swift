import ArgumentParser
import RPC
import Results
import Segmentation
import Server

/// `dseg recipes` without a daemon.
struct RecipesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipes",
        abstract: "List the recipes, and what may be set in each, without a daemon.")

    @Flag(help: "Print one JSON object instead.")
    var json = false

    func run() throws {
        let list = RecipeList(Recipe.all.map(RecipeStatus.init))
        try Streams.write(Array((json ? list.json : list.text).utf8))
    }
}

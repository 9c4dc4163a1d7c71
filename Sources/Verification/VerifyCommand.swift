package import ArgumentParser
import Kernels
import Networks
import LocalEngine
import Results
import Segmentation

/// Compares every stage with reference numbers (goldens).
package struct VerifyCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Hold each stage against reference numbers.",
        discussion: """
            Prints a row for each golden: name, largest error relative to the golden's largest magnitude, limit, \
            verdict. Exits with 1 if one fails, or if a golden has no row.
            """)

    @Argument(
        help: """
            A folder with `checkpoint` and `golden`; with --full, the folder of the goldens.
            """, completion: .directory)
    var directory: String

    @Option(
        help: """
            The checkpoint of full-size goldens; of goldens of words, the folder that holds the networks' folders.
            """, completion: .directory)
    var full: String?

    @Option(
        help: """
            In what weights are multiplied, f32 or int16; the limits are those of f32, for int16 of full-size networks \
            of words those of bfloat16.
            """)
    var precision = Precision.f32

    @Option(help: "A folder to store what was computed in, as safetensors.", completion: .directory)
    var write: String?

    package init() {}

    package func run() throws {
        try Threads.start(nil)
        var table = VerifyTable(limit: full == nil ? 1e-4 : 1e-3)
        let goldens = GoldenFolder(directory: full == nil ? "\(directory)/golden" : directory)
        if let full {
            if goldens.has("words.safetensors") {
                try FullWordChecks(directory: full, goldens: goldens, precision: precision).run(&table)
            } else {
                try FullChecks(model(full), goldens).run(&table)
            }
        } else {
            let model = try model("\(directory)/checkpoint")
            try StageChecks(model, goldens).run(&table)
            try SmallWordChecks(model, checkpoint: "\(directory)/checkpoint", goldens).run(&table)
            try RecipeChecks(model, goldens).run(&table)
            try PublishedChecks(model, checkpoint: "\(directory)/checkpoint", goldens).run(&table)
        }
        table.expectAll(of: try goldens.goldens)
        if let write { try table.write(to: write) }
        try Streams.write(Array("\(table.text)\n".utf8))
        if table.failures > 0 { throw ExitCode.failure }
    }

    private func model(_ directory: String) throws -> Model {
        try Model(
            ModelSource(directory), clipMerges: Resources.clipMerges, precision: precision, cache: nil
        ) { true }
    }
}

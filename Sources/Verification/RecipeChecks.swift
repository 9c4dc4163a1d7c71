import ArgumentParser
import FoundationEssentials
import Segmentation

/// Holds the recipes of other papers against `golden/recipes`, where there is such a folder.
struct RecipeChecks {
    let model: Model
    let stages: GoldenFolder

    init(_ model: Model, _ stages: GoldenFolder) {
        self.model = model
        self.stages = stages
    }

    func run(_ table: inout VerifyTable) throws {
        let goldens = GoldenFolder(directory: stages.path("recipes"))
        guard FileManager.default.fileExists(atPath: goldens.directory) else { return }
        let names = try names(goldens)
        guard !names.isEmpty else { throw ValidationError("\(goldens.directory): no golden of a recipe") }
        var arena = try model.scratch()
        for name in names {
            let (recipe, variant) = Self.parts(name)
            switch recipe {
            case "iseg": try IsegChecks(model, stages, goldens, setting: variant).run(&table, &arena)
            case "cliper": try CliperChecks(model, stages, goldens, resampling: variant).run(&table, &arena)
            default: throw ValidationError("\(goldens.directory): \(name) is of no recipe that is checked")
            }
        }
    }

    /// What a golden's name says before and after the first underscore.
    private static func parts(_ name: String) -> (String, String) {
        (String(name.prefix { $0 != "_" }), String(name.drop { $0 != "_" }.dropFirst()))
    }

    /// The goldens' names, sorted: each has tensors and a JSON file.
    private func names(_ goldens: GoldenFolder) throws -> [String] {
        let files = try FileManager.default.contentsOfDirectory(atPath: goldens.directory)
        let endings = [".safetensors", ".json"]
        let names = files.flatMap { file in endings.filter(file.hasSuffix).map { file.dropLast($0.count) } }
        return Set(names.map(String.init)).sorted()
    }
}

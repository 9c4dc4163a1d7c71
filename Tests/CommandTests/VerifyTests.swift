import FoundationEssentials
import Networks
import Support
import Testing

/// `dseg-bench verify` on the small checkpoints, whose numbers PyTorch made.
@Suite struct VerifyTests {
    /// Per file, the tensors that stages start from, and the U-Net's last, which is never computed.
    static let inputs: [String: Set<String>] = [
        "resize": ["rgb"], "vae": ["eps", "noise"], "text_encoder": ["ids"], "unet": ["out"],
        "per_label": [], "score_maps": [], "shared_pass": [],
    ]

    static let checkpoints = ["tiny", "tiny-odd", "sd2"]

    /// The same of weighted prompts and networks of words, which one of the checkpoints has.
    static let wordInputs: [String: Set<String>] = ["blip": ["prompt_ids"], "clip": [], "weighted_prompts": []]

    private func hasWords(_ folder: String) -> Bool { folder.hasSuffix("/tiny-odd") }

    /// Each golden of a stage that must be computed, by file.
    private func goldens(_ folder: String) throws -> [(file: String, name: String)] {
        let inputs = Self.inputs.merging(hasWords(folder) ? Self.wordInputs : [:]) { $1 }
        return try inputs.keys.sorted().flatMap { file in
            try TensorFile(path: "\(folder)/golden/\(file).safetensors").header.tensors.map(\.name)
                .filter { inputs[file]?.contains($0) == false }
                .map { (file, $0) }
        }
    }

    /// How many texts each of a folder's files of tokens has.
    private func texts(_ folder: String) throws -> [String: Int] {
        func decode<Value: Decodable>(_ type: Value.Type, _ file: String) throws -> Value {
            try JSONDecoder().decode(type, from: Data(bytes("\(folder)/golden/\(file).json")))
        }
        let clip = try decode([Line].self, "clip_tokens").count
        return hasWords(folder)
            ? ["clip_tokens": clip, "bert_tokens": try decode([String: [Int]].self, "bert_tokens").count]
            : ["clip_tokens": clip]
    }

    /// A golden of a recipe.
    private struct RecipeGolden: Decodable {
        /// Of CLIPer alone.
        let thresholds: [Float]?

        /// Names of rows that say how the tensors were come by: the prompt and its tokens, or the number of heads.
        var rows: [String] { thresholds.map { $0.map { _ in "heads" } } ?? ["prompt", "positions"] }
    }

    /// The files of recipes' goldens, without their ending, and what is beside their tensors.
    private func recipes(_ folder: String) throws -> [String: RecipeGolden] {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/golden/recipes")
            .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(".json".count)) }
        return try Dictionary(
            uniqueKeysWithValues: names.map { name in
                (
                    name,
                    try JSONDecoder().decode(
                        RecipeGolden.self, from: Data(bytes("\(folder)/golden/recipes/\(name).json")))
                )
            })
    }

    /// Each golden of a recipe that must be computed: neither what steps start from, nor where an answer is sure, nor a
    /// background that is a threshold here.
    private func tensors(of recipe: String, _ folder: String) throws -> [String] {
        try TensorFile(path: "\(folder)/golden/recipes/\(recipe).safetensors").header.tensors.map(\.name).filter {
            !$0.hasPrefix("seed.") && !$0.hasSuffix("index_sure") && $0 != "background"
        }
    }

    @Test(arguments: checkpoints)
    func `every stage agrees with the reference, a row for each golden`(name: String) throws {
        let folder = "\(Repository.fixtures)/\(name)"
        let ending = try run([Repository.dsegBench, "verify", folder])
        #expect(ending.code == 0)
        #expect(ending.errors == "")
        let rows = ending.text.split(separator: "\n").map(String.init)
        #expect(rows.allSatisfy { $0.hasSuffix("  ok") })
        for golden in try goldens(folder) {
            #expect(rows.count { $0.hasPrefix("\(golden.file).\(golden.name)  ") } == 1, "\(golden)")
        }
        let texts = try texts(folder)
        for (file, count) in texts { #expect(rows.count { $0.hasPrefix("\(file).") } == count) }
        #expect(
            rows.count { !isOfRecipe($0) && !$0.hasPrefix("published.") } == (try goldens(folder).count)
                + texts.values.reduce(0, +))
    }

    private func isOfRecipe(_ row: String) -> Bool { row.hasPrefix("iseg_") || row.hasPrefix("cliper_") }

    @Test(arguments: [("tiny", 3), ("tiny-odd", 5), ("sd2", 2)])
    func `every recipe of another paper agrees with its reference, a row for each golden`(
        name: String, count: Int
    ) throws {
        let folder = "\(Repository.fixtures)/\(name)"
        let ending = try run([Repository.dsegBench, "verify", folder])
        let rows = ending.text.split(separator: "\n").map(String.init).filter(isOfRecipe)
        #expect(ending.code == 0 && rows.allSatisfy { $0.hasSuffix("  ok") })
        // Links and pixels so near to a threshold that rounding decides are counted in rows of their own.
        let compared = rows.filter { !$0.contains(" at the cut  ") }
        let recipes = try recipes(folder)
        #expect(recipes.count == count)
        for (recipe, golden) in recipes {
            let tensors = try tensors(of: recipe, folder)
            #expect(tensors.count > 10)
            for tensor in tensors {
                #expect(compared.count { $0.hasPrefix("\(recipe).\(tensor)  ") } == 1, "\(recipe).\(tensor)")
            }
            for row in Set(golden.rows) {
                let expected = golden.rows.count { $0 == row }
                #expect(compared.count { $0.hasPrefix("\(recipe).\(row)  ") } == expected, "\(recipe).\(row)")
            }
            #expect(compared.count { $0.hasPrefix("\(recipe).") } == tensors.count + golden.rows.count)
        }
        for row in rows where row.contains(" at the cut  ") {
            let golden = row.prefix(row.firstRange(of: " at the cut")?.lowerBound.utf16Offset(in: row) ?? 0)
            #expect(compared.contains { $0.hasPrefix("\(golden)  ") }, "\(row)")
        }
    }

    private struct Line: Decodable {
        let ids: [Int]
    }

    @Test(arguments: checkpoints)
    func `what was computed is stored under the goldens' names`(name: String) throws {
        let folder = "\(Repository.fixtures)/\(name)"
        let place = try TemporaryDirectory()
        let stored = "\(place.path)/new/folder"
        #expect(try run([Repository.dsegBench, "verify", folder, "--write", stored]).code == 0)
        for (file, name) in try goldens(folder) {
            let golden = try TensorFile(path: "\(folder)/golden/\(file).safetensors")
            let written = try TensorFile(path: "\(stored)/\(file).safetensors")
            let wanted = try #require(golden.header.tensors.first { $0.name == name })
            // Tokens are compared only.
            guard wanted.type != .i32 else { continue }
            let found = try #require(written.header.tensors.first { $0.name == name }, "\(file).\(name)")
            #expect(found.shape == wanted.shape)
            if wanted.type == .u8 {
                let pairs = zip(try golden.bytes(of: name), try written.bytes(of: name))
                #expect(pairs.count { $0 != $1 } * 1000 <= wanted.count)
            } else {
                let (numbers, ours) = (try golden.values(of: name), try written.values(of: name))
                let magnitude = numbers.reduce(0) { max($0, abs($1)) }
                let error = zip(numbers, ours).reduce(0) { max($0, abs($1.0 - $1.1)) }
                #expect(error <= 1e-4 * magnitude, "\(file).\(name)")
            }
        }
    }

    @Test func `no folder and no golden of full size is an error that says what is missing`() throws {
        let place = try TemporaryDirectory()
        let ending = try run([Repository.dsegBench, "verify", "\(place.path)/nothing"])
        #expect(ending.code != 0)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains("\(place.path)/nothing/checkpoint"))
        let full = try run([
            Repository.dsegBench, "verify", place.path, "--full", "\(Repository.fixtures)/tiny/checkpoint",
        ])
        #expect(full.code != 0)
        #expect(full.errors.contains("golden.json"))
    }
}

import FoundationEssentials
import Networks
import Support
import Testing

/// `dseg-bench verify` on the golden of the published method as a whole, which one of the checkpoints has.
@Suite struct VerifyPublishedTests {
    private struct Golden: Decodable {
        struct Label: Decodable { let label: String }
        let labels: [Label]
    }

    /// A copy without the goldens of other recipes, which take longest.
    private func copied() throws -> GoldenCopy {
        let folder = try GoldenCopy(of: "tiny-odd")
        try folder.remove("golden/recipes")
        return folder
    }

    /// Names and verdicts of the golden's rows.
    private func rows(_ ending: Program.Ending) -> [String: Bool] {
        let rows = ending.text.split(separator: "\n").filter { $0.hasPrefix("published.") }.map { row in
            let name = row.firstRange(of: "  ").map { row[..<$0.lowerBound] } ?? row
            return (String(name), row.hasSuffix("  ok"))
        }
        return Dictionary(rows) { _, _ in false }
    }

    private func failures(_ ending: Program.Ending) -> Set<String> { Set(rows(ending).filter { !$0.value }.keys) }

    @Test func `agrees, a row for each golden, caption, prompt and place`() throws {
        let folder = try copied()
        let path = "\(folder.path)/golden/published/labels"
        let ending = try folder.verify()
        let labels = try JSONDecoder().decode(Golden.self, from: Data(bytes("\(path).json"))).labels.map(\.label)
        let tensors = try TensorFile(path: "\(path).safetensors").header.tensors.map(\.name)
        let steps = ["caption", "prompt", "read"]
        let said = labels.flatMap { label in
            ["published", "shipped"].flatMap { recipe in steps.map { "\(label).\(recipe).\($0)" } }
        }
        try #require(labels.count > 3 && tensors.count > 2 * labels.count)
        #expect(
            rows(ending)
                == Dictionary(uniqueKeysWithValues: (tensors + said + ["caption"]).map { ("published.\($0)", true) }))
        #expect(ending.code == 0)
        try folder.remove("golden/published")
        let without = try folder.verify()
        #expect(without.code == 0 && rows(without).isEmpty)
    }

    @Test func `golden values altered fail their rows, and one that nobody compares`() throws {
        let folder = try copied()
        let altered = ["x-ray.published.context", "zebra.published.map", "potted plant.shipped.map"]
        try folder.rewrite("golden/published/labels.safetensors") { tensors in
            for name in altered { try tensors.change(name) { $0.spoil() } }
            tensors.append(StoredTensor("zebra.stray", shape: [1], [0]))
        }
        let ending = try folder.verify()
        #expect(ending.code == 1)
        #expect(failures(ending) == Set((altered + ["zebra.stray"]).map { "published.\($0)" }))
    }

    /// Each with what is told of it in other words, and the rows that show it.
    @Test(arguments: [
        ("\"caption\": \"##x cake", "\"caption\": \"##x bake", ["caption"]),
        ("\"caption\": \"a photograph of cafeo", "\"caption\": \"a photograph of cafe o", ["café.*.caption"]),
        (
            "\"prompt\": \"a photograph of café o", "\"prompt\": \"a photograph of café oh",
            [
                "café.*.prompt", "café.published.context",
            ]
        ),
        (
            "\"seed\": 0", "\"seed\": 1",
            ["grass", "potted plant", "x-ray", "café", "zebra"].map { "\($0).published.map" } + [
                "potted plant.shipped.map"
            ]
        ),
    ])
    func `what is said beside the tensors counts`(old: String, new: String, failing: [String]) throws {
        let folder = try copied()
        let path = "\(folder.path)/golden/published/labels.json"
        let json = String(decoding: try bytes(path), as: UTF8.self)
        try #require(json.contains(old))
        try write(Array(json.replacing(old, with: new).utf8), to: path)
        let ending = try folder.verify()
        #expect(ending.code == 1)
        let expected = failing.flatMap { name in
            name.contains("*") ? ["published", "shipped"].map { name.replacing("*", with: $0) } : [name]
        }
        #expect(failures(ending) == Set(expected.map { "published.\($0)" }))
    }

    @Test(arguments: ["checkpoint/blip", "golden/published/labels.json", "golden/published/labels.safetensors"])
    func `what is missing is named`(file: String) throws {
        let folder = try copied()
        // Goldens of the captioner alone ask for it too.
        try folder.remove("golden/blip.safetensors")
        try folder.remove(file)
        let ending = try folder.verify()
        #expect(ending.code != 0 && ending.output.isEmpty)
        #expect(ending.errors.contains("\(folder.path)/\(file)"), "\(ending.errors)")
    }
}

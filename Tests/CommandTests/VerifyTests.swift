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

    /// Each golden that must be computed, by file.
    private func goldens(_ folder: String) throws -> [(file: String, name: String)] {
        try Self.inputs.keys.sorted().flatMap { file in
            try TensorFile(path: "\(folder)/golden/\(file).safetensors").header.tensors.map(\.name)
                .filter { Self.inputs[file]?.contains($0) == false }
                .map { (file, $0) }
        }
    }

    @Test(arguments: ["tiny", "tiny-odd"])
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
        let lines = try JSONDecoder().decode(
            [Line].self, from: Data(bytes("\(folder)/golden/clip_tokens.json")))
        #expect(rows.count { $0.hasPrefix("clip_tokens.") } == lines.count)
        #expect(rows.count == (try goldens(folder).count) + lines.count)
    }

    private struct Line: Decodable {
        let ids: [Int]
    }

    @Test(arguments: ["tiny", "tiny-odd"])
    func `what was computed is stored under the goldens' names`(name: String) throws {
        let folder = "\(Repository.fixtures)/\(name)"
        let place = try TemporaryDirectory()
        let stored = "\(place.path)/new/folder"
        #expect(try run([Repository.dsegBench, "verify", folder, "--write", stored]).code == 0)
        for (file, name) in try goldens(folder) {
            let golden = try TensorFile(path: "\(folder)/golden/\(file).safetensors")
            let written = try TensorFile(path: "\(stored)/\(file).safetensors")
            let wanted = try #require(golden.header.tensors.first { $0.name == name })
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

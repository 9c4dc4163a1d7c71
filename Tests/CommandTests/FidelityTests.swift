import FoundationEssentials
import Networks
import Support
import Testing

/// int16 against f32: what `dseg-bench verify` computes in each from the goldens' inputs.
///
/// The limit is PyTorch's own bf16 pass on the same inputs, held against its own f32, by `Fixtures/bf16/make.py`.
@Suite struct FidelityTests {
    private struct Reference: Decodable {
        let maps: [String: Errors]
    }

    private struct Errors: Decodable {
        let largest: Double
        let rms: Double
    }

    private func reference(_ name: String) throws -> [String: Errors] {
        let file = try bytes("\(Repository.fixtures)/bf16/\(name).json")
        return try JSONDecoder().decode(Reference.self, from: Data(file)).maps
    }

    /// What `verify` computed: the file and the tensor that a row names.
    private func values(_ row: String, in folder: String) throws -> [Float] {
        let dot = try #require(row.firstIndex(of: "."))
        return try TensorFile(path: "\(folder)/\(row[..<dot]).safetensors")
            .values(of: String(row[row.index(after: dot)...]))
    }

    private func errors(_ rounded: [Float], to exact: [Float]) -> Errors {
        let differences = zip(rounded, exact).map { Double($0) - Double($1) }
        let squares = differences.reduce(0) { $0 + $1 * $1 }
        return Errors(
            largest: differences.reduce(0) { max($0, $1.magnitude) },
            rms: (squares / Double(differences.count)).squareRoot())
    }

    /// Runs `verify` in both precisions and holds what they stored against PyTorch's errors.
    private func expectFidelity(_ name: String, _ arguments: [String]) throws {
        let place = try TemporaryDirectory()
        for precision in ["f32", "int16"] {
            let program = try Program(
                [Repository.dsegBench, "verify"] + arguments
                    + ["--precision", precision, "--write", "\(place.path)/\(precision)"])
            let ending = try program.ending()
            #expect(ending.errors == "")
            #expect(ending.code == (precision == "f32" ? 0 : 1), "int16 is not f32")
        }
        let limits = try reference(name)
        var rounded = 0
        for (row, limit) in limits.sorted(by: { $0.key < $1.key }) {
            let exact = try values(row, in: "\(place.path)/f32")
            let other = try values(row, in: "\(place.path)/int16")
            try #require(exact.count == other.count && !exact.isEmpty)
            let found = errors(other, to: exact)
            rounded += found.largest > 0 ? 1 : 0
            #expect(found.largest <= limit.largest, "\(row): largest \(found.largest), PyTorch's \(limit.largest)")
            #expect(found.rms <= limit.rms, "\(row): RMS \(found.rms), PyTorch's \(limit.rms)")
        }
        // All that a network computes is a product with learned numbers, or made of such products.
        #expect(rounded == limits.count, "\(rounded) of \(limits.count) maps differ: was anything rounded?")
    }

    @Test(arguments: ["tiny", "tiny-odd"])
    func `int16 is on every golden map no further from f32 than PyTorch's bf16`(name: String) throws {
        try expectFidelity(name, ["\(Repository.fixtures)/\(name)"])
    }

    /// Every golden that a network computes has a limit.
    @Test(arguments: ["tiny", "tiny-odd"]) func `each golden map has its limit`(name: String) throws {
        let limits = Set(try reference(name).keys)
        let unrounded: Set = ["vae.latent", "vae.noisy", "vae.alphas_cumprod"]
        for file in ["vae", "text_encoder", "unet", "per_label", "shared_pass"] {
            let golden = try TensorFile(path: "\(Repository.fixtures)/\(name)/golden/\(file).safetensors")
            let computed = golden.header.tensors.map(\.name)
                .filter { VerifyTests.inputs[file]?.contains($0) == false }.map { "\(file).\($0)" }
            #expect(Set(computed).subtracting(unrounded).isSubset(of: limits), "\(file)")
        }
    }

    /// A folder with `checkpoint` and `golden` of Stable Diffusion's size, which are too large to be kept here.
    private static let full = ProcessInfo.processInfo.environment["DSEG_FULL"]

    @Test(.enabled(if: full != nil, "DSEG_FULL names no folder with goldens of full size"))
    func `int16 is no further from f32 than PyTorch's bf16 at full size`() throws {
        let folder = try #require(Self.full)
        try expectFidelity("full", ["\(folder)/golden", "--full", "\(folder)/checkpoint"])
    }
}

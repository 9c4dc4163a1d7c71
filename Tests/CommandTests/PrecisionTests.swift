import FoundationEssentials
import RPC
import Support
import Testing

/// In what a program multiplies, and with which instructions.
@Suite struct PrecisionTests {
    private struct Bench: Decodable {
        let hash: String
        let precision: String
        let instructionSet: String
        let blas: String
        let answerHash: String

        private enum CodingKeys: String, CodingKey {
            case hash, precision, blas
            case instructionSet = "instruction_set"
            case answerHash = "answer_hash"
        }
    }

    private func bench(
        _ arguments: [String], environment: [String: String] = ["DSEG_INSTRUCTIONS": "portable"]
    ) throws -> Bench {
        let ending = try run(
            [Repository.dsegBench, "--json", "--repetitions", "1"] + arguments, environment: environment)
        #expect(ending.code == 0, "\(ending.errors)")
        return try JSONDecoder().decode(Bench.self, from: Data(ending.output))
    }

    /// The commands that compute, each with what it asks for beside the options that are tried on it.
    private static let commands = [
        "serve": [Repository.dsegd, "serve", "--socket", "/nowhere/dseg.sock"],
        "mask": [Repository.dsegd, "mask", Repository.picture, "boat", "-o", "-"],
        "bench": [Repository.dsegBench],
        "verify": [Repository.dsegBench, "verify", "\(Repository.fixtures)/tiny-odd"],
    ]

    @Test(arguments: commands.keys.sorted(), ["f16", "bf16", "INT16", "int8", ""])
    func `a precision that there is not is a usage error`(command: String, precision: String) throws {
        let ending = try run(#require(Self.commands[command]) + ["--precision", precision])
        #expect(ending.code == 64)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains("'\(precision)'"), "\(ending.errors)")
        #expect(ending.errors.contains("f32") && ending.errors.contains("int16"), "\(ending.errors)")
    }

    @Test func `bench says in what it computed, and int16 is another answer of the same model`() throws {
        let (exact, rounded) = (try bench(["--precision", "f32"]), try bench(["--precision", "int16"]))
        #expect((exact.precision, rounded.precision) == ("f32", "int16"))
        #expect((exact.instructionSet, rounded.instructionSet) == ("portable", "portable"))
        #expect(exact.blas.hasPrefix("OpenBLAS ") && exact.blas == rounded.blas, "\(exact.blas)")
        #expect(exact.hash == rounded.hash)
        #expect(exact.answerHash != rounded.answerHash)
    }

    /// Without such instructions int16 would be slower than f32, and further from it.
    @Test func `int16 is the default where the instructions multiply pairs of integers`() throws {
        for environment in [[:], ["DSEG_INSTRUCTIONS": "portable"]] {
            let bench = try bench([], environment: environment)
            #expect(bench.precision == (bench.instructionSet == "portable" ? "f32" : "int16"))
            #expect(environment.isEmpty || bench.instructionSet == "portable")
        }
    }

    @Test(arguments: ["f32", "int16"]) func `status says in what the daemon computes`(precision: String) throws {
        let daemon = try Daemon("--precision", precision)
        #expect(try daemon.client().status().models.map(\.precision) == [precision, precision, precision])
        let ending = try daemon.dseg(["status"])
        #expect(ending.code == 0)
        #expect(ending.text.contains(" MiB, \(precision), "), "\(ending.text)")
    }

    @Test(arguments: ["bench", "mask"])
    func `an instruction set that there is not is named, with those that there are`(command: String) throws {
        let ending = try run(#require(Self.commands[command]), environment: ["DSEG_INSTRUCTIONS": "mmx"])
        #expect(ending.code == 65)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains("choose one of portable, avx2, avx512, avx512vnni, or unset it"))
    }
}

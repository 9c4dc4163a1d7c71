import FoundationEssentials
import RPC
import Testing

/// In what a program multiplies, and with which instructions.
@Suite struct PrecisionTests {
    private struct Bench: Decodable {
        let hash: String
        let precision: String
        let instructionSet: String
        let answerHash: String

        private enum CodingKeys: String, CodingKey {
            case hash, precision
            case instructionSet = "instruction_set"
            case answerHash = "answer_hash"
        }
    }

    private func bench(_ precision: String) throws -> Bench {
        let ending = try run(
            [Repository.dsegd, "bench", "--json", "--repetitions", "1", "--precision", precision],
            environment: ["DSEG_INSTRUCTIONS": "portable"])
        #expect(ending.code == 0, "\(ending.errors)")
        return try JSONDecoder().decode(Bench.self, from: Data(ending.output))
    }

    /// What a command asks for beside the options that are tried on it.
    private static let commands = [
        "serve": ["--socket", "/nowhere/dseg.sock"], "bench": [], "mask": [Repository.picture, "boat", "-o", "-"],
        "verify": ["\(Repository.fixtures)/tiny-odd"],
    ]

    @Test(arguments: commands.keys.sorted(), ["f16", "BF16", "int8", ""])
    func `a precision that there is not is a usage error`(command: String, precision: String) throws {
        let ending = try run(
            [Repository.dsegd, command] + (Self.commands[command] ?? []) + ["--precision", precision])
        #expect(ending.code == 64)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains("'\(precision)'"), "\(ending.errors)")
        #expect(ending.errors.contains("f32") && ending.errors.contains("bf16"), "\(ending.errors)")
    }

    @Test func `bench says in what it computed, and bf16 is another answer of the same model`() throws {
        let (exact, rounded) = (try bench("f32"), try bench("bf16"))
        #expect((exact.precision, rounded.precision) == ("f32", "bf16"))
        #expect((exact.instructionSet, rounded.instructionSet) == ("portable", "portable"))
        #expect(exact.hash == rounded.hash)
        #expect(exact.answerHash != rounded.answerHash)
    }

    @Test(arguments: ["f32", "bf16"]) func `status says in what the daemon computes`(precision: String) throws {
        let daemon = try Daemon("--precision", precision)
        #expect(try daemon.client().status().models.map(\.precision) == [precision])
        let ending = try daemon.dseg(["status"])
        #expect(ending.code == 0)
        #expect(ending.text.contains(" MiB, \(precision), "), "\(ending.text)")
    }

    @Test(arguments: ["bench", "mask"])
    func `an instruction set that there is not is named, with those that there are`(command: String) throws {
        let ending = try run(
            [Repository.dsegd, command] + (Self.commands[command] ?? []),
            environment: ["DSEG_INSTRUCTIONS": "mmx"])
        #expect(ending.code == 65)
        #expect(ending.output.isEmpty)
        #expect(ending.errors.contains("DSEG_INSTRUCTIONS=mmx: choose one of portable, avx2, avx512, or unset it"))
    }
}

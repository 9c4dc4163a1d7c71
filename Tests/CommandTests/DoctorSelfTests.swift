import FoundationEssentials
import Support
import Testing

/// What `dseg doctor --json` prints.
struct DoctorReport: Decodable {
    struct Section: Decodable {
        let name: String
        let observations: [Observation]
    }

    struct Observation: Decodable {
        let verdict: String
        let subject: String
        let text: String
        let advice: String?
    }

    let schema: Int
    let version: String
    let healthy: Bool
    let sections: [Section]

    subscript(_ section: String) -> [Observation] { sections.first { $0.name == section }?.observations ?? [] }

    var faults: [Observation] { sections.flatMap(\.observations).filter { $0.verdict == "fault" } }
}

/// Programs and what ships with them, as `make install` lays them out, in a folder that everybody may read.
final class InstalledCopy {
    private let place: TemporaryDirectory

    init() throws {
        place = try TemporaryDirectory()
        // By other processes: see `copyProgram`.
        let copying = shell(
            """
            cd \(place.path) && mkdir -p bin share/dseg && cp \(Repository.dseg) \(Repository.dsegd) bin \
            && cp -R \(Repository.root)/Sources/dsegd/Resources/. share/dseg && chmod -R a+rX .
            """)
        try #require(copying.status == 0, "\(copying.output)")
    }

    var dsegd: String { "\(place.path)/bin/dsegd" }
    var resources: String { "\(place.path)/share/dseg" }
}

/// The self-test of `dseg doctor`.
@Suite struct DoctorSelfTests {
    private let environment = ["HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent"]

    private func report(of program: String, instructions: String? = nil) throws -> DoctorReport {
        let chosen = instructions.map { ["DSEG_INSTRUCTIONS": $0] } ?? [:]
        let ending = try run([program, "doctor", "--json"], environment: environment.merging(chosen) { $1 })
        return try JSONDecoder().decode(DoctorReport.self, from: Data(ending.output))
    }

    @Test(arguments: ["portable", "avx2", "avx512", "avx512vnni"])
    func `every kind of kernel answers as PyTorch does, in both precisions`(instructions: String) throws {
        let ending = try run(
            [Repository.dsegd, "doctor", "--json"],
            environment: environment.merging(["DSEG_INSTRUCTIONS": instructions]) { $1 })
        let report = try JSONDecoder().decode(DoctorReport.self, from: Data(ending.output))
        let chosen = try #require(report["processor"].first { $0.subject == "instructions" })
        guard chosen.verdict == "note" else {
            // This processor lacks them, which the self-test cannot run without either.
            #expect(chosen.verdict == "fault" && chosen.text.contains("has no such instructions"))
            return
        }
        #expect(chosen.text.hasPrefix("\(instructions), "))
        for precision in ["f32", "int16"] {
            let answer = try #require(report["self-test"].first { $0.subject == precision })
            #expect(answer.verdict == "ok" && answer.text.contains("are PyTorch's"), "\(answer)")
        }
    }

    @Test func `every file that answers depend on has its digest, by sha256sum`() throws {
        let checked = shell(
            "cd \(Repository.root)/Sources/dsegd/Resources && sha256sum -c --quiet self-test/sha256sums")
        #expect(checked.status == 0, "\(checked.output)")
        let listed = shell(
            """
            cd \(Repository.root)/Sources/dsegd/Resources && cut -c67- self-test/sha256sums | sort
            """
        ).output
        let there = shell(
            """
            cd \(Repository.root)/Sources/dsegd/Resources && find clip demo demo-captioner demo-filter self-test \
            -type f ! -name README.md ! -name '*LICENSE' ! -name sha256sums | sort
            """
        ).output
        #expect(listed == there)
    }

    @Test(
        arguments: [
            "self-test/golden.png", "self-test/picture.png", "self-test/sha256sums",
            "demo/unet/diffusion_pytorch_model.safetensors", "demo-filter/merges.txt",
        ])
    func `one flipped bit of what ships is found`(name: String) throws {
        let programs = try InstalledCopy()
        let path = "\(programs.resources)/\(name)"
        var file = try bytes(path)
        file[file.count / 2] ^= 1
        try write(file, to: path)
        let report = try report(of: programs.dsegd)
        let fault = try #require(report.faults.first { $0.subject == "files" })
        #expect(fault.advice == "install dseg anew")
        #expect(name.hasSuffix("sha256sums") || fault.text.hasPrefix("\(name): its SHA-256 is "), "\(fault)")
    }

    @Test func `another answer than the golden mask's is found, whatever the files' digests say`() throws {
        let programs = try InstalledCopy()
        #expect(try report(of: programs.dsegd).faults.isEmpty)
        // Of the same picture, with the labels the other way round.
        let command = [
            Repository.dsegd, "mask", "\(programs.resources)/self-test/picture.png", "tree, cat", "--recipe", "shared",
            "--mask-values", "grey", "-o", "-",
        ]
        let other = try run(command, environment: environment)
        try #require(other.code == 0, "\(other.errors)")
        try write(other.output, to: "\(programs.resources)/self-test/golden.png")
        let summed = shell(
            """
            cd \(programs.resources) && cut -c67- self-test/sha256sums | xargs -d '\\n' sha256sum > new \
            && mv new self-test/sha256sums
            """)
        try #require(summed.status == 0, "\(summed.output)")
        let report = try report(of: programs.dsegd)
        #expect(report.faults.map(\.subject) == ["f32", "int16"])
        #expect(report.faults.first?.text.contains("that rounding cannot decide are others than PyTorch's") == true)
    }
}

import FoundationEssentials
import Support
import Testing

/// The committed C half of the messages is what `Protos/generate.sh` makes.
struct GeneratedMessagesTests {
    @Test func `the generated messages are those of Protos`() throws {
        let root = Repository.root
        let fresh = try TemporaryDirectory()
        let run = shell("'\(root)/Protos/generate.sh' '\(fresh.path)'")
        try #require(run.status == 0, "\(run.output)")
        for name in ["health", "segmenter", "ttrpc"] {
            for file in ["\(name).pb-c.c", "include/\(name).pb-c.h"] {
                let committed = try Data(
                    contentsOf: URL(filePath: "\(root)/Sources/CMessages/\(file)"))
                let generated = try Data(contentsOf: URL(filePath: "\(fresh.path)/\(file)"))
                #expect(committed == generated, "\(file) is stale; run Protos/generate.sh")
            }
        }
    }
}

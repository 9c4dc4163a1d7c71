import Models
import Testing

/// What an owner may call a model.
@Suite struct ModelNameTests {
    @Test(arguments: ["a", "sd15", "SD_1.5-pruned", "1", "_", String(repeating: "x", count: 64)])
    func `a name stays as it was written`(text: String) throws {
        #expect(try ModelName(text).description == text)
    }

    @Test(arguments: [
        "", "-sd15", ".sd15", "..", "a/b", "/", "a\nb", "a b", "a\0b", "é", "e\u{301}", "a\u{1B}[2J", "a\u{202E}b",
        "ａ", "~", "a:b", "a'b", String(repeating: "x", count: 65),
    ])
    func `what a shell, a path or a terminal takes for more is refused`(text: String) {
        #expect(throws: RegistryError.self) { try ModelName(text) }
    }
}

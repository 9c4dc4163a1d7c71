import Glibc
import Testing

@testable import Networks

/// CLIP's tokenizer from a `tokenizer.json` alone, as transformers saves it.
@Suite struct `A tokenizer's one file` {
    private static let name = "tokenizer.json"
    private static let prompts = ["a photograph of a dog<|endoftext|>", "CAFÉ 42!! don't", "motorcycle"]

    @Test func `it says what vocab.json and merges.txt say`() throws {
        let (lines, json) = try (load([:], of: TokenizerFixtures.tiny), load([:]))
        #expect(json.vocabularyCount == lines.vocabularyCount)
        #expect((json.start, json.end, json.padding) == (lines.start, lines.end, lines.padding))
        #expect(json.maximumLength == lines.maximumLength)
    }

    @Test func `merges are pairs or lines`() throws {
        let merges = try TokenizerFixtures.text("merges.txt").split(separator: "\n").dropFirst()
        let list = merges.map { "\"\($0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"" }
        let vocabulary = try TokenizerFixtures.text("vocab.json")
        for type in ["\"type\": \"BPE\", ", ""] {
            let model = "{\(type)\"end_of_word_suffix\": \"</w>\", \"vocab\": \(vocabulary), "
            let text = "{\"model\": \(model)\"merges\": [\(list.joined(separator: ", "))]}}"
            #expect(try tokens(load([Self.name: text])) == tokens(load([:])))
        }
    }

    @Test func `added tokens come after the vocabulary, in the order of their identifiers`() throws {
        func added(_ id: Int, _ content: String) -> String {
            #"{"id": \#(id), "content": "\#(content)", "special": true, "normalized": false}"#
        }
        let list = [added(816, "<b>"), added(815, "<a>"), added(813, "<|startoftext|>")].joined(separator: ", ")
        let text = #"{"added_tokens": [\#(list)], "#
        let tokenizer = try load([Self.name: try whole().replacing("{\n  \"version\": \"1.0\",", with: text)])
        #expect(tokenizer.tokens(of: "dog<b><a>").suffix(2) == [816, 815])
        #expect(tokenizer.vocabularyCount == 817)
    }

    @Test func `vocab.json and merges.txt win where both are there, and else one file will do`() throws {
        let broken = [Self.name: "{"]
        #expect(try tokens(load(broken, of: TokenizerFixtures.tiny)) == tokens(load([:])))
        for name in ["vocab.json", "merges.txt"] {
            let files = [name: nil, Self.name: try whole()]
            #expect(try tokens(load(files, of: TokenizerFixtures.tiny)) == tokens(load([:])))
        }
    }

    @Test(arguments: [
        (#""type": "BPE""#, #""type": "WordPiece""#, "model.type"),
        (#""dropout": null"#, #""dropout": 0.1"#, "model.dropout"),
        (#""continuing_subword_prefix": """#, #""continuing_subword_prefix": "x""#, "model.continuing_subword_prefix"),
        (#""end_of_word_suffix": "</w>""#, #""end_of_word_suffix": null"#, "model.end_of_word_suffix"),
        (#""byte_fallback": false"#, #""byte_fallback": true"#, "model.byte_fallback"),
        (#""ignore_merges": false"#, #""ignore_merges": true"#, "model.ignore_merges"),
        (#""type": "Lowercase""#, #""type": "NFKC""#, "normalizer.normalizers.2.type"),
        (#""type": "NFC""#, #""type": "NFD""#, "normalizer.normalizers.0.type"),
        ("{\n        \"type\": \"NFC\"\n      },", "", "normalizer.normalizers"),
        (#""Regex": "\\s+""#, #""Regex": "\\s""#, "normalizer.normalizers.1.pattern.Regex"),
        (#""add_prefix_space": false"#, #""add_prefix_space": true"#, "pre_tokenizer.pretokenizers.1.add_prefix_space"),
        (#""merges": ["#, #""none": ["#, "model.merges"),
        (#""invert": true"#, #""invert": false"#, "pre_tokenizer.pretokenizers.0.invert"),
    ])
    func `a step that makes other tokens is refused by its key`(stated: String, other: String, key: String) throws {
        let text = try whole().replacing(stated, with: other)
        let error = try refusal([Self.name: text])
        guard case .unsupported(let file, key, _, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(file.hasSuffix("/\(Self.name)"))
        #expect("\(error)".contains("not supported; take a file that has"))
    }

    @Test(arguments: [
        ("{", ""), ("[]", ""), ("{}", "model"),
        (#"{"model": {"type": "BPE", "end_of_word_suffix": "</w>"}}"#, "model.vocab"),
        (#"{"model": {"end_of_word_suffix": "</w>", "vocab": [["a", 0]]}}"#, "model.vocab"),
        (#"{"model": {"end_of_word_suffix": "</w>", "vocab": {"a": 0.5}}}"#, "model.vocab"),
        (
            #"{"model": {"end_of_word_suffix": "</w>", "vocab": {"a": 0}, "merges": [["a", "b", "c"]]}}"#,
            "model.merges.0"
        ),
        (#"{"model": {"end_of_word_suffix": "</w>", "vocab": {"a": 0}, "merges": ["a  b"]}}"#, "model.merges.0"),
        (
            #"{"model": {"end_of_word_suffix": "</w>", "vocab": {"<|startoftext|>": 0, "<|endoftext|>": 1}, "#
                + #""merges": ["a a"]}}"#, "model.merges.0"
        ),
        (
            #"{"model": {"end_of_word_suffix": "</w>", "vocab": {"a": 0}}, "added_tokens": ["b"]}"#,
            "added_tokens.Index 0"
        ),
    ])
    func `one of another form is refused with its file`(json: String, key: String) throws {
        let error = try refusal([Self.name: json])
        guard case .malformed(let file, key, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(file.hasSuffix("/\(Self.name)"))
    }

    @Test func `an added token that changes its neighbours is refused`() throws {
        let error = try refusal([Self.name: try whole().replacing(#""lstrip": false"#, with: #""lstrip": true"#)])
        #expect("\(error)".contains("lstrip, rstrip and single_word are not supported"))
    }

    @Test func `a folder with neither form names the files that are missing`() throws {
        guard case .file(.system(let path, _, ENOENT)) = try refusal([Self.name: nil]) else {
            Issue.record("another error")
            return
        }
        #expect(path.hasSuffix("/vocab.json"))
    }

    /// The text of the file.
    private func whole() throws -> String {
        try TokenizerFixtures.text(Self.name, of: TokenizerFixtures.tinyJSON)
    }

    private func tokens(_ tokenizer: BytePairTokenizer) -> [[Token]] {
        Self.prompts.map { tokenizer.encode($0, length: 24).tokens }
    }

    private func load(
        _ files: [String: String?], of folder: String = TokenizerFixtures.tinyJSON
    ) throws -> BytePairTokenizer {
        try TokenizerFixtures.withFolder(files, of: folder) { try BytePairTokenizer(ModelFolder($0)) }
    }

    private func refusal(_ files: [String: String?]) throws -> TokenizerError {
        try TokenizerFixtures.withFolder(files, of: TokenizerFixtures.tinyJSON) { folder in
            try #require(throws: TokenizerError.self) { try BytePairTokenizer(ModelFolder(folder)) }
        }
    }
}

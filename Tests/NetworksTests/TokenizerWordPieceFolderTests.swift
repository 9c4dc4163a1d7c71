import FoundationEssentials
import Glibc
import Testing

@testable import Networks

/// A BERT tokenizer's folder: what its files may say, and how it is refused.
@Suite struct `A WordPiece tokenizer's folder` {
    struct Folder: Decodable {
        let name: String
        let files: [String: String?]
        let texts: [String]
        let tokens: [[Token]]
        let decoded: [Token]
        let text: String
        let count: Int
        let roles: [Token]
    }

    @Test func `tokens, special ones and texts are the reference's, wherever the files name them`() throws {
        let folders = try TokenizerFixtures.decode([Folder].self, "wordpiece_folders.json")
        try #require(folders.count > 40)
        for folder in folders {
            let tokenizer = try load(folder.files)
            for (text, tokens) in zip(folder.texts, folder.tokens) {
                #expect(tokenizer.encode(text) == tokens, "\(folder.name): \(text)")
            }
            #expect(tokenizer.decode(folder.decoded) == folder.text, "\(folder.name)")
            #expect(tokenizer.vocabularyCount == folder.count, "\(folder.name)")
            let roles = [tokenizer.classifier, tokenizer.separator, tokenizer.padding, tokenizer.unknown]
            #expect(roles == folder.roles, "\(folder.name)")
        }
    }

    @Test func `identifiers beyond the vocabulary are left out of texts`() throws {
        let tokenizer = try load([:])
        let tokens = tokenizer.tokens(of: "a photograph of a dog")
        let count = Token(tokenizer.vocabularyCount)
        #expect(tokenizer.decode([count, -1] + tokens + [.max, .min, count + 1]) == "a photograph of a dog")
    }

    @Test func `objects among additional tokens are special, as other versions of the library write them`() throws {
        let object = #"{"content": "[ENC]", "lstrip": false, "normalized": false, "rstrip": false}"#
        let tokenizer = try load(["special_tokens_map.json": #"{"additional_special_tokens": [\#(object)]}"#])
        let token = try #require(tokenizer.tokens(of: "dog[ENC]").last)
        #expect(tokenizer.tokens(of: "[ENC]") == [token])
        #expect(tokenizer.decode([token]) == "")
    }

    @Test func `a missing file is named`() throws {
        guard case .file(.system(let path, _, ENOENT)) = try refusal(["vocab.txt": nil]) else {
            Issue.record("another error")
            return
        }
        #expect(path.hasSuffix("/vocab.txt"))
    }

    @Test(arguments: [
        ("dog", "cat\ndog\ndog\n", 3), ("", "[PAD]\n\n\n", 3),
        (String(repeating: "a", count: 2000), "a\n" + String(repeating: "a", count: 2000), 2),
    ])
    func `a line that is no token is named with its place`(value: String, text: String, number: Int) throws {
        let error = try refusal(["vocab.txt": text])
        guard case .line(let file, number, let found, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(file.hasSuffix("/vocab.txt"))
        #expect(value.hasPrefix(found.prefix(50)) && found.count < 100)
    }

    @Test func `a line that is not UTF-8 is named with its place`() throws {
        try TokenizerFixtures.withFolder([:], of: TokenizerFixtures.tinyBERT) { folder in
            let path = "\(folder)/vocab.txt"
            try Data(Array("[UNK]\na".utf8) + [0xC3, 0x0A]).write(to: URL(filePath: path))
            let expected = TokenizerError.line(file: path, line: 2, value: "a\u{FFFD}", expected: "UTF-8")
            #expect(throws: expected) { try WordPieceTokenizer(ModelFolder(folder)) }
        }
    }

    @Test(arguments: [("[UNK]", "unk_token"), ("[CLS]", "cls_token"), ("[SEP]", "sep_token")])
    func `a vocabulary without a token that every text needs is refused`(token: String, key: String) throws {
        let lines = try TokenizerFixtures.text("vocab.txt", of: TokenizerFixtures.tinyBERT)
        let error = try refusal(["vocab.txt": lines.replacing("\(token)\n", with: "")])
        guard case .unknownToken(let file, key, token) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(file.hasSuffix("/vocab.txt"))
        #expect("\(error)".contains("add it there"))
    }

    @Test(arguments: [
        ("model.type", #"{"type": "BPE", "vocab": {}, "merges": []}"#, ""),
        ("model.merges", #"{"vocab": {}, "merges": ["a b"]}"#, ""),
        ("model.type", #"{"type": "Unigram", "vocab": [["a", -1.5]]}"#, ""),
        ("model.continuing_subword_prefix", #"{"continuing_subword_prefix": "@@", "vocab": {}}"#, ""),
        ("model.max_input_chars_per_word", #"{"max_input_chars_per_word": 50, "vocab": {}}"#, ""),
        ("model.unk_token", #"{"unk_token": "<unk>", "vocab": {}}"#, ""),
        ("normalizer.type", #"{"vocab": {}}"#, #", "normalizer": {"type": "Lowercase"}"#),
        ("normalizer.normalizers", #"{"vocab": {}}"#, #", "normalizer": {"type": "Sequence", "normalizers": []}"#),
        (
            "normalizer.clean_text", #"{"vocab": {}}"#,
            #", "normalizer": {"type": "BertNormalizer", "clean_text": false}"#
        ),
        ("normalizer.lowercase", #"{"vocab": {}}"#, #", "normalizer": {"type": "BertNormalizer", "lowercase": false}"#),
        ("pre_tokenizer.type", #"{"vocab": {}}"#, #", "pre_tokenizer": {"type": "Whitespace"}"#),
    ])
    func `another kind of tokenizer is refused by its key`(key: String, model: String, more: String) throws {
        let error = try refusal(["tokenizer.json": #"{"model": \#(model)\#(more)}"#])
        guard case .unsupported(let file, key, _, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(file.hasSuffix("/tokenizer.json"))
    }

    /// As composed and decomposed letters, and the signs of Ohm and Kelvin and the letters.
    @Test func `tokens that are canonically equivalent are different ones`() throws {
        let words = ["\u{E9}", "e\u{301}", "\u{2126}", "\u{3A9}", "\u{212A}", "K", "##\u{212A}", "##K"]
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words
        let pairs = tokens.enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ", ")
        let before = #""truncation": {"model": {"vocab": {"a": 0}}, "and": [1.5e-3, true, "}\"{", {}, []]}"#
        let tokenizer = try load([
            "tokenizer.json": #"{\#(before), "model": {"unk_token": "[UNK]", "vocab": {\#(pairs)}}}"#,
            "tokenizer_config.json": #"{"do_lower_case": false}"#,
        ])
        #expect(tokenizer.vocabularyCount == tokens.count)
        for (token, text) in tokens.enumerated() where !text.hasPrefix("##") {
            #expect(tokenizer.tokens(of: text) == [Token(token)])
            #expect(
                Array(tokenizer.decode([Token(token)]).unicodeScalars) == (token < 5 ? [] : Array(text.unicodeScalars)))
        }
        #expect(tokenizer.tokens(of: "KK\u{212A}") == [10, 12, 11])
    }

    @Test func `a token with two identifiers leaves one without a token`() throws {
        let error = try refusal(["tokenizer.json": #"{"model": {"vocab": {"a": 0, "b": 1, "a": 2}}}"#])
        guard case .identifier(let file, "a", 2, 2, nil) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(file.hasSuffix("/tokenizer.json"))
    }

    @Test func `special tokens that are to be split are refused`() throws {
        let error = try refusal(["tokenizer_config.json": #"{"split_special_tokens": true}"#])
        #expect(
            "\(error)".hasSuffix(#""split_special_tokens": true is not supported; take a file that has false there"#))
    }

    @Test(arguments: [
        ("tokenizer.json", "{"), ("tokenizer.json", #"{"model": {"vocab": {"a": "b"}}}"#),
        ("tokenizer.json", #"{"model": {"vocab": {}}, "added_tokens": [{"content": "a"}]}"#),
        ("tokenizer_config.json", #"{"do_lower_case": 1}"#), ("tokenizer_config.json", #"{"cls_token": 7}"#),
        ("tokenizer_config.json", #"{"added_tokens_decoder": {"a": {"content": "b"}}}"#),
        ("tokenizer_config.json", #"{"mask_token": {"content": "[MASK]", "lstrip": true}}"#),
        ("special_tokens_map.json", #"{"additional_special_tokens": "a"}"#), ("added_tokens.json", "[]"),
    ])
    func `JSON of another form is refused with its file`(name: String, json: String) throws {
        let error = try refusal([name: json])
        guard case .malformed(let file, _, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(file.hasSuffix("/\(name)"))
    }

    private func load(_ files: [String: String?]) throws -> WordPieceTokenizer {
        try TokenizerFixtures.withFolder(files, of: TokenizerFixtures.tinyBERT) {
            try WordPieceTokenizer(ModelFolder($0))
        }
    }

    /// How the folder is refused.
    private func refusal(_ files: [String: String?]) throws -> TokenizerError {
        try TokenizerFixtures.withFolder(files, of: TokenizerFixtures.tinyBERT) { folder in
            try #require(throws: TokenizerError.self) { try WordPieceTokenizer(ModelFolder(folder)) }
        }
    }
}

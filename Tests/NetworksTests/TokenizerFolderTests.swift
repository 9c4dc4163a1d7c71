import FoundationEssentials
import Glibc
import Testing

@testable import Networks

/// A checkpoint's `tokenizer` folder: what its files may say, and how it is refused.
@Suite struct `A tokenizer's folder` {
    struct Folder: Decodable {
        let name: String
        let files: [String: String?]
        let texts: [String]
        let tokens: [[Token]]
    }

    @Test func `special tokens are found and padded with as the reference does`() throws {
        let folders = try TokenizerFixtures.decode([Folder].self, "folders.json")
        try #require(folders.count > 5)
        for folder in folders {
            let tokenizer = try TokenizerFixtures.withFolder(folder.files) {
                try BytePairTokenizer(ModelFolder($0))
            }
            for (text, tokens) in zip(folder.texts, folder.tokens) {
                #expect(
                    tokenizer.encode(text, length: 20).tokens == tokens, "\(folder.name): \(text)")
            }
        }
    }

    @Test func `a length beyond any integer is no length`() throws {
        let file = #"{"model_max_length": 1000000000000000019884624838656}"#
        #expect(try load(["tokenizer_config.json": file]).maximumLength == nil)
    }

    @Test func `Windows line ends and a missing last line end change nothing`() throws {
        let merges = try TokenizerFixtures.text("merges.txt")
        let prompt = "a motorcycle and a locomotive"
        let expected = try load([:]).tokens(of: prompt)
        let lines = merges.split(separator: "\n")
        for text in [lines.joined(separator: "\r\n") + "\r\n", lines.joined(separator: "\n")] {
            #expect(try load(["merges.txt": text]).tokens(of: prompt) == expected)
        }
    }

    @Test(arguments: ["vocab.json", "tokenizer_config.json"])
    func `a megabyte of marks in a row is refused with its file`(name: String) throws {
        let marks = "a" + String(repeating: "\u{301}\u{323}", count: 250_000)
        let error = #expect(throws: TokenizerError.self) { try load([name: "{\"\(marks)\": 0}"]) }
        #expect("\(error, default: "")".contains("\(name)") && "\(error, default: "")".contains("30 combining"))
    }

    @Test(arguments: ["vocab.json", "merges.txt"])
    func `a missing file is named`(name: String) throws {
        let error = try refusal([name: nil])
        guard case .file(.system(let path, _, ENOENT)) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(path.hasSuffix("/\(name)"))
    }

    @Test func `a folder in a file's place is refused`() throws {
        for path in [TokenizerFixtures.tiny, "/dev/zero"] {
            #expect(throws: TokenizerError.file(.notAFile(path: path))) {
                try BytePairTokenizer(clipMerges: path, padding: BytePairTokenizer.clipPadding)
            }
        }
    }

    @Test func `a file of more bytes than any tokenizer's is refused unread`() throws {
        try TokenizerFixtures.withFolder([:]) { folder in
            let path = "\(folder)/vocab.json"
            let bytes = TokenizerFile.limit + 1
            try Data(count: bytes).write(to: URL(filePath: path))
            let expected = TokenizerError.file(.tooLarge(path: path, bytes: bytes, limit: TokenizerFile.limit))
            #expect(throws: expected) { try BytePairTokenizer(ModelFolder(folder)) }
        }
    }

    @Test(arguments: [
        ("dog", 2), ("a b c", 2), ("a  b", 2), ("", 2), (" a", 2), ("zebra</w> a", 2), ("z q", 2),
        (String(repeating: "a", count: 5000) + " b", 2),
    ])
    func `a line that is no merge of the vocabulary is named with its place`(
        line: String, number: Int
    ) throws {
        let error = try refusal(["merges.txt": "#version: 0.2\n\(line)\na n\n"])
        guard case .line(let file, let place, let value, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(file.hasSuffix("/merges.txt"))
        #expect(place == number)
        #expect(line.hasPrefix(value.prefix(50)))
        #expect(value.count < 100)
    }

    @Test(arguments: [
        (#"{"a": 0, "b": 0}"#, 0), (#"{"a": 0, "b": 2}"#, 2), (#"{"a": -1}"#, -1),
        (#"{"a": 0, "b": 9000000000}"#, 9_000_000_000),
    ])
    func `an identifier twice or out of range is named`(json: String, identifier: Int) throws {
        let error = try refusal(["vocab.json": json])
        guard case .identifier(_, _, let found, _, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(found == identifier)
    }

    @Test(arguments: [
        ("vocab.json", "{}{"), ("vocab.json", "[1, 2]"), ("vocab.json", #"{"a": "b"}"#),
        ("vocab.json", #"{"a": 1.5}"#), ("vocab.json", #"{"a": 99999999999999999999}"#),
        ("vocab.json", #"{"a": 0"#), ("tokenizer_config.json", "{"),
        ("tokenizer_config.json", #"{"bos_token": 7}"#),
        ("tokenizer_config.json", #"{"model_max_length": "long"}"#),
        ("tokenizer_config.json", #"{"model_max_length": 1}"#),
        ("tokenizer_config.json", #"{"model_max_length": -3}"#),
        ("tokenizer_config.json", #"{"pad_token": {"content": "!", "lstrip": true}}"#),
        ("special_tokens_map.json", #"{"pad_token": {"content": "!", "single_word": true}}"#),
        ("special_tokens_map.json", #"{"pad_token": {"lstrip": false}}"#),
    ])
    func `JSON of another form is refused with its file`(name: String, json: String) throws {
        let error = try refusal([name: json])
        guard case .malformed(let file, _, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(file.hasSuffix("/\(name)"))
    }

    /// As transformers 5.24 reads them: whatever identifiers are said, tokens come after the vocabulary in their order.
    @Test(arguments: [
        ("added_tokens.json", #"{"<cat-toy>": 815}"#), ("added_tokens.json", #"{"<cat-toy>": 820}"#),
        (
            "tokenizer_config.json",
            #"{"added_tokens_decoder": {"815": {"content": "<cat-toy>", "lstrip": false, "normalized": true, "#
                + #""rstrip": false, "single_word": false, "special": false}}}"#
        ),
    ])
    func `tokens that were added to a vocabulary are read wherever they are listed`(name: String, json: String) throws {
        try TokenizerFixtures.withFolder([name: json]) { folder in
            let tokenizer = try BytePairTokenizer(ModelFolder(folder))
            #expect(tokenizer.vocabularyCount == 816)
            let tokens: [Token] = [320, 604, 815, 638, 268, 554, 344, 256]
            #expect(tokenizer.tokens(of: "a dog <cat-toy> cat-toy!") == tokens)
        }
    }

    @Test func `of several added tokens the lower identifier comes first`() throws {
        try TokenizerFixtures.withFolder(["added_tokens.json": #"{"<b>": 816, "<a>": 815}"#]) { folder in
            let tokenizer = try BytePairTokenizer(ModelFolder(folder))
            #expect(tokenizer.tokens(of: "<a> <b>") == [815, 816])
        }
    }

    @Test(arguments: ["bos_token", "eos_token", "unk_token", "pad_token"])
    func `a special token outside the vocabulary is named`(key: String) throws {
        let files = [
            "special_tokens_map.json": nil, "tokenizer_config.json": #"{"\#(key)": "<zebra>"}"#,
        ]
        let error = try refusal(files)
        guard case .unknownToken(_, key, "<zebra>") = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test func `published merges that make a token twice are refused`() throws {
        let files = ["merges.txt": "#version: 0.2\na n\nan d\na n\n"]
        try TokenizerFixtures.withFolder(files) { folder in
            let path = "\(folder)/merges.txt"
            let expected = TokenizerError.line(
                file: path, line: 4, value: "a n", expected: "a merge that makes a new token")
            #expect(throws: expected) {
                try BytePairTokenizer(clipMerges: path, padding: BytePairTokenizer.clipPadding)
            }
        }
    }

    private func load(_ files: [String: String?]) throws -> BytePairTokenizer {
        try TokenizerFixtures.withFolder(files) { try BytePairTokenizer(ModelFolder($0)) }
    }

    /// How the folder is refused.
    private func refusal(_ files: [String: String?]) throws -> TokenizerError {
        try TokenizerFixtures.withFolder(files) { folder in
            try #require(throws: TokenizerError.self) { try BytePairTokenizer(ModelFolder(folder)) }
        }
    }
}

@testable import Networks

extension FuzzTarget {
    /// Texts that people type, through the vocabularies of CLIP and BERT that the tests have.
    ///
    /// 2 KiB: a prompt has some hundred bytes; that nothing grows faster than a text, the time shows.
    static let prompts = FuzzTarget(
        name: "prompts", longest: 2048, mebibytes: 1024,
        words: [
            "<|startoftext|>", "<|endoftext|>", "'s", "'ll", "[CLS]", "[SEP]", "[UNK]", "\u{301}", "\u{F73}", "ﬃ", "İ",
            "犬", "\u{1D165}", "한",
        ]
        .map { Array($0.utf8) },
        seeds: {
            ["a photograph of a dog's tail", "Ça va, ﬃ İstanbul 犬猫 \u{1F600}", "<|startoftext|>12 x<|endoftext|>"]
                .map { Array($0.utf8) }
                + Fixtures.file("Tests/Fixtures/tokenizer/fragments.txt").split(separator: 10).prefix(200).map {
                    Array($0)
                }
        },
        run: { Prompts.check($0) })

    /// The files of a tokenizer as a stranger wrote them, of 8 KiB in all.
    static let vocabularies = FuzzTarget(
        name: "vocabularies", longest: 8192, mebibytes: 1024,
        words: [
            "\"added_tokens\":[", "\"id\":0", "\"content\":\"", "\"special\":true", "\"normalized\":true",
            "\"model\":{", "\"vocab\":{", "\"merges\":[", "\"pad_token\":", "\"unk_token\":", "\"model_max_length\":",
            "</w>", "##", "#version", "\"added_tokens_decoder\":{", "\"do_lower_case\":false", "\u{301}", "\\u0301",
            "\\ud834\\udd65",
        ].map { Array($0.utf8) },
        seeds: { Vocabularies.seeds }, run: { Vocabularies.check($0) })
}

enum Prompts {
    private static let clip = try? BytePairTokenizer(
        ModelFolder("\(Fixtures.root)/Tests/Fixtures/tiny/checkpoint/tokenizer"))
    private static let bert = try? WordPieceTokenizer(
        ModelFolder("\(Fixtures.root)/Tests/Fixtures/tokenizer/wordpiece"))

    static func check(_ bytes: [UInt8]) {
        guard let clip, let bert else { return require(false, "the tests' tokenizers are read") }
        let text = String(decoding: bytes, as: UTF8.self)
        pair(clip, text)
        piece(bert, text)
        apart(text, clip.tokens)
        apart(text, bert.tokens)
    }

    static func pair(_ tokenizer: BytePairTokenizer, _ text: String) {
        let tokens = tokenizer.tokens(of: text)
        require(tokens.allSatisfy { (0..<Token(tokenizer.vocabularyCount)).contains($0) }, "\(tokens) are there")
        let prompt = tokenizer.encode(text, length: 77)
        require(prompt.tokens.count == 77 && (2...77).contains(prompt.count), "\(prompt)")
        require(prompt.truncated == (tokens.count > 75), "\(tokens.count) tokens, cut: \(prompt.truncated)")
        let kept = prompt.tokens.prefix(prompt.count)
        require(kept.dropFirst().dropLast().elementsEqual(tokens.prefix(75)), "a prompt has the text's tokens")
        require(kept.first == tokenizer.start && kept.last == tokenizer.end, "a prompt begins and ends")
        require(prompt.tokens.dropFirst(prompt.count).allSatisfy { $0 == tokenizer.padding }, "the rest is filled")
        require(tokenizer.words(of: text).flatMap(tokenizer.tokens) == tokens, "a text's tokens are its words'")
    }

    static func piece(_ tokenizer: WordPieceTokenizer, _ text: String) {
        let tokens = tokenizer.tokens(of: text)
        require(tokens.allSatisfy { (0..<Token(tokenizer.vocabularyCount)).contains($0) }, "\(tokens) are there")
        require(tokenizer.encode(text) == [tokenizer.classifier] + tokens + [tokenizer.separator], "a text is framed")
        require(tokenizer.decode(tokens).utf8.count < 1 << 20, "a text is decoded")
    }

    /// What a blank parts has nothing to do with each other.
    private static func apart(_ text: String, _ tokens: (String) -> [Token]) {
        let parts = text.unicodeScalars.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let (first, second) = (tokens(String(parts[0])), tokens(String(parts[1])))
        require(tokens(text) == first + second, "\"\(text)\" is \(tokens(text)), its parts \(first) and \(second)")
    }
}

enum Vocabularies {
    static let names = [
        "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "tokenizer.json", "vocab.txt",
    ]

    private static let folder = MemoryBackedFolder()

    /// An input is files, each between bytes that no text has: 0xF8 and the file's place in ``names``.
    static func check(_ bytes: [UInt8]) {
        var files: [String: [UInt8]] = [:]
        for part in bytes.split(separator: 0xF8) {
            guard let place = part.first else { continue }
            files[names[Int(place) % names.count]] = Array(part.dropFirst())
        }
        folder.hold(files, of: names)
        let text = "a photograph of a dog, <|endoftext|> \u{E9}\u{301} [SEP]"
        do throws(TokenizerError) {
            let tokenizer = try BytePairTokenizer(ModelFolder(folder.path))
            Prompts.pair(tokenizer, text)
        } catch {
            require(!"\(error)".isEmpty, "a refusal has words")
        }
        do throws(TokenizerError) {
            let tokenizer = try WordPieceTokenizer(ModelFolder(folder.path))
            Prompts.piece(tokenizer, text)
        } catch {
            require(!"\(error)".isEmpty, "a refusal has words")
        }
    }

    static var seeds: [[UInt8]] {
        let vocabulary = #"{"<|startoftext|>":0,"<|endoftext|>":1,"a":2,"b":3,"a</w>":4,"b</w>":5,"ab</w>":6}"#
        let settings = #"""
            {"bos_token":{"__type":"AddedToken","content":"<|startoftext|>","normalized":true},"pad_token":"!",
            "added_tokens_decoder":{"7":{"content":"!","special":false}},"model_max_length":77}
            """#
        let map = #"{"unk_token":"<|endoftext|>","additional_special_tokens":["x"]}"#
        let words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\ndog\n"
        let clip = [(0, vocabulary), (1, "#version: 0.2\na b</w>\n"), (3, map)]
        let whole = Fixtures.file("Tests/Fixtures/tokenizer/tiny-json/tokenizer.json")
        return [
            clip, clip + [(2, settings)], clip + [(4, #"{"y":7}"#)], [(6, words)],
            [(6, words), (2, #"{"do_lower_case":false,"strip_accents":true,"tokenize_chinese_chars":true}"#)],
            [(5, small)], [(5, String(decoding: whole.prefix(8000), as: UTF8.self))],
        ].map { files in files.flatMap { [0xF8, UInt8($0.0)] + Array($0.1.utf8) } }
    }

    private static let small = #"""
        {"added_tokens":[{"id":3,"content":"<|startoftext|>","special":true},{"id":4,"content":"<|endoftext|>"}],
        "model":{"type":"BPE","vocab":{"a":0,"b</w>":1,"ab</w>":2},"merges":["a b</w>"],"end_of_word_suffix":"</w>"},
        "normalizer":null,"pre_tokenizer":null}
        """#
}

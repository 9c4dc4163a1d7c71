import Testing

@testable import Networks

/// BERT's tokenizer against transformers' tokens and texts. `wordpiece.py` made the hashes, on a vocabulary of its own.
@Suite struct `The WordPiece tokenizer` {
    struct Golden: Decodable {
        let seed: String
        let lines, block: Int
        let ranges: [[Int]]
        let text: String
        let tokens, decoded: [String]
        let random, tidy: String
        let unicode: [String: String]
    }

    private static let folder = TokenizerFixtures.folder + "/wordpiece"
    let golden: Golden

    init() throws {
        golden = try TokenizerFixtures.decode(Golden.self, "wordpiece.json")
    }

    @Test func `texts become the tokens that BLIP's reference numbers begin with`() throws {
        let tokenizer = try WordPieceTokenizer(ModelFolder(TokenizerFixtures.tinyBERT))
        let golden = try TokenizerFixtures.decode([String: [Token]].self, "bert_tokens.json")
        try #require(golden.count > 2)
        for (text, tokens) in golden { #expect(tokenizer.encode(text) == tokens, "\(text)") }
    }

    @Test func `20,000 awkward lines get the reference's tokens, and these its texts`() throws {
        let tokenizer = try WordPieceTokenizer(ModelFolder(Self.folder))
        let lines = try AwkwardLines(seed: golden.seed, ranges: golden.ranges, further: "wordpiece/fragments.txt")
            .lines(golden.lines, hash: golden.text)
        let tokens = Fingerprint.hashes(of: lines, block: golden.block) { line, print in
            for token in tokenizer.tokens(of: line) { print.add(UInt32(bitPattern: token)) }
            print.add(UInt32.max)
        }
        #expect(tokens == golden.tokens)
        let decoded = Fingerprint.hashes(of: lines, block: golden.block) { line, print in
            print.add(line: tokenizer.decode(tokenizer.encode(line)))
        }
        #expect(decoded == golden.decoded)
    }

    @Test func `a vocabulary in tokenizer.json gives the same`() throws {
        let vocabulary = try TokenizerFixtures.text("vocab.txt", of: Self.folder).split(separator: "\n")
        let entries = vocabulary.enumerated().map { index, text in
            let text = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return "\"\(text)\": \(index)"
        }
        let json = #"{"model": {"type": "WordPiece", "vocab": {"# + entries.joined(separator: ",\n") + "}}}"
        let lines = try AwkwardLines(seed: golden.seed, ranges: golden.ranges, further: "wordpiece/fragments.txt")
            .lines(golden.lines, hash: golden.text)
        let tokenizer = try WordPieceTokenizer(ModelFolder(Self.folder))
        try TokenizerFixtures.withFolder(["vocab.txt": nil, "tokenizer.json": json], of: Self.folder) { folder in
            let whole = try WordPieceTokenizer(ModelFolder(folder))
            #expect(whole.vocabularyCount == tokenizer.vocabularyCount)
            for line in lines.prefix(2000) { #expect(whole.tokens(of: line) == tokenizer.tokens(of: line)) }
        }
    }

    @Test func `random tokens become the reference's text, however it is tidied`() throws {
        for (tidies, expected) in [(false, golden.random), (true, golden.tidy)] {
            let file = #"{"clean_up_tokenization_spaces": \#(tidies)}"#
            let tokenizer = try TokenizerFixtures.withFolder(["tokenizer_config.json": file], of: Self.folder) {
                try WordPieceTokenizer(ModelFolder($0))
            }
            var numbers = Xorshift(state: try #require(UInt64(golden.seed, radix: 16)))
            var print = Fingerprint()
            let count = tokenizer.vocabularyCount
            for _ in 0..<3000 {
                let tokens = (0..<numbers.below(20)).map { _ in
                    Token(numbers.below(2) == 1 ? numbers.below(count + 20) : numbers.below(200) + count / 3)
                }
                print.add(line: tokenizer.decode(tokens))
            }
            #expect(print.text == expected)
        }
    }

    @Test func `words are the reference's over all of Unicode`() {
        let (cased, accented) = (
            UncasedText(lowercases: false, stripsAccents: false, spacesIdeographs: false),
            UncasedText(stripsAccents: false, spacesIdeographs: false)
        )
        var blocks: [String: Fingerprint] = [:]
        let values = [0...0xD7FF, 0xE000...0x3347F, 0xE0000...0xE01FF] as [ClosedRange<UInt32>]
        for scalar in values.joined().compactMap(Unicode.Scalar.init) {
            let block = String(scalar.value >> 12, radix: 16)
            var print = blocks[block] ?? Fingerprint()
            for (text, scalars) in [
                (UncasedText(), ["A", scalar, "b"]), (UncasedText(), ["\u{302E}", scalar, "\u{1D165}", "x"]),
                (cased, ["A", scalar, "\u{301}"]), (accented, ["\u{C0}", scalar, "b"]),
            ] as [(UncasedText, [Unicode.Scalar])] {
                for word in UncasedText.words(in: text.normalized(scalars)) {
                    for scalar in word { print.add(UTF8.encode(scalar) ?? .init()) }
                    print.add([0xFE])
                }
                print.add([0xFF])
            }
            blocks[block] = print
        }
        #expect(blocks.mapValues(\.text) == golden.unicode)
    }

    @Test func `marks that are kept stand in canonical order, equal ones as written`() {
        let marks: [Unicode.Scalar] = ["\u{302E}", "\u{1D16D}", "\u{1D165}", "\u{302F}", "\u{1D166}", "\u{301}"]
        let expected: [Unicode.Scalar] = ["x", "\u{1D165}", "\u{1D166}", "\u{302E}", "\u{302F}", "\u{1D16D}", "x"]
        #expect(UncasedText().normalized(["x"] + marks + ["x"]) == expected)
    }

    @Test func `the time for a text grows with its length, whatever it holds`() throws {
        let tokenizer = try WordPieceTokenizer(ModelFolder(Self.folder))
        let start = ContinuousClock.now
        let unknown = [tokenizer.unknown]
        #expect(tokenizer.tokens(of: String(repeating: "a", count: 1 << 20)) == unknown)
        let accents = String(repeating: "\u{301}\u{323}", count: 1 << 16)
        #expect(tokenizer.tokens(of: "a" + accents) == tokenizer.tokens(of: "a"))
        #expect(tokenizer.tokens(of: String(repeating: "\u{302E}\u{1D165}", count: 1 << 16)) == unknown)
        #expect(tokenizer.tokens(of: String(repeating: "[", count: 1 << 17)).count == 1 << 17)
        #expect(tokenizer.tokens(of: String(repeating: "[MASK", count: 1 << 16)).count >= 1 << 17)
        let word = String(repeating: "z", count: 100) + " "
        #expect(tokenizer.tokens(of: String(repeating: word, count: 2000)).count >= 2000)
        // Sorting or comparing in quadratic time would take hours.
        #expect(ContinuousClock.now - start < .seconds(300))
    }
}

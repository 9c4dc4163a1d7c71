import Testing

@testable import Networks

/// 20,000 lines of every script, odd marks, spaces and specials against transformers' tokens,
/// and all of Unicode against the reference's tables. `awkward.py` made the hashes.
@Suite struct `The tokenizer on awkward text` {
    struct Golden: Decodable {
        let seed: String
        let lines, block: Int
        let ranges: [[Int]]
        let text: String
        let published, tiny: [String]
        let long: [String: String]
        let unicode: [String: String]
    }

    let golden: Golden

    init() throws {
        golden = try TokenizerFixtures.decode(Golden.self, "awkward.json")
    }

    @Test func `the published vocabulary gives 20,000 awkward lines the reference's tokens`()
        throws
    {
        let tokenizer = try TokenizerFixtures.published
        #expect(try hashes(tokenizer) == golden.published)
    }

    @Test(arguments: [TokenizerFixtures.tiny, TokenizerFixtures.tinyJSON])
    func `a folder's vocabulary gives 20,000 awkward lines the reference's tokens`(folder: String) throws {
        let tokenizer = try BytePairTokenizer(ModelFolder(folder))
        #expect(try hashes(tokenizer) == golden.tiny)
    }

    @Test func `words of tens of thousands of letters become the reference's tokens`() throws {
        let tokenizer = try TokenizerFixtures.published
        try #require(golden.long.count > 3)
        for (word, expected) in golden.long {
            var print = Fingerprint()
            for token in tokenizer.tokens(of: String(repeating: word, count: 20_000)) {
                print.add(UInt32(bitPattern: token))
            }
            #expect(print.text == expected, "\(word)")
        }
    }

    @Test func `kinds, lower case and composition are the reference's over all of Unicode`() {
        var blocks: [String: Fingerprint] = [:]
        let values = [0...0xD7FF, 0xE000...0x3347F, 0xE0000...0xE01FF] as [ClosedRange<UInt32>]
        for scalar in values.joined().compactMap(Unicode.Scalar.init) {
            let block = String(scalar.value >> 12, radix: 16)
            var print = blocks[block] ?? Fingerprint()
            print.add(CollectionOfOne(letter(for: PromptText.kind(of: scalar))))
            for text in [
                PromptText.normalized([scalar]),
                PromptText.composed(["b", "\u{345}", scalar, "b", "\u{334}"]),
                PromptText.composed(["\u{E0}", scalar, "\u{300}", "\u{323}"]),
            ] {
                for scalar in text { print.add(UTF8.encode(scalar) ?? .init()) }
                print.add([0xFF])
            }
            blocks[block] = print
        }
        #expect(blocks.mapValues(\.text) == golden.unicode)
    }

    private func letter(for kind: PromptText.Kind) -> UInt8 {
        switch kind {
        case .letter: UInt8(ascii: "L")
        case .number: UInt8(ascii: "N")
        case .space: UInt8(ascii: "S")
        case .other: UInt8(ascii: "O")
        }
    }

    /// One hash a block of lines.
    private func hashes(_ tokenizer: BytePairTokenizer) throws -> [String] {
        let lines = try AwkwardLines(seed: golden.seed, ranges: golden.ranges).lines(golden.lines, hash: golden.text)
        return Fingerprint.hashes(of: lines, block: golden.block) { line, print in
            for token in tokenizer.tokens(of: line) { print.add(UInt32(bitPattern: token)) }
            print.add(UInt32.max)
        }
    }
}

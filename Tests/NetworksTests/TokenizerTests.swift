import Testing

@testable import Networks

/// The tokenizer against the numbers of transformers' `CLIPTokenizer`.
@Suite struct `The tokenizer` {
    struct Encoded: Decodable {
        let text: String
        let ids: [Token]
    }

    @Test(arguments: [("clip_tokens.json", 77), ("clip_tokens_odd.json", 40)])
    func `prompts become the reference's tokens at any length`(name: String, length: Int) throws {
        let tokenizer = try BytePairTokenizer(ModelFolder(TokenizerFixtures.tiny))
        let golden = try TokenizerFixtures.decode([Encoded].self, name)
        #expect(golden.count > 6)
        for row in golden {
            #expect(tokenizer.encode(row.text, length: length).tokens == row.ids, "\(row.text)")
        }
    }

    @Test func `the published vocabulary has CLIP's 49,408 tokens in CLIP's order`() throws {
        let tokenizer = try TokenizerFixtures.published
        #expect(tokenizer.vocabularyCount == 49408)
        #expect(tokenizer.start == 49406)
        #expect(tokenizer.end == 49407)
        #expect(tokenizer.padding == 49407)
        // The words as OpenAI's notebook "Interacting with CLIP" prints them.
        #expect(
            tokenizer.encode("Hello World!", length: 7).tokens
                == [49406, 3306, 1002, 256, 49407, 49407, 49407])
    }

    @Test func `a folder says its tokens and its length`() throws {
        let tokenizer = try BytePairTokenizer(ModelFolder(TokenizerFixtures.tiny))
        #expect(tokenizer.vocabularyCount == 815)
        #expect(tokenizer.start == 813)
        #expect(tokenizer.end == 814)
        #expect(tokenizer.padding == 814)
        #expect(tokenizer.maximumLength == 77)
    }

    @Test func `truncation keeps start and end and says that words are missing`() throws {
        let tokenizer = try BytePairTokenizer(ModelFolder(TokenizerFixtures.tiny))
        let text = "a photograph of a dog"
        let words = tokenizer.tokens(of: text)
        for length in 2...12 {
            let prompt = tokenizer.encode(text, length: length)
            let kept = min(words.count, length - 2)
            #expect(prompt.tokens.count == length)
            #expect(prompt.truncated == (kept < words.count))
            #expect(prompt.count == kept + 2)
            #expect(
                prompt.tokens
                    == [813] + words.prefix(kept)
                    + Array(repeating: 814, count: length - 1 - kept))
        }
    }

    @Test func `a queue of merges does what the plain search for the lowest rank does`() {
        var numbers = Xorshift(state: 0x5EED)
        for _ in 0..<200 {
            var table = MergeTable(capacity: 0)
            var plain: [[Token]: MergeTable.Merge] = [:]
            for rank in 0..<Int32.random(in: 1...30, using: &numbers) {
                let pair = (0..<2).map { _ in Token.random(in: 0..<8, using: &numbers) }
                // Each pair makes a token of its own, as in a trained vocabulary.
                guard plain[pair] == nil else { continue }
                let made = MergeTable.Merge(rank: rank, token: rank < 4 ? 4 + rank : 100 + rank)
                table[pair[0], pair[1]] = made
                plain[pair] = made
            }
            let word = (0..<40).map { _ in Token.random(in: 0..<4, using: &numbers) }
            var expected = word
            while let best = expected.indices.dropLast()
                .compactMap({ i in plain[[expected[i], expected[i + 1]]].map { (i, $0) } })
                .min(by: { ($0.1.rank, $0.0) < ($1.1.rank, $1.0) })
            {
                expected.replaceSubrange(best.0...best.0 + 1, with: [best.1.token])
            }
            #expect(table.merged(word) == expected)
        }
    }
}

import FoundationEssentials
import Networks
import Segmentation
import Support
import Testing

/// Which of a prompt's tokens are a phrase's. `positions.py` made the reference's numbers.
@Suite struct `A phrase's positions in a prompt` {
    struct Place: Decodable {
        let label, prompt: String
        let positions: [Int]
    }

    private static let folder = "Tests/Fixtures/tokenizer"
    private let tokenizer: BytePairTokenizer

    init() throws {
        tokenizer = try BytePairTokenizer(ModelFolder("\(Repository.root)/\(Self.folder)/tiny"))
    }

    private func positions(of phrase: String, in prompt: String, length: Int) -> [Int]? {
        tokenizer.place(of: phrase, in: prompt, from: Recipe.shared.template, length: length)?.positions
    }

    @Test func `in prompts from the method's template are the reference's`() throws {
        let places = try JSONDecoder().decode(
            [Place].self, from: Data(Fixture.bytes("\(Self.folder)/positions.json")))
        try #require(places.count > 100)
        for place in places {
            let found = positions(of: place.label, in: place.prompt, length: 77)
            #expect(found == place.positions, "\(place.prompt)")
        }
    }

    @Test(arguments: [
        "dog", "teddy bear", "hot-dog", "t.v.", "n°3", "café", "日本語", "dog's", "<|endoftext|>",
        "c++",
    ])
    func `hold the phrase's own tokens wherever it stands`(phrase: String) throws {
        let own = tokenizer.tokens(of: phrase)
        for before in ["", "the ", "a big ", "(", "on 3 "] {
            for after in ["", " on grass", ")", " , sofa"] {
                let prompt = before + phrase + after
                let tokens = tokenizer.encode(prompt, length: 77).tokens
                let found = try #require(
                    positions(of: phrase, in: prompt, length: 77), "\(prompt)")
                if phrase.last?.isLetter == true || after != ")" {
                    #expect(found.map { tokens[$0] } == own, "\(prompt)")
                }
            }
        }
    }

    @Test(arguments: [
        ("car", "a carpet"), ("car", "a scar"), ("car", "3car"), ("car", "car3"), ("3", "13"),
        ("3", "mp3"), ("12", "1 2"), ("hot dog", "hotdog"), ("hot dog", "hot-dog"), ("क", "का"),
        ("र", "कार"), ("my", "my_car"), ("dog", "a cat"), ("dog", ""), ("", "dog"), (" ", "a dog"),
        ("dog dog", "a dog"), ("sail", "'sail"), ("👩", "👩‍👧"),
    ])
    func `are none where the phrase does not stand as words`(phrase: String, prompt: String) {
        #expect(positions(of: phrase, in: prompt, length: 77) == nil)
    }

    @Test func `skip words that only begin like the phrase`() throws {
        let carpet = tokenizer.tokens(of: "carpet").count
        let found = positions(of: "car", in: "carpet car car", length: 77)
        #expect(found?.first == 1 + carpet)
        #expect(found?.count == tokenizer.tokens(of: "car").count)
    }

    @Test func `do not depend on case, spaces or how accents are spelled`() {
        let plain = positions(of: "café noir", in: "a café noir", length: 77)
        #expect(plain != nil)
        let other = positions(of: "Cafe\u{301}\tNOIR ", in: " a  CAFÉ  noir", length: 77)
        #expect(other == plain)
    }

    @Test func `find marks among those that the prompt joins to them`() {
        #expect(positions(of: "t.v.", in: "t.v., sofa", length: 77) == [1, 2, 3, 4])
        #expect(positions(of: ".v", in: "..v", length: 77) == [2, 3])
    }

    @Test func `end where truncation cuts`() throws {
        let prompt = "a photograph of dog sitting"
        let whole = tokenizer.encode(prompt, length: 77).count
        for length in 2...whole {
            let found = positions(of: "dog", in: prompt, length: length)
            // Room for the words ends before the last position, which is the end token's.
            #expect(found == (length < 6 ? nil : length == 6 ? [4] : [4, 5]))
        }
    }
}

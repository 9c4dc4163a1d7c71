import FoundationEssentials
import Images
import RPC
import Support
import Testing

/// `dseg words`: what it says of a picture.
@Suite struct WordsTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
    }

    private struct Said: Decodable {
        struct Picture: Decodable {
            let path: String
            let width: Int
        }
        struct Noun: Decodable { let name: String }
        struct Network: Decodable { let name: String }
        struct Verdict: Decodable {
            struct Criterion: Decodable {
                let part: String
                let value, limit: Float
                let held: Bool
            }
            let name: String
            let kept: Bool
            let criteria: [Criterion]
        }
        struct Choice: Decodable {
            let filter: String
            let candidates: Int
            let verdicts: [Verdict]
        }
        let picture: Picture
        let words: [String]
        let caption: String
        let nouns: [Noun]
        let captioner, filter: Network
        let choice: Choice
    }

    private func said(_ arguments: [String]) throws -> Said {
        let ending = try daemon.dseg(["words", "--json"] + arguments)
        #expect(ending.code == 0 && ending.errors.isEmpty, "\(ending.errors)")
        return try JSONDecoder().decode(Said.self, from: Data(ending.output))
    }

    @Test func `without a word it says the caption, what that names, and why each stays`() throws {
        let ending = try daemon.dseg(["words", Repository.picture])
        #expect(ending.code == 0 && ending.errors.isEmpty, "\(ending.errors)")
        let said = try said([Repository.picture])
        #expect(said.picture.path == Repository.picture && said.picture.width == 192 && said.words.isEmpty)
        #expect(said.captioner.name == "demo-captioner" && said.filter.name == "demo-filter")
        let lines = ending.text.split(separator: "\n").map(String.init)
        #expect(lines[0] == "caption: \(said.caption)" && lines[1].hasPrefix("nouns: \(said.nouns[0].name)"))
        #expect(lines.count == 2 + said.choice.verdicts.count && said.choice.filter == "best")
        #expect(said.choice.verdicts.allSatisfy { $0.kept == $0.criteria.contains(where: \.held) })
        let kept = said.choice.verdicts.filter(\.kept).map(\.name)
        #expect(Set(lines.filter { $0.contains(": kept, ") }.map { String($0.prefix { $0 != ":" }) }) == Set(kept))
        let alone = try run([Repository.dsegd, "words", Repository.picture])
        #expect(alone.code == 0 && alone.output == ending.output, "\(alone.errors)")
        let passed = try run([Repository.dseg, "words", Repository.picture, "--no-daemon", "--timeout", "3"])
        #expect(passed.output == ending.output, "\(passed.errors)")
    }

    @Test func `candidates are typed as labels are, and chosen as mask chooses`() throws {
        let said = try said([Repository.picture, "@demo", "pear=pear|fruit"])
        #expect(said.words == ["@demo", "pear=pear|fruit"] && said.choice.candidates == 65)
        let mask = try daemon.dseg(
            ["mask", Repository.picture, "@demo", "pear=pear|fruit", "--json", "-o", place.path])
        let kept = said.choice.verdicts.filter(\.kept).map(\.name)
        #expect(try Record(mask.output).labels.map(\.name) == kept)
        let published = try self.said([Repository.picture, "boat, sheep", "--filter", "published"])
        #expect(published.choice.filter == "published" && published.choice.candidates == 2)
        #expect(published.choice.verdicts[0].criteria.contains { $0.part == "picture" })
        let all = try self.said([Repository.picture, "boat, sheep", "--filter", "none"])
        #expect(all.choice.verdicts.allSatisfy { $0.kept && $0.criteria.isEmpty })
    }

    @Test func `several pictures are described one after another, and a broken one is told`() throws {
        let (one, other) = (Repository.picture, Repository.scenePath(3))
        let bad = "\(place.path)/bad.png"
        try write(Array("no picture".utf8), to: bad)
        let ending = try daemon.dseg(["words", one, bad, other, "boat", "--filter-set", "least=1"])
        #expect(ending.code == 65 && ending.errors.contains("\(bad): "), "\(ending.errors)")
        #expect(ending.text.contains("\(one): boat: kept") && ending.text.contains("\(other): boat: dropped"))
        let nothing = try daemon.dseg(["words", one, other, "boat", "--filter-set", "least=1"])
        #expect(nothing.code == 3 && nothing.errors.contains("\(other): nothing of what was asked"))
    }

    @Test func `a picture that fits no frame is brought in pieces, for words as for masks`() throws {
        let image = try Image(decoding: bytes(Repository.picture))
        let (side, factor) = (image.width, 6)
        var generator = SeededGenerator(seed: 3)
        let noise = generator.bytes(side * factor * side * factor * 3)
        let samples = noise.indices.map { place in
            let (pixel, channel) = (place / 3, place % 3)
            let (x, y) = (pixel % (side * factor) / factor, pixel / (side * factor) / factor)
            return image.pixels[3 * (y * side + x) + channel] & 0xE0 | noise[place] & 0x1F
        }
        let file = try PNGFile(width: side * factor, height: side * factor, .rgb(samples), texts: []).encoded()
        try #require(file.count > 2 << 20)
        let large = "\(place.path)/large.png"
        try write(file, to: large)
        #expect(try said([large, "@demo"]).picture.width == side * factor)
        let alone = try run([Repository.dsegd, "words", large, "@demo"])
        #expect(try daemon.dseg(["words", large, "@demo"]).output == alone.output)
        let mask = try daemon.dseg(["mask", large, "@demo", "--recipe", "shared", "--captions"])
        #expect(mask.code == 0, "\(mask.errors)")
    }

    @Test func `what is no picture or no words is refused as mask refuses it`() throws {
        for (arguments, code) in [
            (["/no/picture.jpg"], 66), ([Repository.picture, "@nowhere"], 64), ([Repository.picture, "boat,"], 64),
            ([Repository.picture, "@/no/words.txt"], 66), ([Repository.picture, "--filter", "bests"], 64),
            ([Repository.picture, "--filter-set", "most=1"], 64),
            ([Repository.picture, "--filter", "\(Repository.fixtures)/words/clip"], 64),
        ] as [([String], CInt)] {
            let ending = try daemon.dseg(["words"] + arguments)
            #expect(ending.code == code && ending.output.isEmpty && !ending.errors.isEmpty, "\(ending.errors)")
        }
    }
}

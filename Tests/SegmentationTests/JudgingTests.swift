import Limits
import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

/// All parts at once.
private func everything() throws -> Filter {
    try Filter(named: "published", settings: ["patches=model"])
}

private func bits(_ verdicts: [Verdict], _ candidates: [Candidate]) -> [String: [String]] {
    var all: [String: [String]] = [:]
    for verdict in verdicts {
        all[candidates[verdict.candidate].label.name] =
            ["\(verdict.kept) \(verdict.score.bitPattern)"]
            + verdict.criteria.map {
                "\($0.part) \($0.value.bitPattern) \($0.limit) \($0.held) \($0.noun ?? "")"
            }
    }
    return all
}

private let scene = "\(Repository.root)/Tests/Fixtures/scenes/JPEGImages/scene_501_0003.jpg"
private let caption = "a photograph of a pig, a tree and a cat on the sand"

@Suite struct `a judgement` {
    @Test(arguments: Precision.allCases)
    func `does not depend on the order of candidates, of background words or of nouns`(precision: Precision) throws {
        let (filter, picture, all) = (try DemoWords.filter(precision), try DemoWords.scene(scene), try everything())
        let nouns = DemoWords.nouns(caption)
        let expected = try filter.verdicts(DemoWords.candidates, nouns, picture, all)
        #expect(expected.map(\.candidate) == Array(0..<64))
        var random = SeededGenerator(seed: 5)
        for _ in 0..<4 {
            let shuffled = DemoWords.candidates.shuffled(using: &random)
            let found = try filter.verdicts(
                shuffled, nouns.shuffled(using: &random), picture, all,
                background: filter.patches.background.shuffled(using: &random))
            #expect(found.map(\.candidate) == Array(0..<64))
            #expect(bits(found, shuffled) == bits(expected, DemoWords.candidates))
        }
    }

    @Test func `gives a candidate the same cosine to nouns in any company`() throws {
        let (filter, picture) = (try DemoWords.filter(.f32), try DemoWords.scene(scene))
        let captions = try Filter(named: "published", settings: ["picture=off"])
        let all = try filter.verdicts(DemoWords.candidates, DemoWords.nouns(caption), picture, captions)
        for place in [0, 17, 63] {
            let alone = try filter.verdicts(
                [DemoWords.candidates[place]], DemoWords.nouns(caption), picture, captions)
            #expect(alone[0].criteria == all[place].criteria && alone[0].kept == all[place].kept)
        }
    }

    @Test func `says of each part what it measured, and keeps what one holds`() throws {
        let (filter, picture) = (try DemoWords.filter(.f32), try DemoWords.scene(scene))
        let verdicts = try filter.verdicts(DemoWords.candidates, DemoWords.nouns(caption), picture, everything())
        for verdict in verdicts {
            #expect(Set(verdict.criteria.map(\.part)) == [.caption, .picture, .synonyms, .patches])
            #expect(verdict.kept == verdict.criteria.contains { $0.value >= $0.limit })
            #expect(verdict.score == verdict.criteria.first { $0.part == .patches }?.value)
        }
        #expect(verdicts.flatMap(\.criteria).filter { $0.part == .picture }.map(\.value).max() == 1)
        let names = DemoWords.candidates.map(\.label.name)
        let pig = verdicts[try #require(names.firstIndex(of: "pig"))].criteria
        #expect(pig.first { $0.part == .synonyms } == Criterion(part: .synonyms, value: 1, limit: 1, noun: "pig"))
        #expect(pig.first { $0.part == .patches }?.limit == filter.patches.lower)
        #expect(pig.first { $0.part == .caption }.map { $0.noun == "pig" && $0.value > 0.999 } == true)
        let zebra = verdicts[try #require(names.firstIndex(of: "zebra"))].criteria
        #expect(zebra.first { $0.part == .synonyms } == Criterion(part: .synonyms, value: 0, limit: 1, noun: nil))
        #expect(zebra.first { $0.part == .patches }?.limit == filter.patches.threshold)
        let kept = verdicts.survivors.map { verdicts[$0].score }
        #expect(kept == kept.sorted(by: >) && Set(verdicts.survivors) == Set(verdicts.kept) && kept.count > 1)
    }

    @Test func `of a label by other words, synonyms and kinds of nouns knows it`() throws {
        let (filter, picture) = (try DemoWords.filter(.f32), try DemoWords.scene(scene))
        let synonyms = try Filter(named: "published", settings: ["caption=off", "picture=off"])
        let phrases = [Phrase(words: "hog", prompt: nil), Phrase(words: "boar", prompt: nil)]
        let candidates = [
            Candidate(label: Label(name: "pig", phrases: phrases), synonyms: ["swine", "porker"]),
            DemoWords.candidate("cow"),
        ]
        for (noun, stays) in [
            (Noun(name: "pig", kinds: [], words: "pigs"), [0]), (Noun(name: "boar", kinds: [], words: "boar"), [0]),
            (Noun(name: "porker", kinds: [], words: "x"), [0]),
            (Noun(name: "x", kinds: ["swine", "cow"], words: "y"), [0, 1]),
            (Noun(name: "x", kinds: [], words: "cow"), [1]), (Noun(name: "calf", kinds: [], words: "calf"), []),
        ] {
            #expect(try filter.verdicts(candidates, [noun], picture, synonyms).kept == stays, "\(noun)")
        }
        #expect(try filter.verdicts(candidates, [], picture, synonyms).kept.isEmpty)
    }

    @Test func `leaves a background word out that a candidate has, also by its tokens`() throws {
        let (filter, picture) = (try DemoWords.filter(.f32), try DemoWords.scene(scene))
        let candidates = [DemoWords.candidate("grass"), DemoWords.candidate("pig")]
        let without = try filter.verdicts(candidates, [], picture, .best, background: ["sky"])
        for words in [["grass", "sky"], ["GRASS ", "sky", "Sky"], ["sky", " grass"]] {
            #expect(try filter.verdicts(candidates, [], picture, .best, background: words) == without)
        }
        #expect(try filter.verdicts(candidates, [], picture, .best, background: ["sky", "sand"]) != without)
    }

    @Test func `keeps the best of no label where its score is enough`() throws {
        let (filter, plain) = (try DemoWords.filter(.f32), Fixture.plain(60, 40, 200))
        let strict = ["threshold=1", "lower=off"]
        let always = try filter.verdicts(
            DemoWords.candidates, [], plain, Filter(named: "best", settings: strict + ["least=0"]))
        let best = try #require(always.kept.first)
        #expect(always.kept.count == 1 && always.allSatisfy { $0.score <= always[best].score })
        let last = try #require(always[best].criteria.last)
        #expect(last == Criterion(part: .least, value: always[best].score, limit: 0, noun: nil))
        let never = try filter.verdicts(
            DemoWords.candidates, [], plain, Filter(named: "best", settings: strict + ["least=1"]))
        #expect(never.kept.isEmpty && never[best].criteria.last?.held == false && never.survivors.isEmpty)
    }

    @Test(arguments: Precision.allCases)
    func `of pictures of all shapes is finite`(precision: Precision) throws {
        let (filter, all) = (try DemoWords.filter(precision), try everything())
        for picture in [
            Fixture.plain(1, 1, 0), Fixture.plain(7, 3, 255), Fixture.noise(1, 20_000), Fixture.noise(20_000, 1),
            Fixture.noise(3, 2, hasAlpha: true), Fixture.noise(200, 130), Fixture.noise(128, 128),
        ] {
            let verdicts = try filter.verdicts(DemoWords.candidates, DemoWords.nouns(caption), picture, all)
            #expect(verdicts.allSatisfy { $0.score.isFinite && (0...1).contains($0.score) })
            #expect(verdicts.flatMap(\.criteria).allSatisfy { $0.value.isFinite })
            #expect(!verdicts.kept.isEmpty)
        }
    }

    @Test func `needs one pass where a picture's middle is all of it`() throws {
        let filter = try DemoWords.filter(.int16)
        let square = try filter.prepare(DemoWords.scene(scene), cancellation: .never)
        #expect(square.whole == nil && square.middle.bytes == 128 * 128 * 3 * 4)
        let wide = try filter.prepare(Fixture.noise(200, 100), cancellation: .never)
        #expect(wide.whole?.size == .init(height: 128, width: 256))
        var arena = try Arena(reserving: filter.scratchBytes)
        let (both, patches, picture) = (
            PictureEmbedding.Parts(picture: true, patches: .hidden),
            PictureEmbedding.Parts(picture: false, patches: .hidden),
            PictureEmbedding.Parts(picture: true, patches: nil)
        )
        for prepared in [square, wide] {
            let all = try filter.look(at: prepared, for: both, cancellation: .never, &arena)
            let some = try filter.look(at: prepared, for: patches, cancellation: .never, &arena)
            let middle = try filter.look(at: prepared, for: picture, cancellation: .never, &arena)
            #expect(some.picture == nil && middle.patches == nil)
            #expect(all.patches?.embeddings.bits == some.patches?.embeddings.bits)
            #expect(all.picture?.bits == middle.picture?.bits)
            #expect(all.patches?.grid.pixels == all.patches?.embeddings.rows)
        }
    }

    @Test func `of as many candidates as there may be is right, and of none is none`() throws {
        let (filter, picture) = (try DemoWords.filter(.int16), try DemoWords.scene(scene))
        let many = (0..<Limit.labels - 64).map { DemoWords.candidate("thing \($0)") }
        let verdicts = try filter.verdicts(
            many + DemoWords.candidates, DemoWords.nouns(caption), picture, everything())
        #expect(verdicts.map(\.candidate) == Array(0..<Limit.labels))
        #expect(verdicts.allSatisfy { $0.score.isFinite })
        let few = try filter.verdicts(DemoWords.candidates, DemoWords.nouns(caption), picture, everything())
        for (one, other) in zip(verdicts.suffix(64), few) {
            #expect(one.criteria.first { $0.part == .caption } == other.criteria.first { $0.part == .caption })
            #expect(one.score <= other.score, "more share each patch")
        }
        #expect(try filter.verdicts([], [], picture, .best).isEmpty)
    }

    @Test func `that nobody waits for ends`() throws {
        let (filter, cancelled) = (try DemoWords.filter(.int16), Cancellation(deadline: nil))
        let embedding = try filter.embedding(of: DemoWords.scene(scene), for: .best)
        var arena = try Arena(reserving: filter.scratchBytes)
        cancelled.cancel()
        #expect(throws: Interruption.cancelled) {
            try filter.judge(
                DemoWords.candidates, background: [], nouns: [], picture: embedding, by: .best, for: 1,
                cancellation: cancelled, &arena)
        }
    }
}

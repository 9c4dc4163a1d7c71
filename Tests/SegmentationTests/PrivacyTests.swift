import Networks
import Testing

@testable import Segmentation

/// What one user asked makes no difference to another, neither in what is told nor in what is computed.
@Suite struct `users share nothing` {
    /// What an answer cost: the layers that were computed, and what its trailer tells.
    private struct Work: Equatable, CustomStringConvertible {
        let layers: Int
        let counts: [Int]

        init(_ report: Report, _ cancellation: Cancellation) {
            layers = cancellation.heartbeats
            counts = [report.passes, report.featuresCached, report.phrasesCached, report.latentCached ? 1 : 0]
        }

        var description: String { "\(layers) layers, \(counts)" }
    }

    private func work(_ segmenter: Segmenter, _ question: RequestBuilder, _ owner: UInt32) throws -> Work {
        let cancellation = Cancellation(deadline: nil)
        return Work(try segmenter.ask(question, owner: owner, cancellation: cancellation).report, cancellation)
    }

    /// Questions that overlap in pictures, words, passes, captions and candidates.
    private func questions() throws -> [RequestBuilder] {
        let vocabulary = try Vocabulary(
            candidates: ["sheep", "boat", "tree"].map {
                Candidate(label: Label(name: $0, phrases: [Phrase(words: $0, prompt: nil)]), synonyms: [])
            }, background: [], filter: .standard)
        return try [
            RequestBuilder("dog", "cat"), RequestBuilder("dog"), RequestBuilder("dog", "grass"),
            RequestBuilder("dog").with(\.seed, 1), RequestBuilder("dog").with(\.recipe, .diffsegmenter),
            RequestBuilder("cat", "sky").with(\.recipe, .published), RequestBuilder("dog", file: Fixture.scene),
            RequestBuilder("dog", "cat", "grass", "a dog"), RequestBuilder().with(\.vocabulary, vocabulary),
            RequestBuilder("sheep").with(\.recipe, Recipe(named: "cliper:voc", settings: ["presence=off"])),
        ]
    }

    @Test func `in counts and in work, whatever the other asked before`() throws {
        let (shared, alone) = (try Fixture.segmenter(Fixture.odd), try Fixture.segmenter(Fixture.odd))
        let questions = try questions()
        let others = try questions + [RequestBuilder("tree", "cat"), RequestBuilder("sky").with(\.seed, 1)]
        for question in others { _ = try shared.ask(question, owner: 1) }
        for round in 1...2 {
            for (place, question) in questions.enumerated() {
                let expected = try work(alone, question, 2)
                let found = try work(shared, question, 2)
                #expect(found == expected, "question \(place), round \(round)")
            }
        }
        let again = try questions.map { try work(shared, $0, 2).layers }
        let first = try questions.map { try work(shared, $0, 3).layers }
        #expect(again.reduce(0, +) * 2 < first.reduce(0, +), "the user's own is remembered: \(again) of \(first)")
    }

    @Test func `in what is said of a handle`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let known = try segmenter.look(at: Fixture.bytes(Fixture.picture), owner: 1, cancellation: .never).handle
        func refusal(of handle: String) throws -> (text: String, layers: Int) {
            let cancellation = Cancellation(deadline: nil)
            let error = #expect(throws: SegmentationError.self) {
                try segmenter.ask(
                    RequestBuilder("dog").with(\.picture, .handle(handle)), owner: 2, cancellation: cancellation)
            }
            return ("\(error, default: "")".replacing(handle, with: "HANDLE"), cancellation.heartbeats)
        }
        let (others, nobodys) = (try refusal(of: known), try refusal(of: String(repeating: "0", count: known.count)))
        #expect(others == nobodys && others.text.contains("HANDLE"))
    }

    @Test func `in what a workspace says that they hold`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let workspace = segmenter.workspace
        let question = try RequestBuilder("dog", "cat")
        _ = try segmenter.ask(question, owner: 1)
        let one = workspace.memory(of: 1)
        #expect(
            workspace.memory(of: 2)
                == Memory(
                    pictures: 0, picturesBytes: 0, words: 0, wordsBytes: 0, scratchBytes: one.scratchBytes))
        _ = try segmenter.ask(question, owner: 2)
        let two = workspace.memory(of: 2)
        #expect((one.pictures, one.picturesBytes, one.words) == (two.pictures, two.picturesBytes, two.words))
        #expect(workspace.memory.picturesBytes == one.picturesBytes + two.picturesBytes)
        #expect(workspace.memory.wordsBytes == one.wordsBytes + two.wordsBytes && workspace.owners == [1, 2])
    }
}

@Suite struct `a cache by users` {
    @Test func `gives each what they put there, and nothing else`() {
        var cache = PrivateCache<String, Int>(limit: 10)
        cache.insert(1, bytes: 3, for: "a", of: 1)
        #expect(cache.value(for: "a", of: 2) == nil)
        cache.insert(2, bytes: 4, for: "a", of: 2)
        #expect((cache.value(for: "a", of: 1), cache.value(for: "a", of: 2)) == (1, 2))
        #expect((cache.count, cache.bytes, cache.count(of: 1), cache.bytes(of: 2)) == (2, 7, 1, 4))
        cache.remove("a", of: 1)
        #expect(cache.value(for: "a", of: 1) == nil && cache.value(for: "a", of: 2) == 2)
        #expect(Set(cache.owners) == [2] && cache.bytes == 4)
        cache.removeAll()
        #expect((cache.count, cache.bytes, cache.limit) == (0, 0, 10))
    }

    @Test func `takes from whoever holds most, what they used the longest ago`() {
        var cache = PrivateCache<Int, Int>(limit: 10)
        for key in 0..<8 { cache.insert(key, bytes: 1, for: key, of: 1) }
        for key in 0..<4 { cache.insert(key, bytes: 1, for: key, of: 2) }
        #expect((cache.bytes(of: 1), cache.bytes(of: 2)) == (6, 4))
        #expect((0..<8).map { cache.value(for: $0, of: 1) } == [nil, nil, 2, 3, 4, 5, 6, 7])
        for key in 4..<100 { cache.insert(key, bytes: 1, for: key, of: 2) }
        #expect(cache.bytes(of: 1) == 5 && cache.bytes(of: 2) == 5, "below a share nobody loses anything")
        cache.insert(0, bytes: 9, for: 0, of: 3)
        #expect(cache.bytes(of: 3) == 9 && cache.bytes == 10, "what is larger than a share finds room")
        cache.insert(0, bytes: 11, for: 0, of: 1)
        #expect(cache.bytes(of: 3) == 9, "and what is larger than all takes none")
    }

    /// Held against lists in the order of use.
    @Test(arguments: 1...20) func `is a list for each in the order of use`(seed: Int) {
        var state = UInt64(seed)
        func draw(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        var cache = PrivateCache<Int, Int>(limit: 60)
        var lists: [[(key: Int, value: Int, bytes: Int)]] = [[], [], []]
        func bytes(_ owner: Int) -> Int { lists[owner].reduce(0) { $0 + $1.bytes } }
        for step in 0..<400 {
            let (owner, key, size) = (draw(3), draw(12), 1 + draw(25))
            if draw(3) == 0 {
                let found = lists[owner].first { $0.key == key }
                #expect(cache.value(for: key, of: UInt32(owner)) == found?.value)
                if let found { lists[owner] = lists[owner].filter { $0.key != key } + [found] }
            } else {
                cache.insert(step, bytes: size, for: key, of: UInt32(owner))
                lists[owner].removeAll { $0.key == key }
                func weight(_ other: Int) -> Int { bytes(other) + (other == owner ? size : 0) }
                while (0..<3).reduce(size, { $0 + bytes($1) }) > 60 {
                    let holders = (0..<3).filter { !lists[$0].isEmpty }
                    guard let most = holders.max(by: { (weight($0), $0) < (weight($1), $1) }) else { break }
                    lists[most].removeFirst()
                }
                lists[owner].append((key, step, size))
            }
            for owner in 0..<3 {
                #expect(cache.bytes(of: UInt32(owner)) == bytes(owner))
                #expect(cache.count(of: UInt32(owner)) == lists[owner].count)
            }
            #expect(cache.bytes == (0..<3).reduce(0) { $0 + bytes($1) } && cache.bytes <= 60)
        }
    }

    @Test func `shrinks, forgets what is chosen and changes values for all alike`() {
        var cache = PrivateCache<Int, Int>(limit: 100)
        for owner in [UInt32(1), 2] { for key in 0..<4 { cache.insert(key, bytes: 10, for: key, of: owner) } }
        cache.removeAll { $0 == 3 }
        #expect((cache.count, cache.bytes) == (6, 60))
        cache.changeAll { ($0 + 10, 5) }
        #expect(cache.bytes == 30 && cache.value(for: 0, of: 2) == 10)
        cache.limit(to: 20)
        #expect((cache.bytes(of: 1), cache.bytes(of: 2)) == (10, 10))
        cache.limit(to: 0)
        #expect((cache.count, cache.bytes) == (0, 0) && Array(cache.owners).isEmpty)
    }
}

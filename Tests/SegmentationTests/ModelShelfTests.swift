import Networks
import Support
import Testing
import Texts

@testable import Segmentation

/// Which models stay, without threads and clocks.
@Suite("the shelf of models") struct ModelShelfTests {
    private static let start = SuspendingClock.now
    private static let least = MemoryLimits.least

    private static func time(_ seconds: Double) -> SuspendingClock.Instant { start + .seconds(seconds) }

    private let sizes = LatentSizes(
        trained: Grid(height: 64, width: 64), unit: 8, factor: 8)

    private func key(_ name: String) -> ModelKey { TestCatalogue.key(name) }

    /// A shelf with models that were loaded one after the other, a second each.
    private func shelf(
        _ models: [(name: String, bytes: Int)], limit: Int, keepAlive: KeepAlive = .forever
    ) throws -> ModelShelf {
        var shelf = ModelShelf(limit: limit + Self.least, keepAlive: keepAlive)
        for (place, model) in models.enumerated() {
            shelf.begin(key(model.name), at: Self.time(Double(place)))
            let hasRoom = try shelf.takeRoom(
                for: key(model.name), weightBytes: model.bytes, scratchBytes: 0
            ) { _ in true }
            try #require(hasRoom)
            arrive(model.name, &shelf, at: Double(place))
        }
        return shelf
    }

    private func arrive(_ name: String, _ shelf: inout ModelShelf, at seconds: Double) {
        let network = LoadedModel(role: .segmenter, name: name, hash: "hash of \(name)", bytes: 1, precision: "f32")
        shelf.arrive(
            key(name), hashes: ["hash of \(name)"], networks: [network], latentSizes: sizes, at: Self.time(seconds))
    }

    private func use(
        _ name: String, _ shelf: inout ModelShelf, by owner: UInt32 = 1, keepAlive: KeepAlive? = nil,
        since: Double? = nil, at seconds: Double
    ) {
        shelf.use(
            key(name), by: owner, keepAlive: keepAlive, since: Self.time(since ?? seconds), at: Self.time(seconds))
    }

    private func departing(_ shelf: ModelShelf, at seconds: Double, inUse: Set<String> = []) -> [String] {
        shelf.departing(at: Self.time(seconds)) { inUse.contains($0.name.text) }.map(\.name.text)
    }

    // MARK: Keep-alive

    @Test func `a model goes when its time is over, not while it is used, and each use begins it anew`() throws {
        var shelf = try shelf([("a", 1)], limit: 10, keepAlive: .duration(.seconds(60)))
        use("a", &shelf, at: 10)
        #expect(departing(shelf, at: 69.9) == [] && departing(shelf, at: 70) == ["a"])
        #expect(departing(shelf, at: 1000, inUse: ["a"]) == [])
        use("a", &shelf, at: 50)
        #expect(departing(shelf, at: 109) == [] && departing(shelf, at: 110) == ["a"])
        #expect(shelf.nextDeparture { _ in false } == Self.time(110))
        #expect(shelf.nextDeparture { _ in true } == nil)
    }

    @Test func `a call's own time is taken, 0 and for ever too, and its next one replaces it`() throws {
        var shelf = try shelf([("a", 1)], limit: 10, keepAlive: .duration(.seconds(60)))
        use("a", &shelf, keepAlive: .duration(.seconds(600)), at: 0)
        #expect(departing(shelf, at: 599) == [] && departing(shelf, at: 600) == ["a"])
        use("a", &shelf, keepAlive: .duration(.seconds(5)), at: 10)
        #expect(departing(shelf, at: 14) == [] && departing(shelf, at: 15) == ["a"])
        use("a", &shelf, keepAlive: .forever, at: 20)
        #expect(departing(shelf, at: 1e8) == [] && shelf.nextDeparture { _ in false } == nil)
        use("a", &shelf, keepAlive: .duration(.zero), at: 30)
        #expect(departing(shelf, at: 30) == ["a"])
    }

    @Test func `a call that asks for no time shortens none`() throws {
        var shelf = try shelf([("a", 1)], limit: 10, keepAlive: .duration(.seconds(60)))
        use("a", &shelf, keepAlive: .duration(.seconds(600)), at: 0)
        use("a", &shelf, at: 100)
        #expect(departing(shelf, at: 599) == [] && departing(shelf, at: 600) == ["a"])
        use("a", &shelf, at: 590)
        #expect(departing(shelf, at: 649) == [] && departing(shelf, at: 650) == ["a"])
    }

    @Test func `nobody ends what another user asked for`() throws {
        var shelf = try shelf([("a", 1)], limit: 10, keepAlive: .duration(.seconds(60)))
        use("a", &shelf, by: 1, keepAlive: .duration(.seconds(600)), at: 0)
        use("a", &shelf, by: 2, keepAlive: .duration(.zero), at: 1)
        #expect(departing(shelf, at: 599) == [] && departing(shelf, at: 600) == ["a"])
    }

    // MARK: Unloading

    @Test func `unloading lets go at once of what nobody uses, and of the rest when its calls have ended`() throws {
        var shelf = try shelf([("a", 1), ("b", 1), ("c", 1)], limit: 10)
        for name in ["a", "b", "c"] { use(name, &shelf, keepAlive: .forever, at: 5) }
        let outcome = shelf.unload("", at: Self.time(10)) { $0.name.text == "b" }
        #expect(outcome.leaving.map(\.name.text) == ["a", "c"] && outcome.used.map(\.name.text) == ["b"])
        #expect(Set(departing(shelf, at: 10, inUse: ["b"])) == ["a", "c"])
        // The call was there before, and asked for ever.
        use("b", &shelf, keepAlive: .forever, since: 9, at: 11)
        #expect(departing(shelf, at: 11).contains("b"))
        use("b", &shelf, keepAlive: .forever, since: 12, at: 13)
        #expect(!departing(shelf, at: 14).contains("b"), "a call that came later wants it again")
    }

    @Test func `unloading names one by its name or by its hash`() throws {
        for name in ["b", "hash of b"] {
            var shelf = try shelf([("a", 1), ("b", 1)], limit: 10)
            for name in ["a", "b"] { use(name, &shelf, at: 5) }
            #expect(shelf.unload(name, at: Self.time(6)) { _ in false }.leaving.map(\.name.text) == ["b"])
            #expect(departing(shelf, at: 6) == ["b"])
        }
        var shelf = try shelf([("a", 1)], limit: 10)
        let none = shelf.unload("x", at: Self.time(6)) { _ in false }
        #expect(none.leaving.isEmpty && none.used.isEmpty)
    }

    // MARK: Room

    @Test func `with less room models go that are not in use, the least recently used first`() throws {
        var shelf = try shelf([("a", 4), ("b", 4), ("c", 4)], limit: 12)
        use("a", &shelf, at: 9)
        shelf.adopt(limit: 9 + Self.least, keepAlive: .duration(.seconds(5))) { $0.name.text == "b" }
        #expect(departing(shelf, at: 10, inUse: ["b"]) == ["c"])
        #expect(shelf.limit == 9 + Self.least && shelf.keepAlive == .duration(.seconds(5)))
        shelf.adopt(limit: Self.least, keepAlive: .forever) { $0.name.text == "b" }
        #expect(departing(shelf, at: 10, inUse: ["b"]) == ["a", "c"], "what is in use stays, whatever it takes")
        shelf.adopt(limit: 12 + Self.least, keepAlive: .forever) { _ in false }
        #expect(departing(shelf, at: 10, inUse: ["b"]) == ["a", "c"], "who is leaving leaves")
    }

    @Test func `the least recently used goes first, and no more than must`() throws {
        var shelf = try shelf([("a", 4), ("b", 3), ("c", 3)], limit: 10)
        for (place, name) in ["b", "c", "a"].enumerated() {
            use(name, &shelf, keepAlive: .forever, at: 10 + Double(place))
        }
        shelf.begin(key("d"), at: Self.time(20))
        #expect(try !shelf.takeRoom(for: key("d"), weightBytes: 5, scratchBytes: 0) { _ in false })
        #expect(departing(shelf, at: 20) == ["b", "c"])
        shelf.remove(key("b"))
        #expect(try !shelf.takeRoom(for: key("d"), weightBytes: 5, scratchBytes: 0) { _ in false })
        shelf.remove(key("c"))
        #expect(try shelf.takeRoom(for: key("d"), weightBytes: 5, scratchBytes: 0) { _ in false })
        #expect(departing(shelf, at: 20) == [] && shelf.bytes == 9)
    }

    @Test func `no model in use goes, and none goes in vain`() throws {
        var shelf = try shelf([("a", 6), ("b", 3)], limit: 10)
        for name in ["a", "b"] { use(name, &shelf, keepAlive: .forever, at: 10) }
        shelf.begin(key("c"), at: Self.time(20))
        #expect(try !shelf.takeRoom(for: key("c"), weightBytes: 5, scratchBytes: 0) { $0.name.text == "a" })
        #expect(departing(shelf, at: 20, inUse: ["a"]) == [], "b alone leaves too little")
        #expect(try !shelf.takeRoom(for: key("c"), weightBytes: 4, scratchBytes: 0) { $0.name.text == "a" })
        #expect(departing(shelf, at: 20, inUse: ["a"]) == ["b"])
    }

    @Test func `scratch memory is shared, and counts once`() throws {
        var shelf = ModelShelf(limit: 100 + Self.least, keepAlive: .forever)
        for (name, weights, scratch) in [("a", 30, 20), ("b", 30, 10)] {
            shelf.begin(key(name), at: Self.time(0))
            #expect(try shelf.takeRoom(for: key(name), weightBytes: weights, scratchBytes: scratch) { _ in true })
            arrive(name, &shelf, at: 0)
        }
        #expect(shelf.bytes == 80)
        shelf.begin(key("c"), at: Self.time(1))
        #expect(try !shelf.takeRoom(for: key("c"), weightBytes: 10, scratchBytes: 31) { _ in true })
        #expect(try shelf.takeRoom(for: key("c"), weightBytes: 10, scratchBytes: 30) { _ in true })
        #expect(shelf.bytes == 100)
    }

    @Test func `a model that is larger than all memory is refused, with what it takes and what to do`() throws {
        var shelf = try shelf([("a", 1)], limit: 100 << 20)
        shelf.begin(key("b"), at: Self.time(1))
        let shortage = #expect(throws: MemoryShortage.self) {
            try shelf.takeRoom(for: key("b"), weightBytes: 90 << 20, scratchBytes: 11 << 20) { _ in false }
        }
        let text = try #require(shortage).description
        #expect(text.contains("165 MiB") && text.contains("90 of weights") && text.contains("164 MiB are"))
        #expect(text.contains("--memory 165M"))
        #expect(departing(shelf, at: 1).isEmpty || departing(shelf, at: 1) == ["a"], "no one leaves for it")
    }

    /// Whatever comes, what is loaded or loading has its room, what is in use stays, and what must wait gets its room
    /// as soon as nothing is in use.
    @Test(arguments: 1...40) func `keeps its laws in any order of events`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var shelf = ModelShelf(limit: 100 + Self.least, keepAlive: .duration(.seconds(5)))
        let names = ["a", "b", "c", "d", "e"]
        let sizes = Dictionary(uniqueKeysWithValues: names.map { ($0, Int.random(in: 10...70, using: &random)) })
        var used: Set<String> = []
        var loading: String?
        for step in 0..<400 {
            let now = Double(step)
            let name = names.randomElement(using: &random) ?? "a"
            switch Int.random(in: 0..<5, using: &random) {
            case 0 where loading == nil && shelf[key(name)] == nil:
                shelf.begin(key(name), at: Self.time(now))
                loading = name
            case 1:
                guard let next = loading else { break }
                let before = used
                let hasRoom = try shelf.takeRoom(
                    for: key(next), weightBytes: sizes[next] ?? 0, scratchBytes: 5
                ) { used.contains($0.name.text) }
                #expect(used == before)
                if hasRoom {
                    arrive(next, &shelf, at: now)
                    loading = nil
                } else if used.isEmpty {
                    for leaver in departing(shelf, at: -1) { shelf.remove(key(leaver)) }
                    #expect(
                        try shelf.takeRoom(for: key(next), weightBytes: sizes[next] ?? 0, scratchBytes: 5) { _ in false
                        })
                }
            case 2 where shelf.isLoaded(key(name)): used.insert(name)
            case 3 where used.contains(name):
                used.remove(name)
                use(name, &shelf, by: UInt32.random(in: 1...2, using: &random), at: now)
            default:
                let leaving = departing(shelf, at: now, inUse: used)
                #expect(used.isDisjoint(with: leaving))
                for leaver in leaving { shelf.remove(key(leaver)) }
            }
            #expect(shelf.bytes <= 100)
            for name in used { #expect(shelf.isLoaded(key(name))) }
        }
    }

    @Test func `latencies are told of the last calls`() throws {
        var shelf = try shelf([("a", 1)], limit: 10)
        func state() throws -> ModelState { try #require(shelf[key("a")]).state(calls: 0, at: Self.time(0)) }
        #expect(try (state().requests, state().median, state().slowest) == (0, 0, 0))
        for milliseconds in (1...100).reversed() {
            shelf.noteEnd(of: key("a"), since: Self.time(0), at: Self.start + .milliseconds(milliseconds))
        }
        #expect(try (state().requests, state().median, state().slowest) == (100, 50, 99))
        for _ in 0..<512 { shelf.noteEnd(of: key("a"), since: Self.time(0), at: Self.start + .milliseconds(7)) }
        #expect(try (state().requests, state().median, state().slowest) == (612, 7, 7))
    }
}

import Foundation
import Networks
import Segmentation
import Support
import Synchronization
import Testing
import Texts

/// The models of an engine: when they come, who waits for them, and when they go.
@Suite("an engine's models") struct EngineModelTests {
    /// What happened, in order.
    private final class Diary: Sendable {
        private let lines = Mutex<[String]>([])

        func write(_ line: String) { lines.withLock { $0.append(line) } }
        var read: [String] { lines.withLock(\.self) }
    }

    private let diary = Diary()
    private let catalogue = TestCatalogue(
        ["a": TestCatalogue.Entry(), "b": TestCatalogue.Entry(), "c": TestCatalogue.Entry()], standard: "a")

    private func engine(memory: Int = 1 << 40, queue: Int = 64, keepAlive: KeepAlive = .forever) throws -> Engine {
        try Engine(
            EngineLimits(queue: queue, memory: memory, keepAlive: keepAlive), threads: nil, catalogue: catalogue
        ) { _ in }
    }

    /// A job that writes its name and its segmenter's.
    private func job(
        _ name: String, by model: String, owner: UInt32 = 1, connection: UInt64 = 1, keepAlive: KeepAlive? = nil,
        progress: (@Sendable (LoadingState) -> Void)? = nil, run: @escaping @Sendable () -> Void = {}
    ) -> Job {
        Job(
            caller: Caller(owner: owner, connection: connection),
            needing: .needed(TestCatalogue.key(model), keepAlive: keepAlive, progress: progress), deadline: nil
        ) { [diary] segmenter, _, _ in
            run()
            diary.write("\(name) by \(segmenter.model.name)")
        } refuse: { [diary] in
            diary.write("\(name) refused: \($0)")
        }
    }

    private func names(_ engine: Engine) -> [String] { engine.status.models.map(\.key.name.text) }

    /// Blocks whoever passes until it is opened.
    private final class Gate: Sendable {
        let entered = Handover<Bool>()
        private let opened = Handover<Bool>()

        @Sendable func pass() {
            entered.give(true)
            _ = opened.take()
        }

        func open() { opened.give(true) }
    }

    // MARK: Coming

    @Test func `a model is loaded when it is first used, and once however many ask`() throws {
        let engine = try engine()
        #expect(engine.status.models.isEmpty && catalogue["a"].opened == 0)
        for number in 0..<20 { try engine.submit(job("\(number)", by: "a", connection: UInt64(number))) }
        for number in 20..<30 { try engine.submit(job("\(number)", by: "b", connection: UInt64(number))) }
        engine.drain()
        #expect(Set(diary.read) == Set((0..<20).map { "\($0) by a" } + (20..<30).map { "\($0) by b" }))
        #expect((catalogue["a"].read, catalogue["b"].read, catalogue["c"].opened) == (1, 1, 0))
    }

    @Test func `models that are loaded go on answering while another one is on its way`() throws {
        let engine = try engine()
        try engine.loadStandardModel(keepAlive: nil, progress: nil)
        let gate = Gate()
        catalogue["b"].reading = { _ in gate.pass() }
        try engine.submit(job("slow", by: "b"))
        _ = gate.entered.take()
        for name in ["1", "2"] { try engine.submit(job(name, by: "a")) }
        #expect(eventually { diary.read == ["1 by a", "2 by a"] })
        try engine.submit(job("slower", by: "c"))
        let states = engine.status.models
        #expect(states.map(\.key.name) == ["a", "b", "c"] && states.map(\.calls) == [0, 1, 1])
        #expect(states.map(\.loading?.stage) == [nil, .reading, .waiting])
        #expect(engine.status.queued == 2)
        gate.open()
        engine.drain()
        #expect(diary.read.suffix(2) == ["slow by b", "slower by c"])
    }

    @Test func `a model on its way shows progress piece by piece`() throws {
        let engine = try engine()
        let gates = [Gate(), Gate()]
        catalogue["b"].reading = { isWanted in
            gates[0].pass()
            _ = isWanted()
            gates[1].pass()
        }
        try engine.submit(job("slow", by: "b"))
        _ = gates[0].entered.take()
        let hung = try #require(engine.pulse.loading)
        #expect(engine.pulse == Pulse(computing: nil, loading: hung), "nothing moves while it hangs")
        gates[0].open()
        _ = gates[1].entered.take()
        let alive = try #require(engine.pulse.loading)
        #expect(alive != hung && alive.turns == hung.turns)
        gates[1].open()
        #expect(eventually { engine.pulse == Pulse(computing: nil, loading: nil) })
        engine.drain()
    }

    @Test func `those who wait hear how far their model is, and nobody else does`() throws {
        let engine = try engine()
        let (first, second) = (Heard(), Heard())
        try engine.submit(job("b", by: "b", progress: first.add))
        try engine.submit(job("a", by: "a", progress: second.add))
        engine.drain()
        for (states, model) in [(first.all, "b"), (second.all, "a")] {
            #expect(states.allSatisfy { $0.model == model })
            let stages = states.map(\.stage)
            let reading = states.filter { $0.stage == .reading && $0.totalBytes > 0 }
            #expect(stages.first == .waiting && stages.last == .reading && stages.contains(.opening))
            #expect(reading.map(\.bytes) == reading.map(\.bytes).sorted())
            #expect(reading.last.map { $0.bytes == $0.totalBytes } == true)
        }
    }

    private final class Heard: Sendable {
        private let states = Mutex<[LoadingState]>([])

        @Sendable func add(_ state: LoadingState) { states.withLock { $0.append(state) } }
        var all: [LoadingState] { states.withLock(\.self) }
    }

    @Test func `a job that needs no model runs without one, and loads none`() throws {
        let engine = try engine()
        func look() throws {
            try engine.submit(
                Job(
                    caller: Caller(owner: 1, connection: 1), using: .ifLoaded(TestCatalogue.key("a")), deadline: nil
                ) { [diary] segmenter, _, _ in
                    diary.write("looked with \(segmenter?.model.name ?? "none")")
                } refuse: { _ in
                })
        }
        try look()
        #expect(eventually { diary.read == ["looked with none"] })
        #expect(catalogue["a"].opened == 0)
        try engine.loadStandardModel(keepAlive: nil, progress: nil)
        try look()
        engine.drain()
        #expect(diary.read.last == "looked with a")
    }

    // MARK: Failing

    @Test func `a load that fails tells all who wait the same, and is tried again when somebody asks again`() throws {
        let engine = try engine()
        let gate = Gate()
        catalogue["b"].reading = { _ in gate.pass() }
        try engine.submit(job("gate", by: "b"))
        _ = gate.entered.take()
        catalogue["a"].fault = "no such luck"
        for name in ["1", "2", "3"] { try engine.submit(job(name, by: "a")) }
        gate.open()
        #expect(eventually { diary.read.count == 4 })
        for name in ["1", "2", "3"] {
            #expect(diary.read.contains("\(name) refused: the model a cannot be loaded: no such luck"))
        }
        #expect(catalogue["a"].opened == 1 && names(engine) == ["b"])
        catalogue["a"].fault = nil
        try engine.submit(job("4", by: "a"))
        engine.drain()
        #expect(diary.read.last == "4 by a" && catalogue["a"].opened == 2)
    }

    @Test func `a model that went while a job waited for it is no model any longer`() throws {
        let engine = try engine()
        let gate = Gate()
        catalogue["b"].reading = { _ in gate.pass() }
        try engine.submit(job("gate", by: "b"))
        _ = gate.entered.take()
        try engine.submit(job("1", by: "a"))
        catalogue.remove("a")
        gate.open()
        engine.drain()
        #expect(eventually { diary.read.count == 2 })
        #expect(diary.read.contains("1 refused: the model a cannot be loaded: a is gone"))
    }

    @Test func `nobody waits any longer: the load ends, and the next who asks begins another`() throws {
        let engine = try engine()
        let reading = Handover<Bool>()
        catalogue["a"].reading = { isWanted in
            reading.give(true)
            while isWanted() { usleep(1000) }
        }
        let jobs = ["1", "2"].map { job($0, by: "a") }
        for job in jobs { try engine.submit(job) }
        _ = reading.take()
        #expect(engine.withdraw(jobs[0].ticket) != nil)
        usleep(20_000)
        #expect(names(engine) == ["a"], "the other one still waits")
        #expect(engine.withdraw(jobs[1].ticket) != nil)
        #expect(eventually { names(engine).isEmpty })
        catalogue["a"].reading = nil
        try engine.submit(job("3", by: "a"))
        engine.drain()
        #expect(diary.read == ["3 by a"] && catalogue["a"].read == 1)
    }

    @Test func `a model that is larger than all memory is refused at once, and the others stay`() throws {
        let engine = try engine(memory: 1 << 30)
        try engine.loadStandardModel(keepAlive: nil, progress: nil)
        catalogue["b"].weightBytes = 1 << 30
        try engine.submit(job("1", by: "b"))
        #expect(eventually { diary.read.count == 1 })
        #expect(diary.read[0].contains("b cannot be loaded: it needs") && diary.read[0].contains("--memory"))
        #expect(names(engine) == ["a"])
    }

    // MARK: Weights that are kept

    @Test func `a model that goes is not kept, and what the engine has at its end is`() throws {
        let keeper = TestKeeper()
        catalogue["a"].keeper = keeper
        catalogue["b"].keeper = keeper
        catalogue["b"].folder = Fixture.tiny
        let engine = try engine()
        for model in ["a", "b"] { try engine.submit(job(model, by: model)) }
        #expect(eventually { diary.read.count == 2 })
        let names = Set(keeper.names)
        #expect(names.count == 2)
        let told = Handover<[String]>()
        try engine.unload("a") { gone, _ in told.give(gone) }
        #expect(told.take() == ["a"] && keeper.names.count == 1)
        engine.drain()
        #expect(keeper.names.count == 1 && names.isSuperset(of: keeper.names))
        #expect(keeper.uses(of: keeper.names[0]) == 1)
    }

    @Test func `two models of the same files are kept once, as long as either is in memory`() throws {
        let keeper = TestKeeper()
        catalogue["a"].keeper = keeper
        catalogue["b"].keeper = keeper
        let engine = try engine()
        for model in ["a", "b"] { try engine.submit(job(model, by: model)) }
        #expect(eventually { diary.read.count == 2 && keeper.names.count == 1 })
        let name = try #require(keeper.names.first)
        #expect(keeper.uses(of: name) == 2)
        for (model, left) in [("a", 1), ("b", nil)] {
            let told = Handover<Bool>()
            try engine.unload(model) { _, _ in told.give(true) }
            #expect(told.take() && keeper.uses(of: name) == left)
        }
        engine.drain()
    }

    // MARK: Room

    /// An engine with room for one model.
    private func narrow() throws -> Engine {
        for name in ["a", "b", "c"] {
            catalogue[name].weightBytes = 600 << 20
            catalogue[name].scratchBytes = 0
        }
        return try engine(memory: 1 << 30)
    }

    @Test func `a model in use stays until its jobs have ended, and those who came later wait their turn`() throws {
        let engine = try narrow()
        let gate = Gate()
        try engine.submit(job("1", by: "a", run: gate.pass))
        _ = gate.entered.take()
        try engine.submit(job("2", by: "a", connection: 2))
        try engine.submit(job("3", by: "b", connection: 3))
        #expect(eventually { catalogue["b"].opened == 1 && engine.status.models.last?.loading?.stage == .waiting })
        try engine.submit(job("4", by: "a", connection: 4))
        #expect(names(engine) == ["a", "b"] && diary.read.isEmpty)
        gate.open()
        engine.drain()
        #expect(diary.read == ["1 by a", "2 by a", "3 by b", "4 by a"])
        #expect((catalogue["a"].read, catalogue["b"].read) == (2, 1))
    }

    @Test func `a job whose reader is slow keeps its model, and others of that model go on meanwhile`() throws {
        let engine = try narrow()
        let room = Room()
        let slow = Job(
            caller: Caller(owner: 1, connection: 1),
            needing: .needed(TestCatalogue.key("a"), keepAlive: nil, progress: nil), deadline: nil,
            hasRoom: { room.isThere.load(ordering: .relaxed) }
        ) { [diary] _, _, _ in
            diary.write("begun")
            return {
                diary.write("ended")
                return false
            }
        } refuse: { _ in
        }
        try engine.submit(slow)
        #expect(eventually { diary.read == ["begun"] })
        try engine.submit(job("2", by: "b", connection: 2))
        #expect(eventually { catalogue["b"].opened == 1 && engine.status.models.last?.loading?.stage == .waiting })
        try engine.submit(job("3", by: "a", connection: 3))
        #expect(eventually { diary.read == ["begun", "3 by a"] })
        room.isThere.store(true, ordering: .relaxed)
        engine.resume(slow.ticket)
        engine.drain()
        #expect(diary.read == ["begun", "3 by a", "ended", "2 by b"])
    }

    private final class Room: Sendable {
        let isThere = Atomic<Bool>(false)
    }

    @Test func `one that waits for room may leave, and nobody has gone for it`() throws {
        let engine = try narrow()
        let gate = Gate()
        try engine.submit(job("1", by: "a", run: gate.pass))
        _ = gate.entered.take()
        let other = job("2", by: "b", connection: 2)
        try engine.submit(other)
        #expect(eventually { catalogue["b"].opened == 1 && engine.status.models.last?.loading?.stage == .waiting })
        #expect(engine.withdraw(other.ticket) != nil)
        #expect(eventually { names(engine) == ["a"] })
        gate.open()
        try engine.submit(job("3", by: "a"))
        engine.drain()
        #expect(diary.read == ["1 by a", "3 by a"] && catalogue["a"].read == 1)
    }

    // MARK: Going

    @Test func `a model goes when its time is over, and asking for the status keeps none`() throws {
        let engine = try engine(keepAlive: .duration(.milliseconds(200)))
        try engine.submit(job("1", by: "a"))
        try engine.submit(job("2", by: "b", keepAlive: .forever))
        try engine.submit(job("3", by: "c", keepAlive: .duration(.zero)))
        #expect(eventually { diary.read.count == 3 })
        let start = SuspendingClock.now
        #expect(eventually { names(engine) == ["b"] })
        #expect(start.duration(to: .now) < .seconds(60))
        #expect(engine.status.models[0].kept == nil)
        try engine.submit(job("4", by: "a"))
        engine.drain()
        #expect(diary.read.last == "4 by a" && catalogue["a"].read == 2)
    }

    @Test func `who unloads hears when models have left, and which are in use`() throws {
        let engine = try engine()
        for name in ["a", "b"] { try engine.submit(job(name, by: name)) }
        #expect(eventually { diary.read.count == 2 })
        let gate = Gate()
        try engine.submit(job("busy", by: "b", run: gate.pass))
        _ = gate.entered.take()
        let (used, gone) = (Handover<[String]>(), Handover<[String]>())
        try engine.unload("b") { _, names in used.give(names) }
        #expect(used.take() == ["b"])
        try engine.unload("a") { names, _ in gone.give(names) }
        gate.open()
        #expect(gone.take() == ["a"])
        #expect(eventually { names(engine).isEmpty })
        let none = Handover<Int>()
        try engine.unload("a") { gone, used in none.give(gone.count + used.count) }
        #expect(none.take() == 0)
        #expect(throws: SegmentationError.self) { try engine.unload("x") { _, _ in } }
        engine.drain()
    }
}

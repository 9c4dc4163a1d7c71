import Foundation
import Kernels
import Networks
import Segmentation
import Support
import Synchronization
import Testing
import Texts

/// What the engine's thread wrote down, in order.
private final class Diary: Sendable {
    private let lines = Mutex<[String]>([])

    func write(_ line: String) { lines.withLock { $0.append(line) } }
    var read: [String] { lines.withLock(\.self) }
}

/// A job that writes its name, and whether it was cancelled.
private func job(_ name: String, owner: UInt32 = 1, connection: UInt64 = 1, _ diary: Diary) -> Job {
    Job(caller: Caller(owner: owner, connection: connection), needing: .odd, deadline: nil) { _, cancellation, _ in
        diary.write(isCancelled(cancellation) ? "\(name) cancelled" : name)
    } refuse: {
        diary.write("\(name) refused: \($0)")
    }
}

extension Job {
    /// One that nobody else's turn depends on.
    fileprivate init(_ run: @escaping @Sendable (Segmenter, Cancellation, Float) -> Void) {
        self.init(caller: Caller(owner: 1, connection: 1), needing: .odd, deadline: nil, run: run) { _ in }
    }
}

private func isCancelled(_ cancellation: Cancellation) -> Bool {
    (try? cancellation.check()) == nil
}

/// A job called "gate" that keeps the engine's thread until it is let go.
private struct Gate {
    private let opened = Handover<Bool>()

    /// Returns once the engine's thread is inside.
    init(_ engine: Engine, _ diary: Diary) throws {
        let entered = Handover<Bool>()
        try engine.submit(
            Job(caller: Caller(owner: 1, connection: 0), needing: .odd, deadline: nil) {
                [opened] _, cancellation, _ in
                entered.give(true)
                _ = opened.take()
                diary.write(isCancelled(cancellation) ? "gate cancelled" : "gate")
            } refuse: {
                diary.write("gate refused: \($0)")
            })
        _ = entered.take()
    }

    func open() { opened.give(true) }
}

/// A job of several steps, whose reader has room for so many of them.
private final class Steps: Sendable {
    let room = Atomic<Int>(0)
    private let taken = Atomic<Int>(0)

    func job(_ count: Int, _ diary: Diary) -> Job {
        Job(
            caller: Caller(owner: 1, connection: 1), needing: .odd, deadline: nil,
            hasRoom: { self.taken.load(ordering: .relaxed) < self.room.load(ordering: .relaxed) }
        ) { _, _, _ in
            diary.write("begin")
            return {
                let step = self.taken.add(1, ordering: .relaxed).oldValue
                diary.write("step \(step)")
                return step + 1 < count
            }
        } refuse: {
            diary.write("refused: \($0)")
        }
    }
}

extension ModelUse {
    fileprivate static let odd = ModelUse.needed(TestCatalogue.key("odd"), keepAlive: nil, progress: nil)
}

/// An engine whose one model is loaded.
private func engine(queueLimit: Int = 8) throws -> Engine {
    let engine = try Engine(
        EngineLimits(queue: queueLimit, memory: 1 << 40, keepAlive: .forever), threads: nil,
        catalogue: TestCatalogue(["odd": TestCatalogue.Entry()], standard: "odd")
    ) { _ in }
    try engine.loadStandardModel(keepAlive: nil, progress: nil)
    return engine
}

@Suite struct `the engine` {
    private let diary = Diary()

    @Test func `runs jobs one at a time in their order, on its own thread`() throws {
        let engine = try engine()
        let caller = pthread_self()
        let gate = try Gate(engine, diary)
        for name in ["a", "b", "c"] { try engine.submit(job(name, diary)) }
        try engine.submit(
            Job { _, _, waited in
                #expect(pthread_equal(pthread_self(), caller) == 0)
                #expect(waited > 0)
            })
        #expect(engine.status.queued == 4)
        #expect(diary.read.isEmpty)
        gate.open()
        engine.drain()
        #expect(diary.read == ["gate", "a", "b", "c"])
        #expect(engine.status.everybody.finished == 5)
        #expect(engine.status.queued == 0)
    }

    @Test func `shows whether its thread has work, and that it makes progress`() throws {
        let engine = try engine()
        #expect(eventually { engine.pulse.computing == nil && engine.pulse.loading == nil })
        let entered = [Handover<Cancellation>(), Handover<Cancellation>()]
        let opened = [Handover<Bool>(), Handover<Bool>()]
        for (entered, opened) in zip(entered, opened) {
            try engine.submit(
                Job { _, cancellation, _ in
                    entered.give(cancellation)
                    _ = opened.take()
                })
        }
        let cancellation = entered[0].take()
        let hung = try #require(engine.pulse.computing)
        #expect(engine.pulse.computing == hung, "nothing moves while the job hangs")
        try cancellation.check()
        let alive = try #require(engine.pulse.computing)
        #expect(alive != hung && alive.turns == hung.turns, "a layer was passed")
        opened[0].give(true)
        _ = entered[1].take()
        let next = try #require(engine.pulse.computing)
        #expect(next.turns > alive.turns, "that a job begins is progress")
        opened[1].give(true)
        #expect(eventually { engine.pulse.computing == nil })
        engine.drain()
    }

    @Test func `takes new limits while it serves`() throws {
        let engine = try engine()
        let gate = try Gate(engine, diary)
        for name in ["a", "b"] { try engine.submit(job(name, diary)) }
        engine.adopt(EngineLimits(queue: 1, memory: 1 << 41, keepAlive: .duration(.seconds(7))))
        let status = engine.status
        #expect((status.queueLimit, status.memoryLimit, status.keepAlive) == (1, 1 << 41, .duration(.seconds(7))))
        #expect(throws: SegmentationError.self) { try engine.submit(job("c", diary)) }
        gate.open()
        engine.drain()
        #expect(diary.read == ["gate", "a", "b"], "who waited already is answered")
    }

    @Test func `refuses at once what its queue has no room for, and says so`() throws {
        let engine = try engine(queueLimit: 2)
        let gate = try Gate(engine, diary)
        try engine.submit(job("a", diary))
        try engine.submit(job("b", diary))
        let error = #expect(throws: SegmentationError.self) { try engine.submit(job("c", diary)) }
        guard case .queueFull(limit: 2, let place) = error, place.position == 2 else { throw Disorder() }
        #expect("\(error, default: "")".contains("2 questions"))
        #expect((engine.status.refused, engine.status.queueLimit) == (1, 2))
        gate.open()
        engine.drain()
        #expect(diary.read == ["gate", "a", "b"])
    }

    @Test func `a job that is withdrawn leaves its place and its bytes at once`() throws {
        let engine = try engine(queueLimit: 2)
        let gate = try Gate(engine, diary)
        final class Picture: Sendable {}
        var picture: Picture? = Picture()
        weak let held = picture
        func abandoned() -> Job {
            Job { [picture, diary] _, _, _ in diary.write("\(picture != nil)") }
        }
        let tickets = try (0..<2).map { _ in
            let job = abandoned()
            try engine.submit(job)
            return job.ticket
        }
        picture = nil
        #expect(held != nil)
        for ticket in tickets { #expect(engine.withdraw(ticket) != nil) }
        #expect(held == nil)
        for ticket in tickets { #expect(engine.withdraw(ticket) == nil) }
        #expect(engine.status.queued == 0)
        try engine.submit(job("c", diary))
        try engine.submit(job("d", diary))
        #expect(throws: SegmentationError.self) { try engine.submit(job("e", diary)) }
        gate.open()
        engine.drain()
        #expect(diary.read == ["gate", "c", "d"])
    }

    /// Of so many some are withdrawn just when their turn comes.
    @Test func `jobs that are withdrawn at any moment leave an engine that serves`() throws {
        let engine = try engine(queueLimit: 8)
        let diary = Diary()
        let callers = (0..<4 as Range<UInt64>).map { connection in
            let isDone = Handover<Bool>()
            Thread.detachNewThread {
                for _ in 0..<20_000 {
                    let job = job("brief", connection: connection, diary)
                    // A full queue refuses, and an engine that ended.
                    try? engine.submit(job)
                    _ = engine.withdraw(job.ticket)
                }
                isDone.give(true)
            }
            return isDone
        }
        for caller in callers { #expect(caller.take()) }
        let last = Handover<Bool>()
        try engine.submit(Job { _, _, _ in last.give(true) })
        #expect(last.take())
        engine.drain()
    }

    @Test func `a withdrawn job that runs is told so`() throws {
        let engine = try engine()
        let (entered, seen) = (Handover<Bool>(), Handover<Bool>())
        let job = Job { _, cancellation, _ in
            entered.give(true)
            while !isCancelled(cancellation) { usleep(1000) }
            seen.give(true)
        }
        try engine.submit(job)
        _ = entered.take()
        #expect(engine.withdraw(job.ticket) == nil, "it does not wait")
        #expect(seen.take())
    }

    @Test func `users take turns, and connections of one user, whoever brings many`() throws {
        let engine = try engine(queueLimit: 16)
        let gate = try Gate(engine, diary)
        for name in ["a", "b", "c"] { try engine.submit(job(name, connection: 1, diary)) }
        try engine.submit(job("d", connection: 2, diary))
        try engine.submit(job("e", owner: 2, connection: 3, diary))
        gate.open()
        engine.drain()
        #expect(diary.read == ["gate", "a", "e", "d", "b", "c"])
    }

    @Test func `in a full queue who has most gives way, newest first, and is told`() throws {
        let engine = try engine(queueLimit: 3)
        let gate = try Gate(engine, diary)
        for name in ["a", "b", "c"] { try engine.submit(job(name, connection: 1, diary)) }
        try engine.submit(job("d", connection: 2, diary))
        #expect(diary.read.count == 1)
        #expect(diary.read[0].hasPrefix("c refused: 3 questions"))
        #expect(throws: SegmentationError.self) { try engine.submit(job("e", connection: 2, diary)) }
        #expect((engine.status.refused, engine.status.queued) == (2, 3))
        gate.open()
        engine.drain()
        #expect(Array(diary.read.dropFirst()) == ["gate", "a", "d", "b"])
    }

    @Test func `a job that goes on keeps nobody's newest job in a full queue`() throws {
        let engine = try engine(queueLimit: 2)
        let steps = Steps()
        let slow = steps.job(1, diary)
        try engine.submit(slow)
        let gate = try Gate(engine, diary)
        try engine.submit(job("a", connection: 1, diary))
        steps.room.store(1, ordering: .relaxed)
        engine.resume(slow.ticket)
        try engine.submit(job("b", owner: 2, connection: 2, diary))
        #expect(diary.read.count == 2)
        #expect(diary.read.last?.hasPrefix("a refused: 2 questions") == true)
        gate.open()
        engine.drain()
        #expect(Set(diary.read.suffix(2)) == ["step 0", "b"])
    }

    @Test func `finishes what it accepted before it stops, and takes nothing more`() throws {
        let engine = try engine(queueLimit: 1 << 16)
        let gate = try Gate(engine, diary)
        try engine.submit(job("a", diary))
        let drained = Handover<Bool>()
        Thread.detachNewThread {
            engine.drain()
            drained.give(true)
        }
        var accepted = ["gate", "a"]
        var refusal: SegmentationError?
        while refusal == nil {
            usleep(1000)  // until the other thread has begun to drain
            do throws(SegmentationError) {
                try engine.submit(job("late", diary))
                accepted.append("late")
            } catch {
                refusal = error
            }
        }
        guard case .stopping = refusal else { throw Disorder() }
        gate.open()
        #expect(drained.take())
        #expect(diary.read == accepted)
        #expect(throws: SegmentationError.self) { try engine.submit(job("later", diary)) }
        engine.drain()
        #expect(diary.read == accepted)
    }

    @Test func `a job that finds no room waits beside the queue, and goes on when there is some`() throws {
        let engine = try engine()
        let steps = Steps()
        let slow = steps.job(5, diary)
        try engine.submit(slow)
        try engine.submit(job("other", connection: 2, diary))
        #expect(eventually { diary.read == ["begin", "other"] })
        #expect(engine.status.queued == 0)
        engine.resume(slow.ticket)
        steps.room.store(2, ordering: .relaxed)
        engine.resume(slow.ticket)
        #expect(eventually { diary.read.count == 4 })
        try engine.submit(job("another", connection: 3, diary))
        #expect(eventually { diary.read == ["begin", "other", "step 0", "step 1", "another"] })
        steps.room.store(9, ordering: .relaxed)
        engine.resume(slow.ticket)
        engine.drain()
        #expect(diary.read.suffix(3) == ["step 2", "step 3", "step 4"])
        #expect(engine.status.everybody.finished == 3)
    }

    @Test func `a job that is withdrawn while it waits for room leaves nothing behind`() throws {
        let engine = try engine()
        var steps: Steps? = Steps()
        weak let kept = steps
        let ticket = try {
            let slow = try #require(steps).job(5, diary)
            try engine.submit(slow)
            return slow.ticket
        }()
        steps = nil
        #expect(eventually { diary.read == ["begin"] })
        #expect(kept != nil)
        _ = engine.withdraw(ticket)
        #expect(eventually { kept == nil })
        engine.resume(ticket)
        engine.drain()
        #expect(diary.read == ["begin"])
    }

    @Test func `answers as the segmenter does, and tells of its model and memory`() throws {
        let engine = try engine()
        let request = try RequestBuilder("dog").request()
        let answered = Handover<String>()
        try engine.submit(
            Job { segmenter, cancellation, waited in
                var hash = ""
                try? segmenter.segment(request, owner: 1, cancellation: cancellation, queueMilliseconds: waited) {
                    if case .report(let report) = $0 { hash = report.answerHash }
                }
                answered.give(hash)
            })
        let segmenter = try Fixture.segmenter(Fixture.odd)
        let expected = try segmenter.ask(RequestBuilder("dog"))
        #expect(answered.take() == expected.report.answerHash)
        engine.drain()
        let status = engine.status
        let model = try #require(status.models.first?.networks.first)
        #expect((model.name, model.hash) == ("odd", segmenter.model.hash))
        #expect(model.bytes == segmenter.model.weightBytes && model.bytes > 0)
        #expect((model.precision, status.instructionSet) == ("f32", InstructionSet.chosen.rawValue))
        #expect(status.blas == BLAS.name)
        #expect((status.everybody.memory.pictures, status.everybody.memory.words) == (1, 2))
        #expect(status.everybody.memory.picturesBytes == segmenter.workspace.memory.picturesBytes)
    }
}

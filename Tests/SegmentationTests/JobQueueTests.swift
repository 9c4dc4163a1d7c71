import Segmentation
import Support
import Synchronization
import Testing

/// What befalls the jobs of an engine, without its thread.
@Suite("a job queue") struct JobQueueTests {
    /// A job's room, which comes and goes.
    private final class Room: Sendable {
        let isThere = Atomic<Bool>(true)
    }

    private func job(_ connection: UInt64, room: Room = Room()) -> Job {
        Job(
            caller: Caller(owner: UInt32(connection % 2), connection: connection),
            needing: .needed(TestCatalogue.key("odd"), keepAlive: nil, progress: nil), deadline: nil
        ) {
            room.isThere.load(ordering: .relaxed)
        } begin: { _, _, _ in
            nil
        } refuse: { _ in
        }
    }

    @Test func `with no room waits beside the others until it is resumed`() throws {
        var queue = JobQueue(limit: 2)
        let room = Room()
        let slow = job(1, room: room)
        #expect(try queue.append(slow, at: .now) == nil)
        guard case .run(let entry)? = queue.next(where: { _ in true }) else { throw SegmentationError.stopping }
        #expect(!entry.hasBegun)
        room.isThere.store(false, ordering: .relaxed)
        queue.putBack(entry)
        #expect(!queue.hasTurn(where: { _ in true }) && !queue.isDone && queue.count == 0)
        // Its place is free meanwhile, and it comes before what came later on its connection.
        for _ in 0..<2 { #expect(try queue.append(job(1), at: .now) == nil) }
        queue.resume(slow.ticket)
        queue.resume(slow.ticket)
        #expect(queue.count == 3)
        guard case .run(let again)? = queue.next(where: { _ in true }) else { throw SegmentationError.stopping }
        #expect(again.id == slow.ticket.id && again.hasBegun)
    }

    /// Every job that was taken ends once: it is done, it gives way, or it is withdrawn; of one that had begun the
    /// engine is told to forget what is left.
    @Test(arguments: 1...30) func `loses no job, and keeps none that is gone`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var queue = JobQueue(limit: 5)
        var rooms: [ObjectIdentifier: Room] = [:]
        var living: [ObjectIdentifier: Job] = [:]
        var begun: Set<ObjectIdentifier> = []
        func pick() -> Job? {
            living.values.sorted { $0.caller.connection < $1.caller.connection }.randomElement(using: &random)
        }
        for _ in 0..<400 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let room = Room()
                let job = job(.random(in: 0..<6, using: &random), room: room)
                do throws(SegmentationError) {
                    if let displaced = try queue.append(job, at: .now) {
                        #expect(living.removeValue(forKey: displaced.ticket.id) != nil)
                        #expect(!begun.contains(displaced.ticket.id), "one that has begun keeps its place")
                    }
                    (living[job.ticket.id], rooms[job.ticket.id]) = (job, room)
                } catch {
                    guard case .queueFull(limit: 5, let place) = error, queue.count >= 5 else { throw error }
                    #expect(place == queue.place(for: job.caller))
                }
            case 2:
                switch queue.next(where: { _ in true }) {
                case nil: #expect(!queue.hasTurn(where: { _ in true }))
                case .forget(let tickets):
                    let gone = Set(tickets.map(\.id))
                    #expect(gone.isSubset(of: begun) && gone.allSatisfy { living[$0] == nil })
                    begun.subtract(gone)
                case .run(let entry):
                    #expect(living[entry.id] != nil && entry.hasBegun == begun.contains(entry.id))
                    guard Bool.random(using: &random) else {
                        (living[entry.id], rooms[entry.id]) = (nil, nil)
                        begun.remove(entry.id)
                        break
                    }
                    rooms[entry.id]?.isThere.store(.random(using: &random), ordering: .relaxed)
                    begun.insert(entry.id)
                    queue.putBack(entry)
                }
            case 3:
                guard let job = pick() else { break }
                rooms[job.ticket.id]?.isThere.store(true, ordering: .relaxed)
                queue.resume(job.ticket)
            default:
                guard let job = pick() else { break }
                #expect(queue.withdraw(job.ticket)?.ticket.id == job.ticket.id)
                #expect(queue.withdraw(job.ticket) == nil)
                living[job.ticket.id] = nil
            }
        }
        for job in living.values { queue.resume(job.ticket) }
        while let turn = queue.next(where: { _ in true }) {
            switch turn {
            case .forget(let gone): begun.subtract(gone.map(\.id))
            case .run(let entry):
                #expect(living.removeValue(forKey: entry.id) != nil)
                begun.remove(entry.id)
            }
        }
        #expect(living.isEmpty && begun.isEmpty && queue.isDone)
    }

    @Test func `tells how long its jobs take, by what the last ones took`() throws {
        var queue = JobQueue(limit: 100)
        #expect(queue.place(for: Caller(owner: 0, connection: 0)) == QueuePlace(position: 0, wait: .zero))
        for milliseconds in [1000] + Array(repeating: 20, count: 31) + [40] {
            #expect(try queue.append(job(1), at: .now) == nil)
            guard case .run(var entry)? = queue.next(where: { _ in true }) else { throw SegmentationError.stopping }
            entry.spent = .milliseconds(milliseconds)
            queue.noteEnd(of: entry)
        }
        for _ in 0..<3 { #expect(try queue.append(job(2), at: .now) == nil) }
        // 31 of 20 ms and one of 40: the first is forgotten.
        let place = queue.place(for: Caller(owner: 0, connection: 2))
        #expect(place.position == 3 && abs(place.wait / .milliseconds(1) - 3 * 20.625) < 1e-3)
        #expect(queue.place(for: Caller(owner: 1, connection: 1)).position == 1)
    }
}

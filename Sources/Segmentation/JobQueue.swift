import Networks

/// The jobs that an engine has not done: those that wait for their turn, by users and connections, and those that have
/// begun and wait for room. A value without a clock or a thread: who owns it locks it.
package struct JobQueue {
    /// A job with what the engine needs to know of it.
    package struct Entry {
        package let job: Job
        /// When it came.
        let since: ContinuousClock.Instant
        package fileprivate(set) var hasBegun = false

        /// No two jobs that live have the same.
        package var id: ObjectIdentifier { job.ticket.id }
    }

    /// What to do next.
    package enum Turn {
        case run(Entry)
        /// Nothing is left to do of these jobs, which have begun and were withdrawn.
        case forget([Job.Ticket])
    }

    /// How many jobs may wait for their turn.
    package let limit: Int
    private var waiting = FairQueue<Entry>()
    /// Jobs that have begun and wait for room.
    private var parked: [ObjectIdentifier: Entry] = [:]
    /// Of jobs that were withdrawn after they had begun. While a ticket lives, no new job has its identity.
    private var withdrawn: [Job.Ticket] = []

    package init(limit: Int) {
        self.limit = limit
    }

    /// Jobs that wait for their turn.
    package var count: Int { waiting.count }
    /// Whether a turn is to be given.
    package var hasTurn: Bool { !waiting.isEmpty || !withdrawn.isEmpty }
    /// Whether nothing is left to do, now or later.
    package var isDone: Bool { !hasTurn && parked.isEmpty }

    /// Lets a job wait for its turn; in a full queue whoever has most there gives way to whoever has less.
    ///
    /// - Returns: the job that gave way, if one did
    /// - Throws: `queueFull`
    package mutating func append(_ job: Job, at time: ContinuousClock.Instant) throws(SegmentationError) -> Job? {
        var displaced: Entry?
        if waiting.count >= limit {
            displaced = waiting.makeRoom(for: job.caller) { !$0.hasBegun }
            guard displaced != nil else { throw .queueFull(limit: limit) }
        }
        waiting.append(Entry(job: job, since: time), from: job.caller)
        return displaced?.job
    }

    /// Takes a job out, if it is here.
    package mutating func withdraw(_ ticket: Job.Ticket) -> Job? {
        let entry = parked.removeValue(forKey: ticket.id) ?? waiting.removeAll { $0.id == ticket.id }.first
        if let entry, entry.hasBegun { withdrawn.append(ticket) }
        return entry?.job
    }

    /// Lets a job that waits for room have its turn, if it does.
    package mutating func resume(_ ticket: Job.Ticket) {
        guard let entry = parked.removeValue(forKey: ticket.id) else { return }
        waiting.putBack(entry, from: entry.job.caller)
    }

    /// Lets a job wait that has had a turn and is not done.
    package mutating func putBack(_ entry: Entry) {
        var entry = entry
        entry.hasBegun = true
        if entry.job.cancellation.isCancelled {
            withdrawn.append(entry.job.ticket)
        } else if entry.job.hasRoom() {
            waiting.putBack(entry, from: entry.job.caller)
        } else {
            // Whoever makes room from here on finds the job here, and resumes it.
            parked[entry.id] = entry
        }
    }

    /// Takes the next turn; `nil` where none is to be given.
    package mutating func next() -> Turn? {
        guard withdrawn.isEmpty else {
            defer { withdrawn = [] }
            return .forget(withdrawn)
        }
        return waiting.popFirst().map(Turn.run)
    }
}

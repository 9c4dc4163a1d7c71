import Networks

/// Where a job stands in the queue, or would.
package struct QueuePlace: Sendable, Equatable {
    /// How many jobs have their turn before, if no more come.
    package let position: Int
    /// How long these take, by what the last ones took.
    package let wait: Duration

    package init(position: Int, wait: Duration) {
        (self.position, self.wait) = (position, wait)
    }
}

/// The jobs that an engine has not finished: those that wait for their turn, in a fair queue, and those parked until
/// their client has read enough. A value without clock, thread or lock: its owner synchronizes access.
package struct JobQueue {
    /// A job, the time it was enqueued, and whether it has begun.
    package struct Entry {
        package let job: Job
        /// When it was enqueued.
        package let since: SuspendingClock.Instant
        package fileprivate(set) var hasBegun = false
        /// The time of its turns so far.
        package var spent = Duration.zero

        /// Unique among jobs whose tickets are alive.
        package var id: ObjectIdentifier { job.ticket.id }
    }

    /// The next action of the engine's thread.
    package enum Turn {
        case run(Entry)
        /// Release the continuations of these jobs: they have begun and were withdrawn.
        case forget([Job.Ticket])
    }

    /// How many jobs may wait for their turn.
    package var limit: Int
    private var waiting = FairQueue<Entry>()
    /// Jobs that have begun and wait until there is room for their next step.
    private var parked: [ObjectIdentifier: Entry] = [:]
    /// What the last jobs took of the engine's thread: as many as a mean needs, and no more, as what is asked for
    /// changes.
    private var services = Latencies(keeping: 32)
    /// Tickets of jobs that were withdrawn after they had begun. They live until `next` hands them out, so that no new
    /// job gets the same `ObjectIdentifier`.
    private var withdrawn: [Job.Ticket] = []

    package init(limit: Int) {
        self.limit = limit
    }

    /// Jobs that wait for their turn.
    package var count: Int { waiting.count }
    /// Whether no job waits or is parked, and no withdrawn one is left to release.
    package var isDone: Bool { waiting.isEmpty && withdrawn.isEmpty && parked.isEmpty }
    /// Whether jobs wait until their client has read enough.
    package var hasParked: Bool { !parked.isEmpty }
    /// All jobs, in no particular order.
    package var entries: [Entry] { waiting.elements + parked.values }

    /// Whether `next` would return a turn.
    package func hasTurn(where isReady: (Entry) -> Bool) -> Bool {
        !withdrawn.isEmpty || waiting.elements.contains(where: isReady)
    }

    /// Enqueues a job. In a full queue the caller with most jobs loses its newest to a caller with fewer.
    ///
    /// - Returns: the job that gave way, if one did
    /// - Throws: `queueFull`
    package mutating func append(_ job: Job, at time: SuspendingClock.Instant) throws(SegmentationError) -> Job? {
        var displaced: Entry?
        if waiting.count >= limit {
            displaced = waiting.makeRoom(for: job.caller) { !$0.hasBegun }
            guard displaced != nil else { throw .queueFull(limit: limit, place(for: job.caller)) }
        }
        waiting.append(Entry(job: job, since: time), from: job.caller)
        return displaced?.job
    }

    /// Where a new job of a caller would stand.
    package func place(for caller: Caller) -> QueuePlace {
        let position = waiting.position(for: caller)
        return QueuePlace(position: position, wait: .milliseconds(Double(services.mean) * Double(position)))
    }

    /// What a job takes, by the last ones.
    package var meanService: Duration { .milliseconds(Double(services.mean)) }

    /// A job is done.
    package mutating func noteEnd(of entry: Entry) { services.add(entry.spent.milliseconds) }

    /// Whether a job of another user waits for its turn.
    package func hasTurn(forOthersThan owner: UInt32, where isReady: (Entry) -> Bool) -> Bool {
        waiting.elements.contains { $0.job.caller.owner != owner && isReady($0) }
    }

    /// Removes a job that waits or is parked; `nil` where it is neither.
    package mutating func withdraw(_ ticket: Job.Ticket) -> Job? {
        let entry = parked.removeValue(forKey: ticket.id) ?? waiting.removeAll { $0.id == ticket.id }.first
        if let entry, entry.hasBegun { withdrawn.append(ticket) }
        return entry?.job
    }

    /// Moves a parked job back to the fair queue. Does nothing to any other job.
    package mutating func resume(_ ticket: Job.Ticket) {
        guard let entry = parked.removeValue(forKey: ticket.id) else { return }
        waiting.putBack(entry, from: entry.job.caller)
    }

    /// Takes back a job that has had a turn and is not done: into the fair queue, parked where it has no room, or to be
    /// released where it was cancelled.
    package mutating func putBack(_ entry: Entry) {
        var entry = entry
        entry.hasBegun = true
        if entry.job.cancellation.isCancelled {
            withdrawn.append(entry.job.ticket)
        } else if entry.job.hasRoom() {
            waiting.putBack(entry, from: entry.job.caller)
        } else {
            // `hasRoom` is called and the job parked under one lock, so no `resume` is lost between the two.
            parked[entry.id] = entry
        }
    }

    /// Removes the jobs that wait for a model.
    package mutating func removeAll(needing model: ModelKey) -> [Job] {
        waiting.removeAll { !$0.hasBegun && $0.job.use.isNeeded && $0.job.use.key == model }.map(\.job)
    }

    /// Dequeues the next turn; `nil` where no job is ready: one waits for its model, perhaps.
    package mutating func next(where isReady: (Entry) -> Bool) -> Turn? {
        guard withdrawn.isEmpty else {
            defer { withdrawn = [] }
            return .forget(withdrawn)
        }
        return waiting.popFirst(where: isReady).map(Turn.run)
    }
}

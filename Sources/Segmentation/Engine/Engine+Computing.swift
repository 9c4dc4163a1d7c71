import Glibc
import Kernels
import Networks
import Texts

/// The computing thread.
extension Engine {
    /// The time without a job after which scratch memory goes back to the system. It is kept until then, since the next
    /// request would fault its pages in again, zeroed by the kernel (0.1 s and more for a pass).
    private static let restAfter = Duration.seconds(5)

    /// The time after which a job yields to another user's: a new picture with twenty words takes less, so that two of
    /// these are not computed at the same time, both of them late.
    private static let turnBesideOthers = Duration.seconds(5)

    /// The time after which it yields to any other that waits: its own user's gain nothing by more turns.
    private static let longestTurn = Duration.seconds(10)

    /// What the thread does next.
    private enum Turn {
        case job(JobQueue.Turn)
        case receive([Arrival])
        case release([ModelKey])
        /// The models take other room than before.
        case fit
        case rest
    }

    /// What belongs to the thread alone.
    private struct Desk {
        let workspace: Workspace
        var segmenters: [ModelKey: Segmenter] = [:]
        /// The continuations of jobs that have begun.
        var begun: [ObjectIdentifier: Job.Continuation] = [:]
        /// When scratch memory goes back; `nil`: it has.
        var rest: SuspendingClock.Instant?
    }

    func compute() {
        do throws(AddressSpaceError) {
            var desk = Desk(workspace: try Workspace(limits: .standard))
            locked { enter(.serving) }
            fit(desk)
            serve(&desk)
        } catch {
            locked { startingError = error }
        }
        locked { enter(.stopped) }
        bidFarewell(to: [])
    }

    private func serve(_ desk: inout Desk) {
        while let turn = nextTurn(orRestAt: desk.rest) {
            switch turn {
            case .receive(let arrivals): for arrival in arrivals { receive(arrival, &desk) }
            case .release(let models): release(models, &desk)
            case .fit: fit(desk)
            case .rest:
                desk.workspace.rest()
                desk.rest = nil
            case .job(.forget(let withdrawn)): for ticket in withdrawn { desk.begun[ticket.id] = nil }
            case .job(.run(let entry)): run(entry, &desk)
            }
        }
    }

    /// Gives a job its turn.
    private func run(_ entry: JobQueue.Entry, _ desk: inout Desk) {
        let start = SuspendingClock.now
        var entry = entry
        let job = entry.job
        // Whatever it is, it reads a picture first.
        if !entry.hasBegun { job.cancellation.stage = AnswerStage.decode.rawValue }
        locked { noteUse(entry) }
        var rest =
            desk.begun.removeValue(forKey: entry.id)
            ?? job.begin(
                desk.segmenters[job.use.key], desk.workspace, job.cancellation,
                entry.since.duration(to: start).milliseconds)
        while let step = rest, job.hasRoom(), mayGoOn(job.caller, since: start) {
            if !step() { rest = nil }
            job.cancellation.beat()
        }
        entry.spent += start.duration(to: .now)
        if let rest { desk.begun[entry.id] = rest }
        desk.rest = .now + Self.restAfter
        note(desk)
        locked {
            running = nil
            noteUse(entry)
            if rest != nil { return queue.putBack(entry) }
            if job.use.isCall {
                queue.noteEnd(of: entry)
                finished[job.caller.owner, default: 0] += 1
            }
            if job.use.isNeeded, job.use.isCall { shelf.noteEnd(of: job.use.key, since: entry.since, at: .now) }
            wake()
        }
    }

    /// Whether a job that could go on keeps its turn.
    private func mayGoOn(_ caller: Caller, since start: SuspendingClock.Instant) -> Bool {
        let time = start.duration(to: .now)
        if time < Self.turnBesideOthers { return true }
        return locked {
            time < Self.longestTurn ? !queue.hasTurn(forOthersThan: caller.owner, where: isReady) : !hasTurn
        }
    }

    /// The time for which a job's model is kept begins anew. Under the lock.
    private func noteUse(_ entry: JobQueue.Entry) {
        let (use, owner) = (entry.job.use, entry.job.caller.owner)
        guard use.isNeeded else { return }
        shelf.use(use.key, by: owner, keepAlive: use.keepAlive, since: entry.since, at: .now)
    }

    // MARK: Models

    /// Makes a model's segmenter.
    private func receive(_ arrival: Arrival, _ desk: inout Desk) {
        do throws(AddressSpaceError) {
            let segmenter = try Segmenter(arrival.pipeline, workspace: desk.workspace)
            desk.segmenters[arrival.key] = segmenter
            locked {
                shelf.arrive(
                    arrival.key, hashes: [segmenter.model.hash] + segmenter.model.hashAliases,
                    networks: segmenter.loaded, latentSizes: segmenter.model.latentSizes, at: .now)
                wake()
            }
            observe(.loaded(arrival.key.name.text, after: arrival.began.duration(to: .now)))
        } catch {
            arrival.pipeline.letGo()
            fail(arrival.key, LoadFailure(arrival.key, error))
        }
        fit(desk)
    }

    /// Lets go of models, and of what only they could use.
    private func release(_ models: [ModelKey], _ desk: inout Desk) {
        for model in models { desk.segmenters.removeValue(forKey: model)?.letGo() }
        desk.workspace.forget(everythingBut: Set(desk.segmenters.values.flatMap(\.networks)))
        // Less than before: that cannot fail.
        try? desk.workspace.reserve(scratchBytes: desk.segmenters.values.map(\.scratchBytes).max() ?? 0)
        if desk.segmenters.isEmpty { desk.workspace.rest() }
        fit(desk)
        Heap.trim()
        locked {
            for model in models { shelf.remove(model) }
            wake()
        }
        bidFarewell(to: models)
        for model in models { observe(.left(model.name.text)) }
    }

    /// Tells those who wait for it that models have left; at the engine's end, all.
    private func bidFarewell(to models: [ModelKey]) {
        let told = locked {
            for place in farewells.indices { farewells[place].models.subtract(models) }
            let told = farewells.filter { $0.models.isEmpty || phase == .stopped }
            farewells.removeAll { $0.models.isEmpty || phase == .stopped }
            return told
        }
        for farewell in told { farewell.done() }
    }

    /// Gives the caches what the models leave.
    private func fit(_ desk: Desk) {
        let left = locked {
            fitted = shelf.bytes
            return shelf.limit - fitted
        }
        let memory = desk.workspace.memory
        let held = memory.picturesBytes + memory.wordsBytes
        desk.workspace.limit(to: MemoryLimits.standard.fitting(held: held).within(left))
        note(desk)
    }

    /// Takes down what is cached, for ``status``.
    private func note(_ desk: Desk) {
        let workspace = desk.workspace
        var memory = workspace.memory
        for segmenter in desk.segmenters.values { memory.add(texts: segmenter.textsMemory) }
        let users = workspace.owners.map { owner in
            var memory = workspace.memory(of: owner)
            for segmenter in desk.segmenters.values { memory.add(texts: segmenter.textsMemory(of: owner)) }
            return (owner, memory)
        }
        let limits = workspace.limits
        let filters = desk.segmenters.values.count { $0.filter != nil }
        let words = limits.words + filters * LabelFilter.memoryLimit
        locked { cached = (memory, Dictionary(uniqueKeysWithValues: users), limits, words) }
    }

    // MARK: Under the lock

    /// Whether a job's model is there, or the job goes on without. While there is no room for an earlier one's, no
    /// later one begins, so that models in use come to an end; unless jobs whose reader is slow keep them in use
    /// anyway.
    private var isReady: (JobQueue.Entry) -> Bool {
        // Read now: the queue asks while it changes, when nobody else may read it (exclusive access).
        let (shelf, gate) = (shelf, queue.hasParked ? nil : crowded)
        return { entry in
            let use = entry.job.use
            if entry.hasBegun || !use.isNeeded { return true }
            guard shelf.isLoaded(use.key) else { return false }
            return gate.map { entry.since < $0 } ?? true
        }
    }

    private var departing: [ModelKey] { shelf.departing(at: .now, inUse: isInUse) }

    /// Whether there is something else to do than the job that runs.
    private var hasTurn: Bool { !arrivals.isEmpty || !departing.isEmpty || queue.hasTurn(where: isReady) }

    private var turn: Turn? {
        if !arrivals.isEmpty {
            defer { arrivals = [] }
            return .receive(arrivals)
        }
        let departing = departing
        if !departing.isEmpty { return .release(departing) }
        if shelf.bytes != fitted { return .fit }
        guard let turn = queue.next(where: isReady) else { return nil }
        if case .run(let entry) = turn { running = entry }
        return .job(turn)
    }

    /// Waits for the next turn and dequeues it under the same lock: a later `withdraw` finds its job begun.
    ///
    /// - Returns: `nil` when the engine drains and all jobs are done
    private func nextTurn(orRestAt rest: SuspendingClock.Instant?) -> Turn? {
        locked {
            computing.pause()
            while phase == .serving || !queue.isDone {
                if let turn {
                    computing.begin()
                    return turn
                }
                if let rest, SuspendingClock.now >= rest { return .rest }
                wait(until: [rest, shelf.nextDeparture(inUse: isInUse)].compactMap(\.self).min())
            }
            return nil
        }
    }
}

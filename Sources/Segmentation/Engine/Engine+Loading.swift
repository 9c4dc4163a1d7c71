import Networks
import Synchronization

/// The loading thread: it loads one model after the other, as long as jobs wait for them.
///
/// Each failure is told to all jobs that wait for the model then; the next job that names it has it tried again.
extension Engine {
    func load() {
        while let model = nextWanted() { load(model) }
    }

    /// Waits for a job whose model is neither loaded nor leaving, and begins to load that; `nil` when the engine stops.
    private func nextWanted() -> ModelKey? {
        locked {
            loading.pause()
            while phase != .stopped {
                if let key = waiting.map(\.job.use.key).first(where: { shelf[$0] == nil }) {
                    shelf.begin(key, at: .now)
                    loading.begin()
                    return key
                }
                wait()
            }
            return nil
        }
    }

    private func load(_ model: ModelKey) {
        // Nobody waits any longer: that is no failure.
        let isAbandoned = AtomicFlag()
        let began = SuspendingClock.now
        do {
            tell(model, .opening)
            let opened = try catalogue.open(model)
            guard try takeRoom(for: model, opened) else { return locked { shelf.remove(model) } }
            tell(model, .reading)
            let pipeline = try read(opened, as: model, isAbandoned)
            locked {
                arrivals.append(Arrival(key: model, began: began, pipeline: pipeline))
                wake()
            }
        } catch {
            guard !isAbandoned.isSet else { return locked { shelf.remove(model) } }
            fail(model, LoadFailure(model, error))
        }
    }

    private func read(
        _ opened: OpenedModel, as model: ModelKey, _ isAbandoned: AtomicFlag
    ) throws -> Pipeline {
        try opened.read { [self] bytes, total in
            tell(model, .reading, bytes: bytes, of: total)
        } _: { [self] in
            pieces.beat()
            if isWanted(model) { return true }
            isAbandoned.set()
            return false
        }
    }

    /// Waits until there is room for a model, and takes it.
    ///
    /// - Returns: `false` where nobody waits for it any longer
    /// - Throws: `MemoryShortage`
    private func takeRoom(for model: ModelKey, _ opened: OpenedModel) throws(MemoryShortage) -> Bool {
        defer { locked { crowded = nil } }
        if let taken = try room(for: model, opened, waits: false) { return taken }
        tell(model, .waiting)
        return try room(for: model, opened, waits: true) ?? false
    }

    /// - Returns: as ``takeRoom(for:_:)``; `nil` where it would have to wait and does not
    private func room(for model: ModelKey, _ opened: OpenedModel, waits: Bool) throws(MemoryShortage) -> Bool? {
        try locked { () -> Result<Bool?, MemoryShortage> in
            Result { () throws(MemoryShortage) in
                while true {
                    let hasRoom = try shelf.takeRoom(
                        for: model, weightBytes: opened.weightBytes, scratchBytes: opened.scratchBytes, inUse: isInUse)
                    if hasRoom { return true }
                    guard let first = first(waitingFor: model), phase != .stopped else { return false }
                    crowded = first.since
                    wake()
                    guard waits else { return nil }
                    loading.pause()
                    wait()
                    loading.begin()
                }
            }
        }.get()
    }

    /// Tells all who wait for a model why it is not loaded.
    func fail(_ model: ModelKey, _ failure: LoadFailure) {
        let jobs = locked {
            shelf.remove(model)
            let jobs = queue.removeAll(needing: model)
            for job in jobs where job.use.isCall { finished[job.caller.owner, default: 0] += 1 }
            wake()
            return jobs
        }
        observe(.failed(failure))
        for job in jobs { job.refuse(.notLoaded(failure)) }
    }

    /// Tells all who wait for a model how far it is.
    private func tell(_ model: ModelKey, _ stage: LoadingState.Stage, bytes: Int = 0, of totalBytes: Int = 0) {
        let state = LoadingState(model, stage, bytes: bytes, of: totalBytes)
        let waiting = locked {
            shelf.advance(model, to: state)
            return queue.entries.filter { $0.job.use.key == model }.compactMap(\.job.use.progress)
        }
        for progress in waiting { progress(state) }
    }

    private func isWanted(_ model: ModelKey) -> Bool {
        locked { phase != .stopped && first(waitingFor: model) != nil }
    }

    /// Under the lock.
    private func first(waitingFor model: ModelKey) -> JobQueue.Entry? { waiting.first { $0.job.use.key == model } }
}

/// A flag that any thread may set, once.
package final class AtomicFlag: Sendable {
    private let value = Atomic<Bool>(false)

    package init() {}

    package var isSet: Bool { value.load(ordering: .relaxed) }

    package func set() { value.store(true, ordering: .relaxed) }
}

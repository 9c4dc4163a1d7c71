import Synchronization

/// How far a reading is: counted on all threads, and told at each percent.
final class ReadingProgress: Sendable {
    private let total: Int
    private let tell: @Sendable (_ done: Int, _ total: Int) -> Void
    private let done = Atomic(0)
    /// The most that was told. Locked while it is told: threads that pass a percent each would overtake one another.
    private let told = Mutex(0)

    /// Tells that nothing is done.
    ///
    /// - Parameters:
    ///   - total: bytes
    ///   - tell: called on any thread, by one at a time
    init(of total: Int, _ tell: @escaping @Sendable (_ done: Int, _ total: Int) -> Void) {
        (self.total, self.tell) = (total, tell)
        tell(0, total)
    }

    func add(_ bytes: Int) {
        let (before, now) = done.add(bytes, ordering: .relaxed)
        // That all is done is told once it is known to be right.
        guard percent(now) > percent(before), now < total else { return }
        told.withLock { told in
            guard now > told else { return }
            told = now
            tell(now, total)
        }
    }

    /// Tells that all is done.
    func finish() {
        tell(total, total)
    }

    private func percent(_ bytes: Int) -> Double { (100 * Double(bytes) / Double(total)).rounded(.down) }
}

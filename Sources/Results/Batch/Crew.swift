import Glibc
import Synchronization

/// Threads that work through a list together, until it is empty or an item fails.
package final class Crew<Item: Sendable>: Sendable {
    /// The first item that failed for good, and why.
    package struct Failure: Error {
        package let item: Item
        package let reason: any Error

        package init(_ item: Item, _ reason: any Error) { (self.item, self.reason) = (item, reason) }
    }

    private struct State {
        var waiting: ArraySlice<Item>
        var failure: Failure?
    }

    private let state: Mutex<State>

    package init(_ items: [Item]) { state = Mutex(State(waiting: items[...])) }

    /// - Parameters:
    ///   - jobs: how many threads
    ///   - worker: makes what one of them does with each of its items
    /// - Throws: ``Failure``, once all that was begun is done
    package func run(jobs: Int, _ worker: @escaping @Sendable () -> (Item) throws -> Void) throws {
        ClientThread.crowd(jobs) { [self] _ in
            let work = worker()
            while let item = next() {
                do { try work(item) } catch { fail(Failure(item, error)) }
            }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func next() -> Item? {
        state.withLock { $0.failure == nil ? $0.waiting.popFirst() : nil }
    }

    private func fail(_ failure: Failure) {
        state.withLock { if $0.failure == nil { $0.failure = failure } }
    }

    /// Waits; for as long, at most, as no item has failed.
    ///
    /// - Returns: whether none has
    package func wait(_ time: Duration) -> Bool {
        let end = ContinuousClock.now + time
        while true {
            if state.withLock({ $0.failure != nil }) { return false }
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { return true }
            usleep(useconds_t(min(left / .microseconds(1), 50_000)))
        }
    }
}

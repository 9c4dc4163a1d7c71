import NIOCore
import NIOPosix
import Segmentation

/// The queue of the thread that encodes answers: one step of each connection in turn (round robin), so that neither a
/// slow reader nor a large answer blocks the engine or the event loop. Confined to the event loop.
final class DrawingThread {
    /// Work for the thread; what it returns runs on the event loop.
    typealias Step = @Sendable () -> @Sendable () -> Void

    private struct Turn {
        let caller: Caller
        /// Called when the turn has come; returns `nil` where the call has ended.
        let begin: () -> Step?
    }

    private let pool: NIOThreadPool
    private let eventLoop: any EventLoop
    private var queue = FairQueue<Turn>()
    private var isBusy = false

    /// The number of queued steps.
    var waiting: Int { queue.count }

    /// - Parameter pool: of one thread, which its owner starts and stops
    init(_ pool: NIOThreadPool, eventLoop: any EventLoop) {
        self.pool = pool
        self.eventLoop = eventLoop
    }

    /// Queues a step.
    ///
    /// - Parameter begin: called on the event loop when its turn has come
    func enqueue(for caller: Caller, begin: @escaping () -> Step?) {
        queue.append(Turn(caller: caller, begin: begin), from: caller)
        next()
    }

    /// Releases a value on the thread: freeing hundreds of megabytes would block the event loop.
    func dispose(of value: some Sendable) {
        pool.submit { _ in withExtendedLifetime(value) {} }
    }

    /// Runs `body` on the thread, after the step in progress.
    func run(_ body: @escaping @Sendable () -> Void) {
        pool.submit { state in
            if state == .active { body() }
        }
    }

    private func next() {
        guard !isBusy else { return }
        while let turn = queue.popFirst() {
            guard let step = turn.begin() else { continue }
            isBusy = true
            pool.runIfActive(eventLoop: eventLoop, step).assumeIsolated().whenComplete { result in
                self.isBusy = false
                if case .success(let finish) = result { finish() }
                self.next()
            }
            return
        }
    }
}

import NIOCore
import NIOPosix
import Segmentation

/// Draws answers on a thread of its own, step by step: one step of each connection in turn, so that no reader, however
/// slow, and no answer, however large, holds the engine or the event loop. Lives on the event loop.
final class DrawingThread {
    /// Work for the thread; what it returns runs on the event loop.
    typealias Step = @Sendable () -> @Sendable () -> Void

    private struct Turn {
        let caller: Caller
        /// Gives the step when its turn has come; `nil`: it is not wanted.
        let begin: () -> Step?
    }

    private let pool: NIOThreadPool
    private let eventLoop: any EventLoop
    private var queue = FairQueue<Turn>()
    private var isBusy = false

    /// Steps that wait for their turn.
    var waiting: Int { queue.count }

    /// - Parameter pool: of one thread, which its owner starts and stops
    init(_ pool: NIOThreadPool, eventLoop: any EventLoop) {
        self.pool = pool
        self.eventLoop = eventLoop
    }

    /// Makes a step in its turn.
    ///
    /// - Parameter begin: called on the event loop when its turn has come
    func enqueue(for caller: Caller, begin: @escaping () -> Step?) {
        queue.append(Turn(caller: caller, begin: begin), from: caller)
        next()
    }

    /// Lets go of something on the thread: freeing hundreds of megabytes takes longer than the event loop may.
    func dispose(of value: some Sendable) {
        pool.submit { _ in withExtendedLifetime(value) {} }
    }

    /// Runs something on the thread when what it has begun is done.
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

import Logging
import RPC
import Segmentation
import Synchronization

/// What the event loop and the engine's thread both use.
final class Service: Sendable {
    let engine: Engine
    let limits: ServerLimits
    let log: Logger
    let replies: RememberedReplies
    /// Of the model, and of one of its score maps on the latent grid.
    private let modelHash: String
    let mapBytes: Int
    private let started = ContinuousClock.now
    private let draining = Atomic<Bool>(false)

    init(engine: Engine, limits: ServerLimits, log: Logger) {
        self.engine = engine
        self.limits = limits
        self.log = log
        replies = RememberedReplies(limit: limits.replyBytes)
        let status = engine.status
        (modelHash, mapBytes) = (status?.modelHash ?? "", status?.mapBytes ?? 0)
    }

    var uptime: Duration { started.duration(to: .now) }

    /// Whether it takes no more work.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// From here on the service takes no work, and says so.
    func startDraining() {
        draining.store(true, ordering: .relaxed)
    }

    /// What an answer is remembered by.
    ///
    /// - Parameter handle: the picture's
    func key(of message: SegmentRequest, _ handle: String, owner: UInt32) -> ReplyKey {
        ReplyKey(message, handle: handle, modelHash: modelHash, owner: owner)
    }
}

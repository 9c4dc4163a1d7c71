import Logging
import RPC
import Segmentation
import Synchronization

/// State shared by the event loop and the engine's thread.
final class Service: Sendable {
    let engine: Engine
    let limits: ServerLimits
    let log: Logger
    let replies: RememberedReplies
    private let modelHash: String
    private let latentSizes: LatentSizes?
    private let started = ContinuousClock.now
    private let draining = Atomic<Bool>(false)

    init(engine: Engine, limits: ServerLimits, log: Logger) {
        self.engine = engine
        self.limits = limits
        self.log = log
        replies = RememberedReplies(limit: limits.replyBytes)
        let status = engine.status
        (modelHash, latentSizes) = (status?.segmenter.hash ?? "", status?.latentSizes)
    }

    var uptime: Duration { started.duration(to: .now) }

    /// A bound of the bytes of one score map on the latent grid.
    func mapBytes(_ recipe: Recipe) -> Int {
        (latentSizes?.mostPixels(recipe.geometry) ?? 0) * MemoryLayout<Float>.stride
    }

    /// Whether new calls are refused and health is NOT_SERVING.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func startDraining() {
        draining.store(true, ordering: .relaxed)
    }

    /// The key of an answer in the reply cache.
    ///
    /// - Parameter handle: the picture's SHA-256
    func key(of message: SegmentRequest, _ handle: String, owner: UInt32) -> ReplyKey {
        ReplyKey(message, handle: handle, modelHash: modelHash, owner: owner)
    }
}

import Logging
import NIOCore
import RPC
import Segmentation
import Synchronization
import Texts

/// State shared by the event loop and the engine's thread.
final class Service: Sendable {
    let engine: Engine
    private let current: Mutex<ServerLimits>
    private let policy: Mutex<AccessPolicy>
    let log: Logger
    /// Whether words of requests are logged.
    let logsWords: @Sendable () -> Bool
    /// Part of the identifiers of calls that their clients gave none: no other daemon's.
    let name = String(UInt64.random(in: 1 << 44..<1 << 48), radix: 16)
    let replies: RememberedReplies
    private let started = SuspendingClock.now
    private let draining = Atomic<Bool>(false)

    init(
        engine: Engine, limits: ServerLimits, access: AccessPolicy, log: Logger,
        logsWords: @escaping @Sendable () -> Bool
    ) {
        self.engine = engine
        current = Mutex(limits)
        policy = Mutex(access)
        self.log = log
        self.logsWords = logsWords
        replies = RememberedReplies(limit: limits.replyBytes)
    }

    var limits: ServerLimits { current.withLock(\.self) }

    func change(callSeconds: Int, access: AccessPolicy) {
        current.withLock { $0.callTime = .seconds(Int64(callSeconds)) }
        policy.withLock { $0 = access }
    }

    /// Whether a user is many.
    func isProxy(_ owner: UInt32) -> Bool { policy.withLock { $0.isProxy(owner) } }

    /// As what a client is served now; `nil`: it is not.
    func standing(of peer: Peer) -> Standing? { policy.withLock { $0.standing(of: peer) } }

    /// After how long a call has ended that takes room now, by what the last ones took.
    var nextRoom: Duration { Refusal.delay(engine.meanService) }

    var uptime: Duration { started.duration(to: .now) }

    /// A bound of the bytes of one score map on the latent grid of a model; of one that is not loaded, as of the
    /// largest that were published.
    func mapBytes(_ recipe: Recipe, of model: ModelKey) -> Int {
        let sizes = engine.identity(of: model)?.latentSizes ?? .largestPublished
        return sizes.mostPixels(recipe.geometry) * MemoryLayout<Float>.stride
    }

    /// Whether new calls are refused and health is NOT_SERVING.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func startDraining() {
        draining.store(true, ordering: .relaxed)
    }

    /// The key of an answer in the reply cache; `nil` where its model is not loaded.
    ///
    /// - Parameter handle: the picture's SHA-256
    func key(of message: SegmentRequest, _ handle: String, by model: ModelKey, owner: UInt32) -> ReplyKey? {
        engine.identity(of: model).map { ReplyKey(message, handle: handle, identity: $0.text, owner: owner) }
    }

    /// The model that a message names, and how long it asks for that to be kept.
    ///
    /// - Parameter keepAlive: "": as long as the daemon keeps models
    /// - Throws: `notFound`, `invalidArgument`
    func model(named name: String, keepAlive: String) throws(RPCStatus) -> (key: ModelKey, kept: KeepAlive?) {
        let kept: KeepAlive?
        do throws(KeepAliveError) {
            kept = keepAlive.isEmpty ? nil : try KeepAlive(keepAlive)
        } catch {
            throw RPCStatus(.invalidArgument, "\(error)")
        }
        return (try model(named: name), kept)
    }

    /// - Throws: `notFound`
    func model(named name: String) throws(RPCStatus) -> ModelKey {
        do throws(SegmentationError) { return try engine.model(named: name) } catch { throw RPCStatus(error) }
    }
}

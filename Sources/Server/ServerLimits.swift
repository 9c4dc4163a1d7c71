import Glibc
package import NIOCore
import RPC

/// Bounds on what callers may cost the daemon and each other.
package struct ServerLimits: Sendable {
    /// A bound for all users together, and one for each of them.
    package struct Share: Sendable {
        package let all: Int
        package let perUser: Int

        package init(all: Int, perUser: Int) {
            self.all = all
            self.perUser = perUser
        }
    }

    /// Open connections.
    package var connections: Share
    /// Bytes of requests and picture files that are received, queued or in use by a job.
    package var incomingBytes: Share
    /// Bytes of ``incomingBytes`` that the calls of one connection may hold.
    package var pictureBytes = 256 << 20
    /// Bytes of a picture in one message of `Look`.
    package var pieceBytes = 1 << 20
    /// Bytes of computed score maps that wait to be drawn and read. They are kept on the latent grid: at the size asked
    /// for, one request could hold 16 GiB (``callPixels``).
    package var answerBytes = Share(all: 512 << 20, perUser: 384 << 20)
    /// Bytes that a connection's write backlog may hold before no more is drawn for it.
    package var backlogBytes = 2 << 20
    /// Bytes in all write backlogs, beyond which only connections with an empty one get more drawn.
    package var unreadBytes = 128 << 20
    /// Frames of a connection that are parsed in one turn.
    package var framesAtOnce = 32
    /// A frame over so many bytes is parsed in a turn of its own.
    package var largeFrame = 64 << 10
    /// Bytes of the reply cache.
    package var replyBytes = 64 << 20
    /// Scores of all maps of one call, labels times pixels: 255 maps of 16 megapixels, or 4,096 of one.
    package var callPixels = 1 << 32
    /// Time from a call's first frame to its end.
    package var callTime = TimeAmount.seconds(Int64(callSeconds))
    /// How long a client may read nothing of a backlog before its connection is closed.
    package var stall = TimeAmount.seconds(30)
    /// The longest pause in the transfer of a frame or picture; a transfer that takes longer than this must reach
    /// `bytesPerSecond` on average.
    package var grace = TimeAmount.seconds(10)
    package var bytesPerSecond = 64 << 10
    /// How long a connection must have been idle before it is evicted to make room for another.
    package var idle = TimeAmount.milliseconds(500)
    /// How much longer than `idle` for a connection that waits for its client to read the backlog.
    package var reading = TimeAmount.milliseconds(1500)
    /// How long a connection may wait for a place.
    package var wait = TimeAmount.seconds(5)
    /// Connections that may wait for a place before accept(2) pauses.
    package var waiting: Int

    /// - Parameter descriptors: the process's limit of open files
    package init(descriptors: Int) {
        let count = max(4, min(1024, descriptors - Self.reservedDescriptors))
        waiting = min(64, count / 4)
        connections = Share(all: count - waiting, perUser: max(1, (count - waiting) * 3 / 4))
        incomingBytes = Share(all: 768 << 20, perUser: 384 << 20)
    }

    /// Descriptors kept for the listener, the event loop, and files that are open briefly.
    private static let reservedDescriptors = 24

    /// Seconds. A U-Net pass of Stable Diffusion for each of 255 labels takes eight minutes on two cores.
    package static let callSeconds = 900

    /// The limits for this process's RLIMIT_NOFILE.
    ///
    /// - Parameter room: bytes of memory for requests, pictures and answers
    package static func standard(callSeconds: Int, room: Int) -> ServerLimits {
        var limit = rlimit()
        let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        var limits = ServerLimits(descriptors: isKnown ? Int(clamping: limit.rlim_cur) : 1024)
        limits.callTime = .seconds(Int64(callSeconds))
        let requests = min(limits.incomingBytes.all, max(room / 2, leastRoom))
        limits.incomingBytes = Share(all: requests, perUser: requests / 2)
        let answers = min(limits.answerBytes.all, max(room / 3, leastRoom))
        limits.answerBytes = Share(all: answers, perUser: answers / 4 * 3)
        return limits
    }

    /// Bytes that requests, and answers, are never given less than: what a picture of some megapixels takes.
    private static let leastRoom = 128 << 20
}

/// The used part of a ``ServerLimits/Share``, in all and by each user.
struct Quota {
    let share: ServerLimits.Share
    private(set) var used = 0
    private var usedBy: [UInt32: Int] = [:]

    init(_ share: ServerLimits.Share) {
        self.share = share
    }

    /// The unused part for all users together.
    var left: Int { share.all - used }

    /// The unused part for `owner`.
    func left(for owner: UInt32) -> Int {
        min(share.all - used, share.perUser - used(by: owner))
    }

    /// Takes `amount` of what is left; takes nothing and returns `false` where that is less.
    mutating func take(_ amount: Int, for owner: UInt32) -> Bool {
        guard amount <= left(for: owner) else { return false }
        used += amount
        usedBy[owner, default: 0] += amount
        return true
    }

    /// Takes `amount` bytes of what is left, or nothing.
    ///
    /// - Parameter what: what the bytes are, for the message: "answers"
    /// - Throws: `resourceExhausted` where less is left
    mutating func take(_ amount: Int, of what: String, for owner: UInt32) throws(RPCStatus) {
        guard !take(amount, for: owner) else { return }
        throw RPCStatus(
            .resourceExhausted,
            """
            No room for \(amount) bytes more of \(what): of the daemon's \(share.all) \(used) are taken, and \
            \(used(by: owner)) by this user, who may have \(share.perUser): read what is answered, send less at a \
            time, or try again.
            """)
    }

    func used(by owner: UInt32) -> Int { usedBy[owner, default: 0] }

    mutating func giveBack(_ amount: Int, of owner: UInt32) {
        used -= amount
        let rest = usedBy[owner, default: 0] - amount
        usedBy[owner] = rest == 0 ? nil : rest
    }
}

/// A minimum transfer rate, as a token bucket of time: it drains as time passes, and received bytes refill it at
/// `bytesPerSecond`, at most to `grace`. So a transfer that stalls has the same grace as one that has just begun.
struct Pace {
    let start = NIODeadline.now()
    private(set) var bytes = 0
    /// When the bucket is empty, unless more bytes come before.
    private(set) var deadline: NIODeadline

    init(_ limits: ServerLimits) {
        deadline = .now() + limits.grace
    }

    mutating func add(_ count: Int, _ limits: ServerLimits) {
        bytes += count
        let time = TimeAmount.nanoseconds(Int64(Double(count) / Double(limits.bytesPerSecond) * 1e9))
        deadline = min(.now() + limits.grace, deadline + time)
    }
}

/// The timer of a ``Pace``. Confined to the event loop.
final class PaceAlarm {
    private(set) var pace: Pace
    private let limits: ServerLimits
    private var timer: Scheduled<Void>?

    /// - Parameter isLate: called once, when the bucket is empty; not after ``cancel()``
    init(_ limits: ServerLimits, on eventLoop: any EventLoop, isLate: @escaping (Pace) -> Void) {
        self.limits = limits
        pace = Pace(limits)
        arm(eventLoop, isLate)
    }

    private func arm(_ eventLoop: any EventLoop, _ isLate: @escaping (Pace) -> Void) {
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: pace.deadline) {
            if .now() < self.pace.deadline { self.arm(eventLoop, isLate) } else { isLate(self.pace) }
        }
    }

    /// Counts received bytes.
    func add(_ count: Int) { pace.add(count, limits) }

    func cancel() { timer?.cancel() }
}

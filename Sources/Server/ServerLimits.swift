import Glibc
package import NIOCore
import RPC

/// What callers may cost the daemon and each other.
package struct ServerLimits: Sendable {
    /// How much of something there is for all users together, and for one of them.
    package struct Share: Sendable {
        package let all: Int
        package let perUser: Int

        package init(all: Int, perUser: Int) {
            self.all = all
            self.perUser = perUser
        }
    }

    /// Connections at a time.
    package var connections: Share
    /// Bytes of requests and of pictures that come, wait or are looked at.
    package var incomingBytes: Share
    /// Of them, bytes of picture files that one connection's calls may hold.
    package var pictureBytes = 256 << 20
    /// Bytes of a picture in one message of `Look`.
    package var pieceBytes = 1 << 20
    /// Bytes of computed score maps, on the latent grid, that wait to be drawn and read. Keeping answers in the size
    /// that was asked for instead would let one question hold sixteen gigabytes (``callPixels``).
    package var answerBytes = Share(all: 512 << 20, perUser: 384 << 20)
    /// Bytes of answers that may wait for a connection's reader before no more are drawn for it.
    package var backlogBytes = 2 << 20
    /// Bytes of answers that wait for all readers, beyond which none is made for who has any unread.
    package var unreadBytes = 128 << 20
    /// Frames of a connection that are looked at in one go: then it is another's turn.
    package var framesAtOnce = 32
    /// A frame over so many bytes is looked at alone.
    package var largeFrame = 64 << 10
    /// Bytes of remembered replies.
    package var replyBytes = 64 << 20
    /// Numbers of score maps in one call: 255 maps of 16 megapixels, or 4,096 of one.
    package var callPixels = 1 << 32
    /// From a call's beginning to its end.
    package var callTime = TimeAmount.seconds(Int64(callSeconds))
    /// How long bytes may wait without one of them being read before the connection is closed.
    package var stall = TimeAmount.seconds(30)
    /// How long a frame or a picture may be silent; what takes longer must come at `bytesPerSecond`.
    package var grace = TimeAmount.seconds(10)
    package var bytesPerSecond = 64 << 10
    /// How long a connection must have been silent before it is closed to make room for another.
    package var idle = TimeAmount.milliseconds(500)
    /// How long, beyond that, one may not have read what waits for it.
    package var reading = TimeAmount.milliseconds(1500)
    /// How long a connection may wait for a place.
    package var wait = TimeAmount.seconds(5)
    /// Connections that may wait for a place before no more are accepted.
    package var waiting: Int

    /// - Parameter descriptors: file descriptors that this process may have
    package init(descriptors: Int) {
        let count = max(4, min(1024, descriptors - Self.reservedDescriptors))
        waiting = min(64, count / 4)
        connections = Share(all: count - waiting, perUser: max(1, (count - waiting) * 3 / 4))
        incomingBytes = Share(all: 768 << 20, perUser: 384 << 20)
    }

    /// For the listener, the event loop, and files that are opened for a moment.
    private static let reservedDescriptors = 24

    /// A pass of Stable Diffusion for each of 255 labels takes eight minutes on two cores.
    package static let callSeconds = 900

    /// As this process's limits allow.
    package static func standard(callSeconds: Int) -> ServerLimits {
        var limit = rlimit()
        let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        var limits = ServerLimits(descriptors: isKnown ? Int(clamping: limit.rlim_cur) : 1024)
        limits.callTime = .seconds(Int64(callSeconds))
        return limits
    }
}

/// What is taken of a share.
struct Quota {
    let share: ServerLimits.Share
    private(set) var used = 0
    private var usedBy: [UInt32: Int] = [:]

    init(_ share: ServerLimits.Share) {
        self.share = share
    }

    /// What any user could have more.
    var left: Int { share.all - used }

    /// What `owner` may have more.
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
    /// - Parameter what: they are of
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

/// How fast something must come: a bucket of time that empties as it passes, and that bytes fill up again, but never
/// beyond the grace. So whatever falls silent has as long from there as whatever has just begun.
struct Pace {
    let start = NIODeadline.now()
    private(set) var bytes = 0
    /// When it is too slow, unless more bytes come until then.
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

/// Looks whether something comes as fast as its pace asks. Lives on the event loop.
final class PaceAlarm {
    private(set) var pace: Pace
    private let limits: ServerLimits
    private var timer: Scheduled<Void>?

    /// - Parameter isLate: called once, when too little has come; not after ``cancel()``
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

    /// Bytes have come.
    func add(_ count: Int) { pace.add(count, limits) }

    func cancel() { timer?.cancel() }
}

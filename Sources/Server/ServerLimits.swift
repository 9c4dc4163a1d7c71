import Limits
import Glibc
package import NIOCore
import RPC

/// The bounds of ``Limit`` that hold in this process, with its descriptors and memory; tests reach for smaller ones.
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

    package var connections: Share
    /// Of ``connections`` those that a proxy may have.
    package var proxyConnections: Int
    /// Connections that may wait for a place, or to be told that there is none, before accept(2) pauses.
    package var waiting: Int
    package var incomingBytes: Share
    package var answerBytes: Share
    package var pictureBytes = Limit.pictureBytes
    package var pieceBytes = Limit.pieceBytes
    package var backlogBytes = Limit.backlogBytes
    package var unreadBytes = Limit.unreadBytes
    package var replyBytes = Limit.replyBytes
    package var callPixels = Limit.callPixels
    package var bytesPerSecond = Limit.bytesPerSecond
    package var callTime: TimeAmount
    package var stall = TimeAmount.seconds(Limit.stallSeconds)
    /// The longest pause in the transfer of a frame or picture.
    package var grace = TimeAmount.seconds(Limit.pauseSeconds)
    package var idle = TimeAmount.milliseconds(Limit.idleMilliseconds)
    package var reading = TimeAmount.milliseconds(Limit.readingMilliseconds)
    package var wait = TimeAmount.seconds(Limit.placeSeconds)
    package var farewell = TimeAmount.milliseconds(Limit.farewellMilliseconds)
    package var stuck = Duration.seconds(Limit.stuckSeconds)
    /// Frames of a connection that are parsed in one turn.
    package var framesAtOnce = 32
    /// A frame over so many bytes is read in a turn of its own, on another thread.
    package var largeFrame = 64 << 10

    /// - Parameters:
    ///   - descriptors: the process's limit of open files
    ///   - room: bytes of memory for requests, pictures and answers
    package init(descriptors: Int, room: Int, callSeconds: Int) {
        let count = max(4, min(Limit.connections, descriptors - Limit.reservedDescriptors))
        waiting = min(Limit.waitingConnections, count / 4)
        let open = count - waiting
        connections = Share(all: open, perUser: max(1, open * Limit.connectionsPerUser / 4))
        proxyConnections = max(1, open * Limit.connectionsPerProxy / 8)
        let requests = min(Limit.incomingBytes, max(room / 2, Limit.leastRoomBytes))
        incomingBytes = Share(all: requests, perUser: min(requests / 2, Limit.incomingBytesPerUser))
        let answers = min(Limit.answerBytes, max(room / 3, Limit.leastRoomBytes))
        answerBytes = Share(all: answers, perUser: min(answers / 4 * 3, Limit.answerBytesPerUser))
        callTime = .seconds(callSeconds)
    }

    /// The limits for this process's RLIMIT_NOFILE.
    package static func standard(callSeconds: Int, room: Int) -> ServerLimits {
        var limit = rlimit()
        let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return ServerLimits(
            descriptors: isKnown ? Int(clamping: limit.rlim_cur) : 1024, room: room, callSeconds: callSeconds)
    }
}

extension TimeAmount {
    fileprivate static func seconds(_ count: Int) -> TimeAmount { .seconds(Int64(count)) }
    fileprivate static func milliseconds(_ count: Int) -> TimeAmount { .milliseconds(Int64(count)) }
}

/// The used part of a ``ServerLimits/Share``, in all and by each user.
struct Quota {
    let share: ServerLimits.Share
    private let reason: Refusal.Reason
    private(set) var used = 0
    private var usedBy: [UInt32: Int] = [:]

    /// - Parameter reason: why what is over it is refused
    init(_ share: ServerLimits.Share, _ reason: Refusal.Reason) {
        self.share = share
        self.reason = reason
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

    /// Takes `amount` bytes of what is left, or nothing. What others have is told to nobody.
    ///
    /// - Parameters:
    ///   - what: what the bytes are, for the message: "answers"
    ///   - delay: after how long there may be more
    /// - Throws: `resourceExhausted` where less is left
    mutating func take(_ amount: Int, of what: String, for owner: UInt32, retry delay: Duration) throws(RPCStatus) {
        guard !take(amount, for: owner) else { return }
        let own = "of the \(share.perUser) that a user may have, you have \(used(by: owner))"
        let isOwn = amount > share.perUser - used(by: owner)
        throw RPCStatus(
            .resourceExhausted,
            "No room for \(amount) bytes more of \(what): \(own)\(isOwn ? "" : ", and the daemon has no more"): read "
                + "what is answered, send less at a time, or try again.",
            // More than there ever is for one user finds no room later either.
            refusal: amount > min(share.perUser, share.all)
                ? nil : Refusal(reason, delay: delay, queuePosition: nil))
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

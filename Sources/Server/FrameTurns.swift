import NIOCore
import Segmentation

/// Schedules which connection's frames the event loop parses next. Confined to the event loop.
///
/// NIO handles all ready sockets in one tick before it polls again: sixty connections with 64 KiB of small frames each
/// would take it half a second. So a tick parses frames as they come only until its time budget is used up; the other
/// connections are queued for later ticks, fairly by user and connection. A large frame gets a tick of its own, in turn
/// with the small ones, which avoids head-of-line blocking behind large frames.
final class FrameTurns {
    private let eventLoop: any EventLoop
    private var small = FairQueue<Connection>()
    private var large = FairQueue<Connection>()
    private var isLargeNext = false
    /// Time spent on frames in this tick.
    private var spent = TimeAmount.zero
    private var isLooking = false
    private var isScheduled = false

    /// The time budget of a tick.
    private static let tickBudget = TimeAmount.milliseconds(1)
    /// NIO still runs a task that is due in the same tick, so one for the next tick needs a delay.
    private static let nextTickDelay = TimeAmount.microseconds(20)

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Gives a connection its turn: at once if this tick has time left, else in the queue.
    func take(_ connection: Connection) {
        if connection.isNextLarge {
            large.append(connection, from: connection.caller)
        } else if isLooking || !small.isEmpty || spent >= Self.tickBudget {
            small.append(connection, from: connection.caller)
        } else {
            return look(connection, large: false)
        }
        schedule()
    }

    private func look(_ connection: Connection, large: Bool) {
        // `execute` runs after all sockets that are ready in this tick, so it marks the tick's end.
        if spent == .zero { eventLoop.assumeIsolated().execute { self.spent = .zero } }
        let start = NIODeadline.now()
        isLooking = true
        connection.lookAtFrames(large: large)
        isLooking = false
        spent = spent + (.now() - start)
    }

    private func schedule() {
        guard !isScheduled, !small.isEmpty || !large.isEmpty else { return }
        isScheduled = true
        eventLoop.assumeIsolated().scheduleTask(in: Self.nextTickDelay) {
            if self.isLargeNext || self.small.isEmpty, let connection = self.large.popFirst() {
                self.isLargeNext = false
                self.look(connection, large: true)
            } else {
                self.isLargeNext = true
                while self.spent < Self.tickBudget, let connection = self.small.popFirst() {
                    self.look(connection, large: false)
                }
            }
            // Only now: scheduled earlier, the task could be due when this ends, and would run in the same tick.
            self.isScheduled = false
            self.schedule()
        }
    }
}

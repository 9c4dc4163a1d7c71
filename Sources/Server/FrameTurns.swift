import NIOCore
import Segmentation

/// Whose frames the event loop looks at next. Lives on the event loop.
///
/// In one round of its selector the loop does whatever is due, and what that makes due: sixty connections, with 64 KiB
/// of small frames each, would have it for half a second. So frames are looked at as they come for as long as a round
/// may take; the others have their turns in later rounds, by users and connections. A large frame has a round of its
/// own, and those that are small do not wait for all that are large.
final class FrameTurns {
    private let eventLoop: any EventLoop
    private var small = FairQueue<Connection>()
    private var large = FairQueue<Connection>()
    private var isLargeNext = false
    /// Of this round.
    private var spent = TimeAmount.zero
    private var isLooking = false
    private var isScheduled = false

    private static let round = TimeAmount.milliseconds(1)
    /// Until a task that is to come in the next round: one that is due comes in this.
    private static let nextRound = TimeAmount.microseconds(20)

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Gives a connection its turn, at once if there is time.
    func take(_ connection: Connection) {
        if connection.isNextLarge {
            large.append(connection, from: connection.caller)
        } else if isLooking || !small.isEmpty || spent >= Self.round {
            small.append(connection, from: connection.caller)
        } else {
            return look(connection, large: false)
        }
        schedule()
    }

    private func look(_ connection: Connection, large: Bool) {
        // What is executed comes after all that this round's events bring.
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
        eventLoop.assumeIsolated().scheduleTask(in: Self.nextRound) {
            if self.isLargeNext || self.small.isEmpty, let connection = self.large.popFirst() {
                self.isLargeNext = false
                self.look(connection, large: true)
            } else {
                self.isLargeNext = true
                while self.spent < Self.round, let connection = self.small.popFirst() {
                    self.look(connection, large: false)
                }
            }
            // Not before: what was due when this ends would come in this round.
            self.isScheduled = false
            self.schedule()
        }
    }
}

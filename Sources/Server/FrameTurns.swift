import NIOCore
import NIOPosix
import RPC
import Segmentation

/// Schedules which connection's frames are read next. Confined to the event loop.
///
/// NIO handles all ready sockets in one tick before it polls again: sixty connections with 64 KiB of small frames each
/// would take it half a second. So a tick parses frames as they come only until its time budget is used up; the other
/// connections are queued for later ticks, fairly by user and connection.
///
/// Large frames are read by a thread of their own, one after the other, as fairly: for each of its mebibytes one takes
/// the kernel a third of a millisecond to clear new memory, in each of several copies, and whoever asks for Health
/// would wait for that. A connection's later frames wait meanwhile. The parts of an upload need no reading: they stay
/// where they came.
final class FrameTurns {
    private let eventLoop: any EventLoop
    private let reading: NIOThreadPool
    private var small = FairQueue<Connection>()
    private var large = FairQueue<Connection>()
    /// Whether a large frame is being read.
    private var isReading = false
    /// Time spent on frames in this tick.
    private var spent = TimeAmount.zero
    private var isLooking = false
    private var isScheduled = false

    /// The time budget of a tick.
    private static let tickBudget = TimeAmount.milliseconds(1)
    /// NIO still runs a task that is due in the same tick, so one for the next tick needs a delay.
    private static let nextTickDelay = TimeAmount.microseconds(20)

    /// - Parameter reading: of one thread, which its owner starts and stops
    init(_ eventLoop: any EventLoop, reading: NIOThreadPool) {
        self.eventLoop = eventLoop
        self.reading = reading
    }

    /// Gives a connection its turn: at once if this tick has time left, else in the queue.
    func take(_ connection: Connection) {
        if connection.isNextLarge {
            large.append(connection, from: connection.caller)
            readLarge()
        } else if isLooking || !small.isEmpty || spent >= Self.tickBudget {
            small.append(connection, from: connection.caller)
            schedule()
        } else {
            look { connection.lookAtFrames() }
        }
    }

    private func look(_ body: () -> Void) {
        // `execute` runs after all sockets that are ready in this tick, so it marks the tick's end.
        if spent == .zero { eventLoop.assumeIsolated().execute { self.spent = .zero } }
        let start = NIODeadline.now()
        isLooking = true
        body()
        isLooking = false
        spent = spent + (.now() - start)
    }

    private func schedule() {
        guard !isScheduled, !small.isEmpty else { return }
        isScheduled = true
        eventLoop.assumeIsolated().scheduleTask(in: Self.nextTickDelay) {
            while self.spent < Self.tickBudget, let connection = self.small.popFirst() {
                self.look { connection.lookAtFrames() }
            }
            // Only now: scheduled earlier, the task could be due when this ends, and would run in the same tick.
            self.isScheduled = false
            self.schedule()
        }
    }

    /// Has the next large frame read.
    private func readLarge() {
        guard !isReading, let connection = large.popFirst() else { return }
        isReading = true
        guard let frame = connection.takeLargeFrame() else { return endReading() }
        reading.runIfActive(eventLoop: eventLoop) { ReadFrame(frame) }.assumeIsolated().whenComplete { result in
            if case .success(let frame) = result {
                self.look { connection.handle(frame) }
                // What is left of it is freed where it was made.
                self.reading.submit { _ in withExtendedLifetime(frame) {} }
            }
            self.endReading()
        }
    }

    private func endReading() {
        isReading = false
        guard !large.isEmpty else { return }
        // In a later tick: one that was handled at once is as much as a tick may take.
        eventLoop.assumeIsolated().scheduleTask(in: Self.nextTickDelay) { self.readLarge() }
    }
}

/// A large frame and, as far as it can be read without its connection, what it says.
struct ReadFrame: Sendable {
    let frame: Frame
    /// `nil` where it is none.
    let request: Result<CallRequest, RPCStatus>?
    /// The message of that request, or of the frame; `nil` where it has none that is large.
    let message: Result<any WireMessage, RPCStatus>?

    init(_ large: LargeFrame) {
        frame = large.frame
        switch large.kind {
        case .request:
            let request = Self.decoded(CallRequest.self, from: frame.payload)
            self.request = request
            message = (try? request.get()).flatMap { request in
                switch try? Method(service: request.service, name: request.method) {
                case .segment: Self.decoded(SegmentRequest.self, from: request.payload).map { $0 }
                case .describe: Self.decoded(DescribeRequest.self, from: request.payload).map { $0 }
                default: nil
                }
            }
        case .data: (request, message) = (nil, Self.decoded(LookRequest.self, from: frame.payload).map { $0 })
        case .response: (request, message) = (nil, nil)
        }
    }

    private static func decoded<Message: WireMessage>(
        _ type: Message.Type, from bytes: [UInt8]
    ) -> Result<Message, RPCStatus> {
        do throws(RPCStatus) { return .success(try Message(decoding: bytes)) } catch { return .failure(error) }
    }
}

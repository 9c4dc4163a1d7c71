import NIOCore
import RPC
import Segmentation
import Synchronization

/// A call between its request and its answer.
struct OpenCall {
    let method: Method
    let started = NIODeadline.now()
    /// The client's name for it; empty: none.
    let requestID: String
    var state: CallState
    /// Fails the call at its deadline, even while it waits for its turn.
    var alarm: Scheduled<Void>?
    /// What the call has taken of its user's share, until it ends.
    var incomingBytes = 0
    var answerBytes = 0

    var milliseconds: Int64 { (.now() - started).nanoseconds / 1_000_000 }

    /// What the engine has of it.
    var ticket: Job.Ticket? {
        switch state {
        case .receiving: nil
        case .queued(let ticket), .answering(let ticket, _): ticket
        }
    }
}

/// Where a call that the engine is for stands.
///
///     Look       receiving ──► queued ──► (reply)
///     Segment                             answering ──► (end)
///
/// At any time it may end instead: by its deadline, by Cancel, by what its client does.
enum CallState {
    /// A picture is coming.
    case receiving(Upload)
    /// A picture waits to be looked at, or is being looked at.
    case queued(Job.Ticket)
    /// A question waits, is computed, drawn or sent, all of these perhaps at once.
    case answering(Job.Ticket, Delivery)
}

/// A picture as it comes.
struct Upload {
    let file = IncomingFile()
    let alarm: PaceAlarm
    /// When its answer has become useless, as its client says.
    let deadline: ContinuousClock.Instant?
}

/// The pieces of a file: nobody joins them on the event loop.
final class IncomingFile: Sendable {
    private let pieces = Mutex<[[UInt8]]>([])

    /// What small pieces are gathered to: an array of its own for each would take more than its bytes.
    private static let leastBytes = 1 << 16

    func append(_ piece: [UInt8]) {
        pieces.withLock { pieces in
            if let last = pieces.indices.last, pieces[last].count + piece.count <= Self.leastBytes {
                pieces[last] += piece
            } else {
                pieces.append(piece)
            }
        }
    }

    /// Takes the file out. Each piece goes as it is copied, so that a file is never there twice.
    func joined() -> [UInt8] {
        var rest = pieces.withLock { pieces in
            defer { pieces = [] }
            return pieces
        }
        rest.reverse()
        var file: [UInt8] = []
        file.reserveCapacity(rest.reduce(0) { $0 + $1.count })
        while let piece = rest.popLast() { file += piece }
        return file
    }
}

/// The way of an answer to its reader.
struct Delivery {
    let drawing: AnswerDrawing
    /// What the answer is remembered by, once its picture's handle is known.
    var key: ReplyKey?
    /// What was sent; `nil` where it is not kept.
    var reply: RememberedReply? = RememberedReply()
    /// The rest of an answer that is known; `nil` where it is drawn.
    var known: ArraySlice<[UInt8]>?
    /// Whether there may be something to draw.
    var hasMore = false
    /// Whether the next step has its place in the drawing thread's queue, or is being made.
    var isInTurn = false
}

import NIOCore
import RPC
import Segmentation
import Synchronization

/// A call between its request and its answer.
struct OpenCall {
    var record: CallRecord
    var state: CallState
    /// Fails the call at its deadline, also while it is queued.
    var alarm: Scheduled<Void>?
    /// Bytes charged to the user's quotas until the call ends.
    var incomingBytes = 0
    var answerBytes = 0

    /// Its job in the engine, to cancel or resume.
    var ticket: Job.Ticket? {
        switch state {
        case .receiving, .unloading: nil
        case .queued(let ticket), .answering(let ticket, _): ticket
        }
    }
}

/// The state of a call that needs the engine.
///
///     Look       receiving ──► queued ──► (reply)
///     Segment                             answering ──► (end)
///     Describe, Warm             queued ──► (messages, end)
///     Unload                              unloading ──► (reply)
///
/// In any state it may end early: at its deadline, by Cancel, or by its client's fault or disconnect.
enum CallState {
    /// The picture is being uploaded.
    case receiving(Upload)
    /// The job that decodes the picture is queued or running.
    case queued(Job.Ticket)
    /// The job is queued or running, or has ended; its parts are drawn and sent at the same time.
    case answering(Job.Ticket, Delivery)
    /// Models are to leave.
    case unloading
}

/// A picture's upload.
struct Upload {
    let file = IncomingFile()
    /// What the picture is prepared for; `nil` until a message says so.
    var question: (model: ModelKey, recipe: Recipe)?
    let alarm: PaceAlarm
    /// As the client set it; `nil`: none.
    let deadline: SuspendingClock.Instant?
}

/// The pieces of an uploaded file. They are joined on the engine's thread: on the event loop that would block it.
final class IncomingFile: Sendable {
    private let pieces = Mutex<[ArraySlice<UInt8>]>([])

    /// Small pieces are merged up to this size: an array for each would cost more in headers than in bytes.
    private static let leastBytes = 1 << 16

    /// Bytes so far.
    var count: Int { pieces.withLock { $0.reduce(0) { $0 + $1.count } } }

    func append(_ piece: ArraySlice<UInt8>) {
        pieces.withLock { pieces in
            if let last = pieces.indices.last, pieces[last].count + piece.count <= Self.leastBytes {
                pieces[last] += piece
            } else {
                pieces.append(piece)
            }
        }
    }

    /// Moves the file out. Each piece is freed as soon as it is copied, so that the file is never in memory twice.
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

/// How far an answer has been sent to its reader.
struct Delivery {
    let drawing: AnswerDrawing
    /// The answer's key in the reply cache; `nil` until the picture's hash is known.
    var key: ReplyKey?
    /// The messages sent so far, for the reply cache; `nil` where the answer is too large for it.
    var reply: RememberedReply? = RememberedReply()
    /// Messages of a cached answer still to be sent; `nil` for an answer that is computed.
    var known: ArraySlice<[UInt8]>?
    /// Whether there may be something to draw or send.
    var hasMore = false
    /// Whether a step is in the drawing thread's queue or running: there is never more than one.
    var isInTurn = false
}

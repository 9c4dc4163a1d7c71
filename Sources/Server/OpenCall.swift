import NIOCore
import RPC
import Segmentation

/// A call between its request and its answer.
struct OpenCall {
    let method: Method
    let started: NIODeadline
    /// When the answer has become useless: the earlier of what the call and its message say.
    let deadline: ContinuousClock.Instant?
    /// Of its job, once the engine has that.
    var ticket: Job.Ticket?
    /// Fails the call at its deadline, even while it waits for its turn.
    var alarm: Scheduled<Void>?
    /// Whether a picture is still coming.
    var isReceiving: Bool
    /// What has come of it.
    var file: [UInt8] = []
    /// Of picture files, as long as the call lives.
    var heldBytes = 0
    /// What is left of the time that the engine may wait for the reader.
    var patience: TimeAmount

    /// - Parameters:
    ///   - timeout: from now, as the call says
    ///   - milliseconds: from now, as its message says; 0: none
    init(_ method: Method, timeout: Duration?, milliseconds: UInt32, isReceiving: Bool, patience: TimeAmount) {
        self.isReceiving = isReceiving
        self.method = method
        self.patience = patience
        started = .now()
        let limits = [timeout, milliseconds == 0 ? nil : .milliseconds(milliseconds)].compactMap(\.self)
        deadline = limits.min().map { .now + $0 }
    }

    var milliseconds: Int64 { (.now() - started).nanoseconds / 1_000_000 }
}

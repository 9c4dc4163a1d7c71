package import Networks

/// Something to compute: who asked, how to stop it, and what to do on the engine's thread.
package struct Job: Sendable {
    package let caller: Caller
    /// The client's name for it; empty: none.
    package let requestID: String
    let cancellation: Cancellation
    /// Runs on the engine's thread, with the milliseconds that the job waited.
    let run: @Sendable (Segmenter, Cancellation, Float) -> Void
    /// Told instead, on any thread, when the job leaves the queue without its turn.
    let refuse: @Sendable (SegmentationError) -> Void

    /// What its caller keeps of it: to withdraw it, and nothing of what it holds.
    package struct Ticket: Sendable {
        let cancellation: Cancellation
    }

    package var ticket: Ticket { Ticket(cancellation: cancellation) }

    /// - Parameter deadline: when the answer has become useless; `nil`: never
    package init(
        caller: Caller, requestID: String, deadline: ContinuousClock.Instant?,
        run: @escaping @Sendable (Segmenter, Cancellation, Float) -> Void,
        refuse: @escaping @Sendable (SegmentationError) -> Void
    ) {
        self.caller = caller
        self.requestID = requestID
        self.run = run
        self.refuse = refuse
        cancellation = Cancellation(deadline: deadline)
    }
}

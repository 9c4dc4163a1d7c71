package import Networks

/// Something to compute: who asked, how to stop it, and what to do on the engine's thread, step by step.
package struct Job: Sendable {
    /// Does the next step; `false`: that was the last. Lives and runs on the engine's thread.
    package typealias Continuation = () -> Bool

    package let caller: Caller
    let cancellation: Cancellation
    /// Begins, on the engine's thread, with the milliseconds that the job waited; `nil`: nothing is left to do.
    let begin: @Sendable (Segmenter, Cancellation, Float) -> Continuation?
    /// Whether there is room for what another step makes; asked on any thread.
    let hasRoom: @Sendable () -> Bool
    /// Told instead, on any thread, when the job gives way to another's in a full queue.
    let refuse: @Sendable (SegmentationError) -> Void

    /// What its caller keeps of it: to withdraw it, and nothing of what it holds.
    package struct Ticket: Sendable {
        let cancellation: Cancellation

        package var id: ObjectIdentifier { ObjectIdentifier(cancellation) }
    }

    package var ticket: Ticket { Ticket(cancellation: cancellation) }

    /// - Parameter deadline: when the answer has become useless; `nil`: never
    package init(
        caller: Caller, deadline: ContinuousClock.Instant?, hasRoom: @escaping @Sendable () -> Bool,
        begin: @escaping @Sendable (Segmenter, Cancellation, Float) -> Continuation?,
        refuse: @escaping @Sendable (SegmentationError) -> Void
    ) {
        self.caller = caller
        self.hasRoom = hasRoom
        self.begin = begin
        self.refuse = refuse
        cancellation = Cancellation(deadline: deadline)
    }

    /// Something that is done in one step.
    package init(
        caller: Caller, deadline: ContinuousClock.Instant?,
        run: @escaping @Sendable (Segmenter, Cancellation, Float) -> Void,
        refuse: @escaping @Sendable (SegmentationError) -> Void
    ) {
        self.init(caller: caller, deadline: deadline, hasRoom: { true }) { segmenter, cancellation, queued in
            run(segmenter, cancellation, queued)
            return nil
        } refuse: {
            refuse($0)
        }
    }
}

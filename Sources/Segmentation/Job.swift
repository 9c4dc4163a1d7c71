package import Networks

/// Work for the engine's thread, done step by step: its caller, its cancellation and the closures that do it.
package struct Job: Sendable {
    /// Does the next step; `false`: that was the last. Lives and runs on the engine's thread.
    package typealias Continuation = () -> Bool

    package let caller: Caller
    let cancellation: Cancellation
    /// Begins, on the engine's thread, with the milliseconds that the job waited; `nil`: nothing is left to do.
    let begin: @Sendable (Segmenter, Cancellation, Float) -> Continuation?
    /// Whether there is room for the output of another step; called on any thread.
    let hasRoom: @Sendable () -> Bool
    /// Called instead of `begin`, on any thread, when the job is displaced from a full queue.
    let refuse: @Sendable (SegmentationError) -> Void

    /// A handle to withdraw the job by; keeps neither its closures nor what they capture alive.
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

    /// A job of one step.
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

package import Networks
package import Texts

/// The model that a job works with.
package struct ModelUse: Sendable {
    package let key: ModelKey
    /// Whether the job waits until the model is loaded; `false`: it goes on without one that is not, and loads none.
    let isNeeded: Bool
    /// Whether the job is a call, which is counted and measured; `false`: it only has the model loaded.
    let isCall: Bool
    /// How long the model is to be kept after the job; `nil`: at least as long as the engine keeps models.
    let keepAlive: KeepAlive?
    /// Called on any thread while the model is on its way, also under the engine's lock: it must not block, nor call
    /// the engine.
    let progress: (@Sendable (LoadingState) -> Void)?

    /// A model that the job needs.
    package static func needed(
        _ key: ModelKey, keepAlive: KeepAlive?, progress: (@Sendable (LoadingState) -> Void)?
    ) -> ModelUse {
        ModelUse(key: key, isNeeded: true, isCall: true, keepAlive: keepAlive, progress: progress)
    }

    /// A model that is to be loaded and kept.
    package static func kept(
        _ key: ModelKey, keepAlive: KeepAlive?, progress: (@Sendable (LoadingState) -> Void)?
    ) -> ModelUse {
        ModelUse(key: key, isNeeded: true, isCall: false, keepAlive: keepAlive, progress: progress)
    }

    /// A model that the job has a use for only where it is loaded. Its time goes on.
    package static func ifLoaded(_ key: ModelKey) -> ModelUse {
        ModelUse(key: key, isNeeded: false, isCall: true, keepAlive: nil, progress: nil)
    }
}

/// Work for the engine's thread, done step by step: caller, model, cancellation, and the closures that do it.
package struct Job: Sendable {
    /// Does the next step; `false`: that was the last. Lives and runs on the engine's thread.
    package typealias Continuation = () -> Bool

    package let caller: Caller
    package let use: ModelUse
    let cancellation: Cancellation
    /// Begins, on the engine's thread, with the milliseconds that the job waited; `nil`: nothing is left to do. There
    /// is a segmenter where the model is loaded.
    let begin: @Sendable (Segmenter?, Workspace, Cancellation, Float) -> Continuation?
    /// Whether there is room for the output of another step; called on any thread.
    let hasRoom: @Sendable () -> Bool
    /// Called instead of `begin`, on any thread: the job is displaced from a full queue, or its model cannot be loaded.
    let refuse: @Sendable (SegmentationError) -> Void

    /// A handle to withdraw the job by; keeps neither its closures nor what they capture alive.
    package struct Ticket: Sendable {
        let cancellation: Cancellation

        package var id: ObjectIdentifier { ObjectIdentifier(cancellation) }
    }

    package var ticket: Ticket { Ticket(cancellation: cancellation) }

    /// A job that needs its model.
    ///
    /// - Parameter deadline: when the answer has become useless; `nil`: never
    package init(
        caller: Caller, needing model: ModelUse, deadline: SuspendingClock.Instant?,
        hasRoom: @escaping @Sendable () -> Bool,
        begin: @escaping @Sendable (Segmenter, Cancellation, Float) -> Continuation?,
        refuse: @escaping @Sendable (SegmentationError) -> Void
    ) {
        precondition(model.isNeeded, "a job that may run without its model")
        self.init(caller: caller, use: model, deadline: deadline, hasRoom: hasRoom) {
            segmenter, _, cancellation, queued in
            guard let segmenter else { preconditionFailure("a job's turn comes when its model is loaded") }
            return begin(segmenter, cancellation, queued)
        } refuse: {
            refuse($0)
        }
    }

    /// A job of one step that needs its model.
    package init(
        caller: Caller, needing model: ModelUse, deadline: SuspendingClock.Instant?,
        run: @escaping @Sendable (Segmenter, Cancellation, Float) -> Void,
        refuse: @escaping @Sendable (SegmentationError) -> Void
    ) {
        self.init(caller: caller, needing: model, deadline: deadline, hasRoom: { true }) {
            segmenter, cancellation, queued in
            run(segmenter, cancellation, queued)
            return nil
        } refuse: {
            refuse($0)
        }
    }

    /// A job of one step that gets a segmenter where its model is loaded.
    package init(
        caller: Caller, using model: ModelUse, deadline: SuspendingClock.Instant?,
        run: @escaping @Sendable (Segmenter?, Workspace, Cancellation) -> Void,
        refuse: @escaping @Sendable (SegmentationError) -> Void
    ) {
        self.init(caller: caller, use: model, deadline: deadline, hasRoom: { true }) {
            segmenter, workspace, cancellation, _ in
            run(segmenter, workspace, cancellation)
            return nil
        } refuse: {
            refuse($0)
        }
    }

    private init(
        caller: Caller, use: ModelUse, deadline: SuspendingClock.Instant?, hasRoom: @escaping @Sendable () -> Bool,
        begin: @escaping @Sendable (Segmenter?, Workspace, Cancellation, Float) -> Continuation?,
        refuse: @escaping @Sendable (SegmentationError) -> Void
    ) {
        self.caller = caller
        self.use = use
        self.hasRoom = hasRoom
        self.begin = begin
        self.refuse = refuse
        cancellation = Cancellation(deadline: deadline)
    }
}

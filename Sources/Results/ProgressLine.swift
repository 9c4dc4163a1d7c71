import Glibc
package import RPC
import Synchronization

/// A progress line on the terminal, for work that takes longer than half a second; nothing where standard error is no
/// terminal, or one without escape sequences.
package final class ProgressLine: Sendable {
    private struct State {
        var stage: String
        /// Of the answer, once its header says them.
        var labels = 0
        /// Whether the seconds since the beginning stand after the stage.
        var isTimed = true
        var isDone = false
        var isShown = false

        func erase() {
            if isShown { _ = Streams.write(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
        }
    }

    private static let delay = Duration.milliseconds(500)
    private static let interval = Duration.milliseconds(200)

    /// The line of this process that is not finished.
    private static let current = Mutex<ProgressLine?>(nil)

    private let state: Mutex<State>
    private let began = ContinuousClock.now

    package init(_ stage: String) {
        state = Mutex(State(stage: stage))
        guard Self.isAnimated else { return }
        Self.current.withLock { $0 = self }
        Task.detached { [self] in
            try await Task.sleep(for: Self.delay)
            while show() { try await Task.sleep(for: Self.interval) }
        }
    }

    /// Updates the text for the stage after a reply.
    package func advance(_ reply: SegmentReply) {
        state.withLock { state in
            switch reply {
            case .header(let header):
                state.labels = header.labels.count
                state.stage = "looking at \(header.width) x \(header.height) pixels"
            case .scoreMap(let map): state.stage = "label \(Int(map.label) + 1) of \(state.labels)"
            case .loading(let loading): state.stage = loading.long
            case .probed(let probed): state.stage = probed.name
            case .mask, .trailer: break
            }
        }
    }

    /// Updates the text while a model is loaded.
    package func advance(_ loading: Loading) {
        state.withLock { $0.stage = loading.long }
    }

    /// Updates the text for a stage that says itself how long it takes.
    package func advance(_ stage: String) {
        state.withLock { ($0.stage, $0.isTimed) = (stage, false) }
    }

    /// Whether there is a line at all; else nobody need tell of progress.
    static var isAnimated: Bool { Streams.errorsAreAnimated }

    /// Prints a message above the line.
    package func say(_ message: String) {
        state.withLock { state in
            state.erase()
            Streams.say(message)
        }
    }

    /// Writes to standard output, above the line.
    func write(_ data: [UInt8]) throws(FileError) {
        try state.withLock { state throws(FileError) in
            state.erase()
            try Streams.write(data)
        }
    }

    /// Prints a message above the line that is shown, if there is one.
    package static func sayAbove(_ message: String) {
        if let line = current.withLock(\.self) { line.say(message) } else { Streams.say(message) }
    }

    /// Erases the line.
    package func finish() {
        Self.current.withLock { if $0 === self { $0 = nil } }
        state.withLock { state in
            state.isDone = true
            state.erase()
        }
    }

    /// Redraws the line; `false` once ``finish()`` was called.
    private func show() -> Bool {
        state.withLock { state in
            guard !state.isDone else { return false }
            state.isShown = true
            let tenths = Int(began.duration(to: .now) / .milliseconds(100))
            let time = state.isTimed ? "  \(tenths / 10).\(tenths % 10) s" : ""
            let text = "\r\u{1B}[K\(Streams.printable(state.stage))\(time)"
            return Streams.write(Array(text.utf8), to: STDERR_FILENO)
        }
    }
}

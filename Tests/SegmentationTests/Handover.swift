import Dispatch
import Synchronization

/// A value that the engine's thread gives and a test waits for, once.
final class Handover<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let given = DispatchSemaphore(value: 0)

    func give(_ newValue: Value) {
        value.withLock { $0 = newValue }
        given.signal()
    }

    /// Blocks until the value is there.
    func take() -> Value {
        given.wait()
        defer { given.signal() }
        guard let value = value.withLock(\.self) else { preconditionFailure("signalled without a value") }
        return value
    }
}

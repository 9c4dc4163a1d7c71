import Dispatch
import Synchronization

/// A value that the engine's thread gives and another thread waits for, once.
package final class Handover<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let given = DispatchSemaphore(value: 0)

    package init() {}

    package func give(_ newValue: Value) {
        value.withLock { $0 = newValue }
        given.signal()
    }

    /// Blocks until the value is there.
    package func take() -> Value {
        given.wait()
        defer { given.signal() }
        guard let value = value.withLock(\.self) else { preconditionFailure("signalled without a value") }
        return value
    }
}

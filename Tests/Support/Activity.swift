package import RPC

extension Activity {
    /// Of a daemon that does nothing, and tells nothing of others.
    package static let none = Activity(
        running: nil, users: [], failures: [], incomingBytes: 0, answerBytes: 0, stuckMilliseconds: 0,
        isAdministrator: false)
}

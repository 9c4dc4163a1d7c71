import RPC

/// What the daemon does, and for whom, as `dseg status` and `dseg top` print it.
struct ActivityReport {
    private let activity: Activity
    private let user: (UInt32) -> String

    /// - Parameter user: how a uid's user is called
    init(_ activity: Activity, user: @escaping (UInt32) -> String) { (self.activity, self.user) = (activity, user) }

    // MARK: Lines

    /// What is computed; `nil`: nothing, or nothing that the caller may know.
    var running: (heading: String, text: String)? {
        activity.running.map { call in
            let parts =
                [
                    "\(call.method) of \(user(call.user)) for \(Self.time(call.ageMilliseconds))",
                    "\(call.stage), its last step \(Self.time(call.stepMilliseconds)) ago",
                ] + (call.model.isEmpty ? [] : ["model \(call.model)"])
                + (call.requestID.isEmpty ? [] : ["request \(call.requestID)"])
            return ("running", parts.joined(separator: ", "))
        }
    }

    /// That the engine makes no progress.
    var stuck: (heading: String, text: String)? {
        guard activity.stuckMilliseconds > 0 else { return nil }
        let time = Amount.duration(milliseconds: activity.stuckMilliseconds)
        return ("stuck", "in one step for \(time); where that goes on, restart the daemon")
    }

    /// What is in memory for calls.
    var held: (heading: String, text: String)? {
        guard activity.incomingBytes > 0 || activity.answerBytes > 0 else { return nil }
        return (
            "held",
            "\(Amount.bytes(activity.incomingBytes)) of pictures and questions, "
                + "\(Amount.bytes(activity.answerBytes)) of answers"
        )
    }

    private static func time(_ milliseconds: UInt64) -> String {
        milliseconds == 0 ? "0 ms" : Amount.time(milliseconds: Float(milliseconds))
    }

    // MARK: Tables

    /// A row for each user who is connected; none where nobody is told of.
    var users: [[String]] {
        guard !activity.users.isEmpty else { return [] }
        let heading = [
            "USER", "UID", "STANDING", "CONNECTIONS", "CALLS", "PICTURES", "ANSWERS", "ANSWERED", "FAILED",
        ]
        return [heading]
            + activity.users.map { one in
                [
                    user(one.user), "\(one.user)", one.standing, "\(one.connections)", "\(one.calls)",
                    Amount.bytes(one.incomingBytes), Amount.bytes(one.answerBytes), "\(one.answered)", "\(one.failed)",
                ]
            }
    }

    /// A row for each of the last calls that failed, the newest first.
    var failures: [[String]] {
        guard !activity.failures.isEmpty else { return [] }
        return [["FAILED", "USER", "CALL", "RESULT", "REASON", "REQUEST"]]
            + activity.failures.map { one in
                [
                    "\(Amount.duration(milliseconds: one.ageMilliseconds)) ago", user(one.user), one.method,
                    "\(one.code)", one.reason.isEmpty ? "-" : one.reason,
                    one.requestID.isEmpty ? "-" : one.requestID,
                ]
            }
    }

    /// That there may be more.
    var note: String? { activity.isAdministrator ? nil : "What other users do is told to administrators." }
}

// MARK: JSON

/// What `dseg status --json` prints of what the daemon does.
struct ActivityRecord: Encodable {
    struct Running: Encodable {
        let method: String
        let user: UInt32
        let requestID: String
        let model: String
        let stage: String
        let ageMilliseconds: UInt64
        let stepMilliseconds: UInt64
    }

    struct User: Encodable {
        let user: UInt32
        let standing: String
        let connections: UInt32
        let calls: UInt32
        let incomingBytes: UInt64
        let answerBytes: UInt64
        let answered: UInt64
        let failed: UInt64
    }

    struct Failure: Encodable {
        let ageMilliseconds: UInt64
        let user: UInt32
        let method: String
        let requestID: String
        let code: String
        /// `nil`: nothing says that it may be served later.
        let reason: String?
    }

    let administrator: Bool
    /// `nil`: nothing runs, or another user's.
    let running: Running?
    let users: [User]
    let failures: [Failure]
    let incomingBytes: UInt64
    let answerBytes: UInt64
    let stuckMilliseconds: UInt64

    init(_ activity: Activity) {
        administrator = activity.isAdministrator
        running = activity.running.map {
            Running(
                method: $0.method, user: $0.user, requestID: $0.requestID, model: $0.model, stage: $0.stage,
                ageMilliseconds: $0.ageMilliseconds, stepMilliseconds: $0.stepMilliseconds)
        }
        users = activity.users.map {
            User(
                user: $0.user, standing: $0.standing, connections: $0.connections, calls: $0.calls,
                incomingBytes: $0.incomingBytes, answerBytes: $0.answerBytes, answered: $0.answered, failed: $0.failed)
        }
        failures = activity.failures.map {
            Failure(
                ageMilliseconds: $0.ageMilliseconds, user: $0.user, method: $0.method, requestID: $0.requestID,
                code: "\($0.code)", reason: $0.reason.isEmpty ? nil : $0.reason)
        }
        incomingBytes = activity.incomingBytes
        answerBytes = activity.answerBytes
        stuckMilliseconds = activity.stuckMilliseconds
    }
}

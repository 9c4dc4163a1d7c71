import NIOCore
import RPC
import Segmentation
import Texts

/// What Status tells of calls and users, to each what is theirs, and all to administrators.
extension ConnectionTable {
    /// For how long the engine has been in one step, where that is longer than any step takes; `nil`: it moves.
    var stuck: Duration? {
        let silence = service.engine.pulse.silence(at: .now)
        return silence >= service.limits.stuck ? silence : nil
    }

    /// - Parameters:
    ///   - owner: the uid of the user who asks
    ///   - standing: as what that user asks
    func activity(toldTo owner: UInt32, _ standing: Standing) -> Activity {
        let isAdministrator = standing == .administrator
        let owners = isAdministrator ? users.owners : [owner]
        let connected = isAdministrator ? Set(all.map(\.owner)).sorted() : [owner]
        let running = service.engine.runningJob.flatMap { job in
            isAdministrator || job.caller.owner == owner ? call(of: job) : nil
        }
        return Activity(
            running: running, users: connected.map(status),
            failures: users.failures(of: owners).map { CallFailure($0.failure, of: $0.owner) },
            incomingBytes: UInt64(isAdministrator ? incoming.used : incoming.used(by: owner)),
            answerBytes: UInt64(isAdministrator ? answers.used : answers.used(by: owner)),
            stuckMilliseconds: stuck.map { UInt64($0 / .milliseconds(1)) } ?? 0, isAdministrator: isAdministrator)
    }

    private func status(of owner: UInt32) -> UserStatus {
        let connections = all.filter { $0.owner == owner }
        let calls = connections.reduce(0) { $0 + $1.calls.count }
        let standing = connections.first.flatMap { service.standing(of: $0.peer) } ?? .user
        let record = users[owner]
        return UserStatus(
            user: owner, standing: standing.rawValue, connections: UInt32(count(of: owner)),
            calls: UInt32(calls), incomingBytes: UInt64(incoming.used(by: owner)),
            answerBytes: UInt64(answers.used(by: owner)), answered: UInt64(record.answered),
            failed: UInt64(record.failed))
    }

    /// The call of a job: without method and identifier where it has ended, and its job will at its next step.
    private func call(of job: RunningJob) -> RunningCall {
        let now = SuspendingClock.now
        let call = self[job.caller.connection]?.calls.values.first { $0.ticket?.id == job.ticket.id }
        return RunningCall(
            method: call?.record.method?.name ?? "", user: job.caller.owner, requestID: call?.record.requestID ?? "",
            model: job.model == .none ? "" : job.model.name.text, stage: job.stage.map { "\($0)" } ?? "",
            ageMilliseconds: UInt64(job.since.duration(to: now) / .milliseconds(1)),
            stepMilliseconds: UInt64(job.moved.duration(to: now) / .milliseconds(1)))
    }
}

extension CallFailure {
    fileprivate init(_ failure: UserRecords.Failure, of owner: UInt32) {
        let age = NIODeadline.now() - failure.time
        self.init(
            ageMilliseconds: UInt64(age.nanoseconds / 1_000_000), user: owner, method: failure.method,
            requestID: failure.requestID, code: failure.code, reason: failure.reason?.rawValue ?? "")
    }
}

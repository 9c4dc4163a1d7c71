import Limits
import NIOCore
import RPC

/// What became of each user's calls, since the daemon started. A value without clock.
struct UserRecords {
    struct Failure {
        let time: NIODeadline
        let method: String
        let requestID: String
        let code: RPCStatus.Code
        let reason: Refusal.Reason?
    }

    struct Record {
        fileprivate(set) var answered = 0
        fileprivate(set) var failed = 0
        /// The last, the newest last. Each user has their own: nobody sees by theirs that others failed.
        fileprivate(set) var failures: [Failure] = []
    }

    private var records: [UInt32: Record] = [:]

    subscript(owner: UInt32) -> Record { records[owner] ?? Record() }

    /// The last failures of some users, the newest first.
    func failures(of owners: [UInt32]) -> [(owner: UInt32, failure: Failure)] {
        let all = owners.flatMap { owner in self[owner].failures.map { (owner, $0) } }
        return Array(all.sorted { $0.1.time > $1.1.time }.prefix(Limit.failures))
    }

    /// All users of whom anything is known.
    var owners: [UInt32] { Array(records.keys) }

    /// A call has ended.
    ///
    /// - Parameters:
    ///   - failure: `nil`: it was answered
    ///   - mayForget: whether what is known of another user may be forgotten, where too many are known
    mutating func note(_ failure: Failure?, of owner: UInt32, where mayForget: (UInt32) -> Bool) {
        if records[owner] == nil, records.count >= Limit.users {
            // Rare, so that nobody needs their order.
            guard let other = records.keys.first(where: mayForget) else { return }
            records[other] = nil
        }
        var record = records.removeValue(forKey: owner) ?? Record()
        if let failure {
            record.failed += 1
            if record.failures.count == Limit.failures { record.failures.removeFirst() }
            record.failures.append(failure)
        } else {
            record.answered += 1
        }
        records[owner] = record
    }
}

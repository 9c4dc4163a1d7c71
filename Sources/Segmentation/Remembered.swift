/// The users whose questions needed something that is remembered.
///
/// What one user asked is nobody else's business: a report counts as known what the same user's questions needed.
struct Owners: Sendable {
    private var uids: [UInt32] = []

    func contains(_ owner: UInt32) -> Bool { uids.contains(owner) }

    /// Adds a user; returns whether they were among them.
    mutating func note(_ owner: UInt32) -> Bool {
        if uids.contains(owner) { return true }
        uids.append(owner)
        return false
    }
}

/// A remembered value, and for whom.
final class Remembered<Value> {
    let value: Value
    var owners = Owners()

    /// - Parameter owner: whose question needed it first
    init(_ value: Value, for owner: UInt32) {
        self.value = value
        _ = owners.note(owner)
    }
}

/// The users whose requests needed a cached value.
///
/// Privacy: a report counts a cache hit only where the same user's earlier requests needed the entry, so that nobody
/// can tell from it what other users asked, unless part of what they had cached was evicted.
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

/// A cached value, and the users whose requests needed it.
final class Remembered<Value> {
    let value: Value
    var owners = Owners()

    /// - Parameter owner: the user whose request needed it first
    init(_ value: Value, for owner: UInt32) {
        self.value = value
        _ = owners.note(owner)
    }
}

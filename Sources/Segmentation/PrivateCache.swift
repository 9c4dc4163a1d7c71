/// Values by user and key: what one user's requests put there, no other user's find, so that neither an answer nor the
/// time that it takes tells what others have asked.
///
/// The bound in bytes is of all users together. Where it is reached the user who holds most gives way, with what they
/// used the longest ago: nobody's values go for those of one who has more, but for a single one that is larger than a
/// share.
package struct PrivateCache<Key: Hashable, Value> {
    package private(set) var limit: Int
    package private(set) var bytes = 0
    /// None is empty.
    private var shares: [UInt32: Cache<Key, Value>] = [:]

    package init(limit: Int) {
        self.limit = limit
    }

    package var count: Int { shares.values.reduce(0) { $0 + $1.count } }

    /// The uids of those who hold anything.
    package var owners: some Sequence<UInt32> { shares.keys }

    package func count(of owner: UInt32) -> Int { shares[owner]?.count ?? 0 }

    package func bytes(of owner: UInt32) -> Int { shares[owner]?.bytes ?? 0 }

    /// The user's value, from here on the one that they used last.
    package mutating func value(for key: Key, of owner: UInt32) -> Value? {
        shares[owner]?.value(for: key)
    }

    /// A value larger than the bound is not kept.
    package mutating func insert(_ value: Value, bytes size: Int, for key: Key, of owner: UInt32) {
        remove(key, of: owner)
        guard size <= limit else { return }
        while bytes > limit - size, evictOne(before: (owner, size)) {}
        change(owner) { $0.insert(value, bytes: size, for: key) }
    }

    /// Changes the bound; who holds most gives way first.
    package mutating func limit(to bytes: Int) {
        limit = bytes
        for owner in Array(shares.keys) { change(owner) { $0.limit(to: bytes) } }
        evict()
    }

    package mutating func remove(_ key: Key, of owner: UInt32) {
        change(owner) { $0.remove(key) }
    }

    package mutating func removeAll() { self = PrivateCache(limit: limit) }

    /// Removes the entries whose keys are chosen, and leaves the others in their order of use.
    package mutating func removeAll(where isGone: (Key) -> Bool) {
        for owner in Array(shares.keys) { change(owner) { $0.removeAll(where: isGone) } }
    }

    /// Changes every value, at its place in the order of use.
    package mutating func changeAll(_ change: (Value) -> (value: Value, bytes: Int)) {
        for owner in Array(shares.keys) { self.change(owner) { $0.changeAll(change) } }
        evict()
    }

    private mutating func evict() {
        while bytes > limit, evictOne(before: nil) {}
    }

    /// Removes what the user who holds most used the longest ago.
    ///
    /// - Parameter new: bytes that a user is about to add, which count as theirs
    /// - Returns: whether there was anything
    private mutating func evictOne(before new: (owner: UInt32, bytes: Int)?) -> Bool {
        func weight(_ share: (key: UInt32, value: Cache<Key, Value>)) -> Int {
            share.value.bytes + (share.key == new?.owner ? new?.bytes ?? 0 : 0)
        }
        let most = shares.max { (weight($0), $0.key) < (weight($1), $1.key) }
        guard let owner = most?.key else { return false }
        change(owner) { $0.removeOldest() }
        return true
    }

    /// Changes what a user holds.
    private mutating func change(_ owner: UInt32, _ body: (inout Cache<Key, Value>) -> Void) {
        var share = shares.removeValue(forKey: owner) ?? Cache(limit: limit)
        bytes -= share.bytes
        body(&share)
        bytes += share.bytes
        if share.count > 0 { shares[owner] = share }
    }
}

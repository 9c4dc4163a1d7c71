/// Values by key, bounded in bytes; the least recently used go first. A value larger than the bound is not kept.
package struct Cache<Key: Hashable, Value> {
    private struct Entry {
        let value: Value
        let bytes: Int
        var used: Int
    }

    package let limit: Int
    package private(set) var bytes = 0
    private var entries: [Key: Entry] = [:]
    private var clock = 0

    package var count: Int { entries.count }

    package init(limit: Int) {
        self.limit = limit
    }

    /// The value, now the most recently used.
    package mutating func value(for key: Key) -> Value? {
        clock += 1
        entries[key]?.used = clock
        return entries[key]?.value
    }

    package mutating func insert(_ value: Value, bytes size: Int, for key: Key) {
        remove(key)
        guard size <= limit else { return }
        while bytes + size > limit, let oldest = entries.min(by: { $0.value.used < $1.value.used }) {
            remove(oldest.key)
        }
        clock += 1
        entries[key] = Entry(value: value, bytes: size, used: clock)
        bytes += size
    }

    private mutating func remove(_ key: Key) {
        if let entry = entries.removeValue(forKey: key) { bytes -= entry.bytes }
    }
}

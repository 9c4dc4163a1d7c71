/// Values by key, bounded in bytes; the least recently used go first. A value larger than the bound is not kept.
///
/// Finding, inserting and evicting take constant time: entries lie in slots that a doubly linked list joins in the
/// order of use.
///
///     newest ─► slot ⇄ slot ⇄ ... ⇄ slot ◄─ oldest
package struct Cache<Key: Hashable, Value> {
    private struct Slot {
        let key: Key
        let value: Value
        let bytes: Int
        /// The slots used just after and just before this one.
        var newer: Int?
        var older: Int?
    }

    package private(set) var limit: Int
    package private(set) var bytes = 0
    private var places: [Key: Int] = [:]
    private var slots: [Slot?] = []
    /// Places of `slots` that hold nothing.
    private var free: [Int] = []
    private var newest: Int?
    private var oldest: Int?

    package var count: Int { places.count }

    package init(limit: Int) {
        self.limit = limit
    }

    /// The value, from here on the most recently used.
    package mutating func value(for key: Key) -> Value? {
        guard let place = places[key], let slot = unlink(place) else { return nil }
        link(slot, at: place)
        return slot.value
    }

    package mutating func insert(_ value: Value, bytes size: Int, for key: Key) {
        remove(key)
        guard size <= limit else { return }
        evict(to: limit - size)
        let place = free.popLast() ?? slots.count
        if place == slots.count { slots.append(nil) }
        places[key] = place
        link(Slot(key: key, value: value, bytes: size, newer: nil, older: nil), at: place)
        bytes += size
    }

    /// Changes the bound; the least recently used entries go until the others are within it.
    package mutating func limit(to bytes: Int) {
        limit = bytes
        evict(to: bytes)
    }

    private mutating func evict(to most: Int) {
        while bytes > most, oldest != nil { removeOldest() }
    }

    /// Removes the least recently used entry, if there is any.
    package mutating func removeOldest() {
        if let oldest, let key = slots[oldest]?.key { remove(key) }
    }

    package mutating func removeAll() { self = Cache(limit: limit) }

    /// Removes the entries whose keys are chosen, and leaves the others in their order of use.
    package mutating func removeAll(where isGone: (Key) -> Bool) {
        for key in places.keys.filter(isGone) { remove(key) }
    }

    /// Changes every value, at its place in the order of use.
    package mutating func changeAll(_ change: (Value) -> (value: Value, bytes: Int)) {
        for place in slots.indices {
            guard let old = slots[place] else { continue }
            let new = change(old.value)
            slots[place] = Slot(key: old.key, value: new.value, bytes: new.bytes, newer: old.newer, older: old.older)
            bytes += new.bytes - old.bytes
        }
        evict(to: limit)
    }

    package mutating func remove(_ key: Key) {
        guard let place = places.removeValue(forKey: key), let slot = unlink(place) else { return }
        free.append(place)
        bytes -= slot.bytes
    }

    /// Takes a slot out of the list and empties its place.
    private mutating func unlink(_ place: Int) -> Slot? {
        guard let slot = slots[place] else { return nil }
        if let newer = slot.newer { slots[newer]?.older = slot.older } else { newest = slot.older }
        if let older = slot.older { slots[older]?.newer = slot.newer } else { oldest = slot.newer }
        slots[place] = nil
        return slot
    }

    /// Puts a slot at an empty place, as the most recently used.
    private mutating func link(_ slot: Slot, at place: Int) {
        var slot = slot
        (slot.newer, slot.older) = (nil, newest)
        if let newest { slots[newest]?.newer = place } else { oldest = place }
        newest = place
        slots[place] = slot
    }
}

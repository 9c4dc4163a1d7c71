import Glibc

/// The user and the connection that enqueue an element.
package struct Caller: Hashable, Sendable {
    /// The user's uid.
    package let owner: UInt32
    package let connection: UInt64
    /// Whose turns the elements take: the user's; or the connection's alone, of a proxy, behind which users are many.
    fileprivate let turns: Turns

    fileprivate enum Turns: Hashable, Sendable {
        case user(UInt32)
        case connection(UInt64)
    }

    package init(owner: UInt32, connection: UInt64) {
        (self.owner, self.connection, turns) = (owner, connection, .user(owner))
    }

    /// - Parameter proxy: the uid of a proxy
    package init(behind proxy: UInt32, connection: UInt64) {
        (owner, self.connection, turns) = (proxy, connection, .connection(connection))
    }

    /// The uid of this process: whose questions those are that no client asks.
    package static var ownUser: UInt32 { geteuid() }
}

/// A fair queue: round-robin by user, then by connection, and FIFO within a connection, so that a caller with many
/// elements does not delay the others. Of a proxy each connection is a user.
///
///     users          connections      elements
///     1000 ──┬────── 7 ────────────── a b c d
///      │     └────── 9 ────────────── e
///     1001 ───────── 8 ────────────── f            leave as a f e b c d
package struct FairQueue<Element> {
    private struct Line {
        let caller: Caller
        var elements: [Element]
    }

    private struct User {
        let turns: Caller.Turns
        /// In round-robin order; none is empty.
        var lines: [Line]

        var count: Int { lines.reduce(0) { $0 + $1.elements.count } }
    }

    /// In round-robin order; none is without elements.
    private var users: [User] = []

    package var count: Int { users.reduce(0) { $0 + $1.count } }
    package var isEmpty: Bool { users.isEmpty }

    package init() {}

    package mutating func append(_ element: Element, from caller: Caller) {
        insert(element, from: caller, atFront: false)
    }

    /// Puts an element back that has had a turn: ahead of its connection's others, after the turns of other callers.
    package mutating func putBack(_ element: Element, from caller: Caller) {
        insert(element, from: caller, atFront: true)
    }

    private mutating func insert(_ element: Element, from caller: Caller, atFront: Bool) {
        let user = users.firstIndex { $0.turns == caller.turns } ?? users.count
        if user == users.count { users.append(User(turns: caller.turns, lines: [])) }
        if let line = users[user].lines.firstIndex(where: { $0.caller == caller }) {
            let end = users[user].lines[line].elements.endIndex
            users[user].lines[line].elements.insert(element, at: atFront ? 0 : end)
        } else {
            users[user].lines.append(Line(caller: caller, elements: [element]))
        }
    }

    /// How many elements would leave before a new one of `caller`, if nothing else came.
    package func position(for caller: Caller) -> Int {
        let place = users.firstIndex { $0.turns == caller.turns } ?? users.count
        let lines = place < users.count ? users[place].lines : []
        let line = lines.firstIndex { $0.caller == caller } ?? lines.count
        // The new one is the last of its line, in whose turn it leaves; and that is a turn of its user's.
        let own = Self.turns(before: line < lines.count ? lines[line].elements.count : 0, of: line) { other in
            other < lines.count ? lines[other].elements.count : nil
        }
        return Self.turns(before: own, of: place) { other in other < users.count ? users[other].count : nil }
    }

    /// Of a round robin: how many elements leave before the one of `place` that has `ahead` before it there.
    ///
    /// - Parameter count: of the elements at a place; `nil` beyond the last
    private static func turns(before ahead: Int, of place: Int, count: (Int) -> Int?) -> Int {
        var (turns, other) = (ahead, 0)
        while let count = count(other) {
            if other != place { turns += min(count, other < place ? ahead + 1 : ahead) }
            other += 1
        }
        return turns
    }

    /// All elements, in no particular order.
    package var elements: [Element] { users.flatMap { $0.lines.flatMap(\.elements) } }

    /// Takes the element whose turn it is.
    package mutating func popFirst() -> Element? { popFirst { _ in true } }

    /// Takes the element whose turn it is, of those that are ready; the others keep their places.
    package mutating func popFirst(where isReady: (Element) -> Bool) -> Element? {
        for place in users.indices {
            for line in users[place].lines.indices {
                guard let first = users[place].lines[line].elements.firstIndex(where: isReady) else { continue }
                var user = users.remove(at: place)
                var rest = user.lines.remove(at: line)
                let element = rest.elements.remove(at: first)
                if !rest.elements.isEmpty { user.lines.append(rest) }
                if !user.lines.isEmpty { users.append(user) }
                return element
            }
        }
        return nil
    }

    /// Removes all elements that match, and returns them in no particular order.
    package mutating func removeAll(where isUnwanted: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        for user in users.indices {
            for line in users[user].lines.indices {
                removed += users[user].lines[line].elements.filter(isUnwanted)
                users[user].lines[line].elements.removeAll(where: isUnwanted)
            }
            users[user].lines.removeAll(where: \.elements.isEmpty)
        }
        users.removeAll(where: \.lines.isEmpty)
        return removed
    }

    /// Removes the newest element of the longest queue (longest queue drop), so that a full queue has room for one of
    /// `caller`: of the user with most elements, else of the longest connection of the caller's own user; `nil` where
    /// neither has more than `caller` would have with its new element.
    ///
    /// - Parameter mayGo: `false` for an element that must not be removed
    package mutating func makeRoom(for caller: Caller, where mayGo: (Element) -> Bool) -> Element? {
        let own = users.firstIndex { $0.turns == caller.turns }
        let ownCount = own.map { users[$0].count } ?? 0
        if let longest = users.indices.max(by: { users[$0].count < users[$1].count }),
            users[longest].count > ownCount + 1
        {
            return removeNewest(ofUser: longest, over: 0, where: mayGo)
        }
        guard let own else { return nil }
        let count = users[own].lines.first { $0.caller == caller }?.elements.count ?? 0
        return removeNewest(ofUser: own, over: count + 1, where: mayGo)
    }

    /// Takes the newest element of a user's longest line, if that has more than `count`.
    private mutating func removeNewest(
        ofUser user: Int, over count: Int, where mayGo: (Element) -> Bool
    ) -> Element? {
        let lines = users[user].lines
        let lengths = lines.map { $0.elements.last.map(mayGo) == true ? $0.elements.count : 0 }
        guard let line = lengths.indices.max(by: { lengths[$0] < lengths[$1] }), lengths[line] > count else {
            return nil
        }
        let element = users[user].lines[line].elements.removeLast()
        users[user].lines.removeAll(where: \.elements.isEmpty)
        users.removeAll(where: \.lines.isEmpty)
        return element
    }
}

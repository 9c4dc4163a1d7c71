import Segmentation
import Support
import Testing

/// An element that knows where it came from, and when.
private struct Ticket: Equatable {
    let owner: UInt32
    let connection: UInt64
    let number: Int

    var caller: Caller { Caller(owner: owner, connection: connection) }
}

private func room(_ queue: inout FairQueue<Ticket>, _ owner: UInt32, _ connection: UInt64) -> Ticket? {
    queue.makeRoom(for: Caller(owner: owner, connection: connection)) { _ in true }
}

private func drained(_ queue: FairQueue<Ticket>) -> [Ticket] {
    var (queue, tickets) = (queue, [Ticket]())
    while let ticket = queue.popFirst() { tickets.append(ticket) }
    return tickets
}

@Suite struct `a fair queue` {
    @Test func `of one connection is first come, first served`() {
        var queue = FairQueue<Ticket>()
        #expect(queue.isEmpty && queue.popFirst() == nil)
        let tickets = (0..<5).map { Ticket(owner: 1, connection: 1, number: $0) }
        for ticket in tickets { queue.append(ticket, from: ticket.caller) }
        #expect(queue.count == 5 && !queue.isEmpty)
        #expect(drained(queue) == tickets)
    }

    /// Between two turns of any caller there is at most one of each other.
    private func expectAlternation(of turns: [UInt64]) {
        for caller in Set(turns) {
            let places = turns.indices.filter { turns[$0] == caller }
            for (start, end) in zip(places, places.dropFirst()) {
                let others = turns[start + 1..<end]
                #expect(Set(others).count == others.count, "\(others) between two turns of \(caller)")
            }
        }
    }

    /// Of any two callers who wait all the time, none gets two turns between two of the other's.
    @Test(arguments: 1...20) func `gives users turns, and connections within them`(seed: Int) {
        var state = UInt64(seed)
        func draw(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        var queue = FairQueue<Ticket>()
        var waiting: [Ticket] = []
        for number in 0..<200 {
            let owner = UInt32(draw(3))
            let ticket = Ticket(owner: owner, connection: UInt64(owner * 4) + UInt64(draw(4)), number: number)
            queue.append(ticket, from: ticket.caller)
            waiting.append(ticket)
        }
        var turns: [Ticket] = []
        while let ticket = queue.popFirst() {
            let first = waiting.first { $0.caller == ticket.caller }
            #expect(first == ticket, "in order within a connection")
            waiting.removeAll { $0 == ticket }
            turns.append(ticket)
        }
        expectAlternation(of: turns.map { UInt64($0.owner) })
        for owner in 0..<3 as Range<UInt32> {
            expectAlternation(of: turns.filter { $0.owner == owner }.map(\.connection))
        }
        #expect(waiting.isEmpty && queue.isEmpty)
    }

    @Test func `gives an element another turn before those of its connection and after the others'`() {
        var queue = FairQueue<Ticket>()
        let tickets = [(1, 1), (1, 1), (1, 2), (2, 3)].enumerated().map {
            Ticket(owner: UInt32($1.0), connection: UInt64($1.1), number: $0)
        }
        for ticket in tickets { queue.append(ticket, from: ticket.caller) }
        guard let first = queue.popFirst() else { return #expect(Bool(false), "nothing waits") }
        queue.putBack(first, from: first.caller)
        #expect(drained(queue).map(\.number) == [3, 2, 0, 1])
    }

    @Test func `makes no room at the cost of what may not go`() {
        var queue = FairQueue<Ticket>()
        let tickets = (0..<3).map { Ticket(owner: 1, connection: 1, number: $0) }
        for ticket in tickets { queue.append(ticket, from: ticket.caller) }
        #expect(queue.makeRoom(for: Caller(owner: 2, connection: 2)) { $0.number < 2 } == nil)
        #expect(queue.makeRoom(for: Caller(owner: 2, connection: 2)) { $0.number == 2 }?.number == 2)
        #expect(queue.count == 2)
    }

    @Test func `loses what is removed and nothing else`() {
        var queue = FairQueue<Ticket>()
        let tickets = (0..<30).map { Ticket(owner: UInt32($0 % 2), connection: UInt64($0 % 3), number: $0) }
        for ticket in tickets { queue.append(ticket, from: ticket.caller) }
        let removed = queue.removeAll { $0.number % 3 == 0 }
        #expect(removed.map(\.number).sorted() == Array(stride(from: 0, to: 30, by: 3)))
        #expect(queue.count == 20)
        #expect(drained(queue).map(\.number).sorted() == (0..<30).filter { $0 % 3 != 0 })
        #expect(queue.removeAll { _ in true }.count == 20)
        #expect(queue.isEmpty)
    }

    @Test func `makes room at the cost of whoever has most, and only for who has less`() {
        var queue = FairQueue<Ticket>()
        func add(_ owner: UInt32, _ connection: UInt64, _ numbers: ClosedRange<Int>) {
            for number in numbers {
                let ticket = Ticket(owner: owner, connection: connection, number: number)
                queue.append(ticket, from: ticket.caller)
            }
        }
        add(1, 1, 1...4)
        add(1, 2, 5...6)
        add(2, 3, 7...8)
        #expect(room(&queue, 3, 9)?.number == 4, "user 1's longest line, newest")
        #expect(room(&queue, 2, 3)?.number == 3, "user 1 still has most")
        #expect(room(&queue, 2, 3)?.number == 2)
        #expect(room(&queue, 2, 3) == nil, "it would have as many as user 1")
        #expect(room(&queue, 1, 5)?.number == 6, "another connection of its user")
        #expect(room(&queue, 1, 5) == nil)
        #expect(queue.count == 4)
    }

    /// A queue of callers with random histories.
    private func random(_ random: inout SeededGenerator) -> FairQueue<Ticket> {
        var queue = FairQueue<Ticket>()
        for number in 0..<Int.random(in: 0..<60, using: &random) {
            let owner = UInt32.random(in: 0..<4, using: &random)
            let ticket = Ticket(owner: owner, connection: .random(in: 0..<3, using: &random), number: number)
            queue.append(ticket, from: ticket.caller)
            if Int.random(in: 0..<3, using: &random) == 0 { _ = queue.popFirst() }
        }
        return queue
    }

    @Test(arguments: 1...50) func `knows how many leave before a newcomer`(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let queue = random(&generator)
        for owner in 0..<5 as Range<UInt32> {
            for connection in 0..<4 as Range<UInt64> {
                let newcomer = Ticket(owner: owner, connection: connection, number: .max)
                var longer = queue
                longer.append(newcomer, from: newcomer.caller)
                #expect(drained(longer).firstIndex(of: newcomer) == queue.position(for: newcomer.caller))
            }
        }
    }

    /// Of a user who comes when others have thousands of elements, one each of theirs is before the first.
    @Test(arguments: [1, 2, 5]) func `has nobody wait for a batch`(users: Int) {
        var queue = FairQueue<Ticket>()
        for number in 0..<1000 {
            for owner in 0..<users {
                let ticket = Ticket(owner: UInt32(owner), connection: UInt64(number % 7), number: number)
                queue.append(ticket, from: ticket.caller)
            }
        }
        #expect(queue.position(for: Caller(owner: 99, connection: 1)) == users)
        let newcomer = Ticket(owner: 99, connection: 1, number: 0)
        queue.append(newcomer, from: newcomer.caller)
        let before = drained(queue).prefix { $0 != newcomer }
        #expect(before.count == users && Set(before.map(\.owner)).count == users)
    }
}

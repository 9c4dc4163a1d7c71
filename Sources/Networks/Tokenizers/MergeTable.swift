/// The merges of byte-pair encoding: for each pair of neighbouring tokens the merged token and its rank.
struct MergeTable: Sendable {
    /// The merge of a pair.
    struct Merge: Sendable {
        /// The pair's index in the list of merges; the lowest is merged first.
        let rank: Int32
        let token: Token
    }

    private var merges: [UInt64: Merge]

    init(capacity: Int) {
        merges = Dictionary(minimumCapacity: capacity)
    }

    /// The merge of `left` with the `right` after it.
    subscript(left: Token, right: Token) -> Merge? {
        get { merges[Self.key(left, right)] }
        set { merges[Self.key(left, right)] = newValue }
    }

    private static func key(_ left: Token, _ right: Token) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The tokens of a word after all merges: the lowest rank first, of equal ranks the leftmost.
    ///
    /// Candidates are in a priority queue: O(n log n) for n bytes, where a scan for each merge would take O(n²).
    func merged(_ word: [Token]) -> [Token] {
        guard word.count > 1 else { return word }
        var tokens: [Token?] = word
        var next = Array(1...word.count)
        var previous = Array(-1..<word.count - 1)
        var candidates = CandidateQueue()

        func candidate(at place: Int) -> Candidate? {
            guard place >= 0, next[place] < word.count, let left = tokens[place],
                let right = tokens[next[place]], let merge = self[left, right]
            else { return nil }
            return Candidate(rank: merge.rank, place: place, token: merge.token)
        }

        for place in word.indices {
            if let found = candidate(at: place) { candidates.insert(found) }
        }
        while let best = candidates.popFirst() {
            guard candidate(at: best.place)?.token == best.token else { continue }
            let absorbed = next[best.place]
            tokens[best.place] = best.token
            tokens[absorbed] = nil
            next[best.place] = next[absorbed]
            if next[absorbed] < word.count { previous[next[absorbed]] = best.place }
            for place in [previous[best.place], best.place] {
                if let found = candidate(at: place) { candidates.insert(found) }
            }
        }
        return tokens.compactMap { $0 }
    }
}

/// A merge that may happen at a place in a word.
private struct Candidate: Comparable {
    let rank: Int32
    let place: Int
    let token: Token

    static func < (one: Candidate, other: Candidate) -> Bool {
        (one.rank, one.place) < (other.rank, other.place)
    }
}

/// The candidates as a binary heap, least first.
private struct CandidateQueue {
    private var heap: [Candidate] = []

    mutating func insert(_ candidate: Candidate) {
        heap.append(candidate)
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst() -> Candidate? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child] < heap[least] { least = child }
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

import CKernels
import Glibc
import Kernels
import Testing

/// Labels that have one softmax, each of some phrases.
private struct Question {
    let queries: FixedPoint
    let heads: Int
    let labels: [[PhraseQuery]]

    /// Phrases with 1 to 77 keys and one or two positions.
    init(rows: Int, heads: Int, width: Int, phrases: [Int]) {
        var draw = Draw(seed: rows)
        self.heads = heads
        queries = fixed(draw.matrix(rows, heads * width), heads: heads, queries: true)
        var counts = [77, 1, 6, 7, 13, 40][...]
        labels = phrases.map { count in
            (0..<count).map { _ in
                let keys = counts.removeFirst()
                return PhraseQuery(
                    keys: fixed(draw.matrix(keys, heads * width), heads: heads, queries: false),
                    positions: Set([keys / 2, keys - 1]).sorted().map(Int32.init))
            }
        }
    }

    /// The maps of each label's phrases.
    func maps(_ labels: [[PhraseQuery]]? = nil, share: Float = 0.3) throws -> [[[Float]]] {
        let labels = labels ?? self.labels
        var arena = try Arena(reserving: 1 << 36)
        return arena.scope { arena in
            let count = labels.reduce(0) { $0 + $1.count }
            let maps = arena.matrix(rows: count, columns: ScoreKernels.columns(queries: queries.rows))
            maps.fill([Float](repeating: 0, count: maps.rows * maps.columns))
            ScoreKernels.score(queries, joining: labels, share: share, addingTo: maps, &arena)
            var rows = (0..<count).map { maps.rows($0..<$0 + 1).columns(0..<queries.rows).array }[...]
            return labels.map { phrases in phrases.map { _ in rows.removeFirst() } }
        }
    }

    /// e^(q k / √D) of a phrase's keys.
    private func powers(_ phrase: PhraseQuery, _ row: Int, _ head: Int) -> [Double] {
        let width = queries.columns / heads
        return (0..<phrase.keys.rows).map { key in
            let product = (0..<width).reduce(0) {
                $0 + Double(queries.query(row, head, $1)) * Double(phrase.keys.key(key, head, $1))
            }
            return exp(product / Double(width).squareRoot())
        }
    }

    /// The definition, in doubles, which need no common unit.
    func expected(_ label: Int, _ phrase: Int, row: Int, share: Double) -> Double {
        func chosen(_ phrase: PhraseQuery, _ powers: [Double]) -> Double {
            phrase.positions.reduce(0) { $0 + powers[Int($1)] }
        }
        let parts = (0..<heads).map { head in
            let others = labels.indices.reduce(0) { sum, other in
                guard other != label else { return sum }
                let all = labels[other].map { chosen($0, powers($0, row, head)) }
                return sum + all.reduce(0, +) / Double(all.count)
            }
            let own = labels[label][phrase]
            let all = powers(own, row, head)
            return chosen(own, all) / Double(own.positions.count) / (all.reduce(0, +) + others)
        }
        return parts.reduce(0, +) / Double(heads) * share
    }
}

@Suite struct JointScoreTests {
    @Test func `dseg_score_jointly keeps its definition`() throws {
        for (rows, heads, width) in [(1, 1, 4), (17, 2, 5), (140, 3, 7), (33, 1, 40)] {
            for phrases in [[1], [1, 1], [1, 1, 1, 1], [2, 1, 3], [6]] {
                let question = Question(rows: rows, heads: heads, width: width, phrases: phrases)
                for (label, maps) in try question.maps(share: 0.7).enumerated() {
                    for (phrase, map) in maps.enumerated() {
                        let misses = map.indices.filter { row in
                            let value = question.expected(label, phrase, row: row, share: Double(Float(0.7)))
                            return abs(Double(map[row]) - value) > 4e-6 * value
                        }
                        #expect(misses.isEmpty, "\(rows) queries, \(phrases), label \(label), phrase \(phrase)")
                    }
                }
            }
        }
    }

    @Test func `a label alone has its own softmax, and no bit depends on the labels' order`() throws {
        let question = Question(rows: 140, heads: 3, width: 8, phrases: [1, 2, 1, 2])
        func bits(_ maps: [[[Float]]]) -> [[[UInt32]]] { maps.map { $0.map { $0.map(\.bitPattern) } } }
        let all = bits(try question.maps())
        for turn in 1..<4 {
            let order = (0..<4).map { ($0 + turn) % 4 }
            #expect(bits(try question.maps(order.map { question.labels[$0] })) == order.map { all[$0] })
        }
        #expect(bits(try question.maps(question.labels.reversed())) == all.reversed())
        for (label, phrases) in question.labels.enumerated() {
            let own = try scores(question.queries, phrases, share: 0.3).map { $0.map(\.bitPattern) }
            #expect(bits(try question.maps([phrases])) == [own] && own != all[label])
        }
    }

    @Test func `what is not a number spoils all that it is added to`() throws {
        let question = Question(rows: 20, heads: 1, width: 4, phrases: [2, 1, 1])
        for bad in [Float.nan, .infinity] {
            let spoilt = fixed(Framed(rows: 3, columns: 4) { row, _ in row == 1 ? bad : 1 }, heads: 1, queries: false)
            func areNaN(position: Int32) throws -> [[Bool]] {
                let phrase = PhraseQuery(keys: spoilt, positions: [position])
                let labels = [[question.labels[0][0], phrase]] + question.labels[1...]
                return try question.maps(labels).map { $0.map { $0.allSatisfy(\.isNaN) } }
            }
            #expect(try areNaN(position: 1) == [[false, true], [true], [true]], "its label has another phrase")
            #expect(try areNaN(position: 0) == [[false, true], [false], [false]], "no token of the label is spoilt")
        }
    }

    @Test func `scores of ten thousand choose one key among all labels`() throws {
        let q = fixed(Framed(rows: 20, columns: 2) { $1 == 0 ? 100 * Float($0 + 1) : 1 }, heads: 1, queries: true)
        let keys = [1, 2, 3].map { factor in
            fixed(Framed(rows: 2, columns: 2) { $1 == 0 ? 100 * Float($0 * factor) : 1 }, heads: 1, queries: false)
        }
        var arena = try Arena(reserving: 1 << 36)
        arena.scope { arena in
            let maps = arena.matrix(rows: 3, columns: ScoreKernels.columns(queries: 20))
            maps.fill([Float](repeating: 0, count: maps.rows * maps.columns))
            let labels = keys.map { [PhraseQuery(keys: $0, positions: [1])] }
            ScoreKernels.score(q, joining: labels, share: 1, addingTo: maps, &arena)
            for (label, sure) in [(0, Float(0)), (1, 0), (2, 1)] {
                #expect(maps.rows(label..<label + 1).columns(0..<20).array.allSatisfy { abs($0 - sure) < 1e-37 })
            }
        }
    }

    @Test func `dseg_score_jointly stays within dseg_score_jointly_scratch and its maps`() {
        let question = Question(rows: 33, heads: 2, width: 5, phrases: [1, 1])
        var scratch = [Float](repeating: .nan, count: dseg_score_jointly_scratch(77, 2)) + [-5]
        var maps = [Float](repeating: 1, count: 2 * 48) + [-6]
        let position: [Int32] = [0]
        unsafe position.withUnsafeBufferPointer { position in
            guard let base = position.baseAddress else { return }
            let phrases = unsafe question.labels.map { label in
                unsafe dseg_phrase(keys: label[0].keys.c, positions: base, position_count: 1)
            }
            unsafe dseg_score_jointly(question.queries.c, phrases, [1, 2], 2, 0.5, &maps, &scratch)
        }
        #expect(scratch.last == -5 && maps.last == -6)
        #expect(maps.dropLast().allSatisfy { $0 >= 1 && $0 <= 1.5 })
    }
}

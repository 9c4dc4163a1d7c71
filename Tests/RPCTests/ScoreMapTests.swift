import RPC
import Support
import Testing

/// Laws of the score-map codec: the stated bound is true, useful, and the same for every reader.
struct ScoreMapTests {
    /// Maps that quantisers get wrong, each with a word for the report.
    static let awkward: [(String, [Float])] = [
        ("zeros", [0, 0, 0]), ("negative zero", [-0.0]), ("one", [1]),
        ("constant", [0.3, 0.3, 0.3, 0.3]),
        ("negative", [-3, -2.5, -1e-3]), ("tiny and huge", [1e-30, 1e30, -1e30, 0]),
        ("tiny", [1e-30, 2e-30, 3e-30]), ("subnormal", [0x1p-149, 0, 0x1p-148, 0x1p-133]),
        ("whole range", [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0, 1]),
        ("far from zero", [1e6, 1e6 + 0.0625, 1e6 + 1]), ("two values", [0, 1, 0, 1, 1]),
        ("smallest half", [0x1p-24, 0x1p-25, 0x1.8p-25, 0x1p-26]),
        ("largest half", [65504, -65504, 65519]),
        ("half's ties", [2049, 2051, 0x1.002p0, 0x1.006p0]),
    ]

    @Test(arguments: Encoding.allCases)
    func `no decoded score is farther than the stated bound`(encoding: Encoding) throws {
        var random = SeededGenerator(seed: 11)
        for side in 1...40 {
            let spread = Float.random(in: 0.01...10, using: &random)
            let scores = (0..<side * (41 - side)).map { _ in
                Float.random(in: -spread...spread, using: &random)
            }
            let map = try ScoreMap(
                label: side, scores: scores, width: side, height: 41 - side, encoding: encoding)
            try expectWithinBound(map, scores)
            let step =
                encoding == .u8 ? spread / 255 : encoding == .u16 ? spread / 65535 : spread / 2048
            #expect(map.maxAbsError <= step * 1.05, "the bound of \(side) is useless")
        }
    }

    /// The bound leaves room for a product and a sum that are each rounded to f32.
    /// The farthest score stands first, in the middle or last of more than are compared in one go.
    @Test(arguments: Encoding.allCases, [0, 65_535, 65_536, 100_000, 140_001])
    func `the bound holds for each score of a large map`(encoding: Encoding, place: Int) throws {
        var scores = [Float](repeating: 0.25, count: 140_002)
        (scores[1], scores[2]) = (0, 1)
        scores[place] = 0.7001
        let map = try ScoreMap(label: 0, scores: scores, width: 70_001, height: 2, encoding: encoding)
        try expectWithinBound(map, scores)
    }

    @Test func `a map that is not wanted ends at once, wherever it stands`() throws {
        let scores = [Float](repeating: 0.5, count: 12)
        func map(asked most: Int) throws(RPCStatus) -> Int {
            var asked = 0
            _ = try ScoreMap(label: 3, scores: scores, width: 4, height: 3, encoding: .u16) {
                asked += 1
                return asked <= most
            }
            return asked
        }
        let whole = try map(asked: .max)
        #expect(whole > 0)
        for most in 0..<whole {
            #expect(throws: RPCStatus(.cancelled, "The map of label 3 is not wanted.")) { try map(asked: most) }
        }
    }

    @Test(arguments: [Encoding.u16, .u8])
    func `a reader that works in f32 stays within the bound too`(encoding: Encoding) throws {
        var random = SeededGenerator(seed: 14)
        for _ in 0..<2000 {
            let centre = Float.random(in: -300...300, using: &random)
            let scores = (0..<6).map { _ in centre + Float.random(in: 0...1, using: &random) }
            let map = try ScoreMap(
                label: 0, scores: scores, width: 6, height: 1, encoding: encoding)
            for (score, decoded) in zip(scores, try map.scores()) {
                let symbol = ((Double(decoded) - Double(map.offset)) / Double(map.scale)).rounded()
                let product = map.scale * Float(symbol)
                let answer = map.offset + product
                #expect(abs(Double(score) - Double(answer)) <= Double(map.maxAbsError))
            }
        }
    }

    @Test(arguments: Encoding.allCases)
    func `awkward maps keep their bound or are refused`(encoding: Encoding) throws {
        for (name, scores) in Self.awkward {
            let largest = scores.map(abs).max() ?? 0
            if encoding == .f16, largest >= 65520 {
                #expect(throws: RPCStatus.self, "\(name)") {
                    try ScoreMap(
                        label: 0, scores: scores, width: scores.count, height: 1, encoding: encoding
                    )
                }
            } else {
                let map = try ScoreMap(
                    label: 0, scores: scores, width: 1, height: scores.count, encoding: encoding)
                try expectWithinBound(map, scores)
            }
        }
    }

    @Test(arguments: [Encoding.u16, .u8])
    func `a constant map is exact in a linear encoding`(encoding: Encoding) throws {
        for value: Float in [0, 0.3, -1e30, 0x1p-149, .greatestFiniteMagnitude] {
            let map = try ScoreMap(
                label: 0, scores: [value, value], width: 2, height: 1, encoding: encoding)
            #expect(map.maxAbsError == 0)
            #expect(try map.scores() == [value, value])
        }
    }

    @Test(arguments: [Encoding.u16, .u8])
    func `decoded scores stay within the range of those encoded`(encoding: Encoding) throws {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<200 {
            let low = Float(bitPattern: UInt32.random(in: 0..<0x7f80_0000, using: &random))
            let high = Float(
                bitPattern: UInt32.random(in: low.bitPattern..<0x7f80_0000, using: &random))
            let decoded = try ScoreMap(
                label: 0, scores: [low, high], width: 2, height: 1, encoding: encoding
            ).scores()
            #expect(decoded[0] == low)
            #expect(decoded[1] <= high)
        }
    }

    /// The oracle is the standard library's conversion, which rounds to nearest even.
    @Test func `every half survives and every float finds its nearest half`() throws {
        let halves = (UInt16.min...UInt16.max).map { Float16(bitPattern: $0) }.filter(\.isFinite)
        let exact = halves.map { Float($0) }
        let map = try ScoreMap(
            label: 0, scores: exact, width: exact.count, height: 1, encoding: .f16)
        #expect(map.maxAbsError == 0)
        #expect(try map.scores().map(\.bitPattern) == exact.map(\.bitPattern))

        var random = SeededGenerator(seed: 13)
        let floats = (0..<100_000).map { _ in
            Float(bitPattern: UInt32.random(in: 0..<0x477f_f000, using: &random))
                * (Bool.random(using: &random) ? 1 : -1)
        }
        let decoded = try ScoreMap(
            label: 0, scores: floats, width: 1000, height: 100, encoding: .f16
        ).scores()
        #expect(decoded.map(\.bitPattern) == floats.map { Float(Float16($0)).bitPattern })
    }

    @Test func `scores that are not finite and sizes that cannot be are refused`() {
        for bad: Float in [.nan, .infinity, -.infinity] {
            for encoding in Encoding.allCases {
                #expect(throws: RPCStatus.self) {
                    try ScoreMap(
                        label: 0, scores: [0, bad, 1], width: 3, height: 1, encoding: encoding)
                }
            }
        }
        for (width, height) in [(0, 0), (0, 1), (3, 0), (-1, -3), (2, 2), (Int.max, 3)] {
            #expect(throws: RPCStatus.self) {
                try ScoreMap(
                    label: 0, scores: [1, 2, 3], width: width, height: height, encoding: .u8)
            }
        }
    }

    private func expectWithinBound(_ map: ScoreMap, _ scores: [Float]) throws {
        let read = try ScoreMap(decoding: map.encoded())
        #expect(read == map)
        let decoded = try read.scores()
        #expect(decoded.count == scores.count)
        for (score, answer) in zip(scores, decoded) {
            #expect(
                abs(Double(score) - Double(answer)) <= Double(map.maxAbsError),
                "\(scores.prefix(4))")
        }
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

extension SeededGenerator {
    /// Random bytes, or a seed with some bytes changed, cut, doubled or joined to another.
    package mutating func mutant(of seeds: [[UInt8]]) -> [UInt8] {
        guard Int.random(in: 0..<8, using: &self) > 0, let seed = seeds.randomElement(using: &self) else {
            return bytes(Int.random(in: 0..<80, using: &self))
        }
        return damaged(seed, joining: seeds)
    }

    /// A file with up to three bytes changed, cut, doubled or joined to another.
    package mutating func damaged(_ file: [UInt8], joining others: [[UInt8]]) -> [UInt8] {
        var bytes = file
        for _ in 0..<Int.random(in: 0..<4, using: &self) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<5, using: &self) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &self)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 2: bytes.removeLast(place)
            case 3: bytes.insert(contentsOf: bytes[place...].prefix(16), at: place)
            default: bytes += others.randomElement(using: &self) ?? []
            }
        }
        return bytes
    }
}

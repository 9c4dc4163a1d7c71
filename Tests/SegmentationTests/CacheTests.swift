import Segmentation
import Testing

@Suite struct `a cache bounded in bytes` {
    @Test func `holds what fits, to the last byte`() {
        var cache = Cache<String, Int>(limit: 10)
        cache.insert(1, bytes: 4, for: "a")
        cache.insert(2, bytes: 6, for: "b")
        #expect((cache.count, cache.bytes) == (2, 10))
        #expect((cache.value(for: "a"), cache.value(for: "b")) == (1, 2))
        #expect(cache.value(for: "c") == nil)
    }

    @Test func `lets the least recently used go first, and only as many as it must`() {
        var cache = Cache<String, Int>(limit: 10)
        for (key, bytes) in [("a", 3), ("b", 3), ("c", 3)] { cache.insert(0, bytes: bytes, for: key) }
        _ = cache.value(for: "a")
        cache.insert(0, bytes: 4, for: "d")
        #expect(cache.value(for: "b") == nil)
        #expect(cache.value(for: "a") != nil && cache.value(for: "c") != nil && cache.value(for: "d") != nil)
        #expect(cache.bytes == 10)
    }

    @Test func `does not keep a value above its bound, and loses nothing for it`() {
        var cache = Cache<String, Int>(limit: 10)
        cache.insert(1, bytes: 10, for: "a")
        cache.insert(2, bytes: 11, for: "b")
        cache.insert(3, bytes: .max, for: "c")
        #expect(cache.value(for: "a") == 1)
        #expect((cache.count, cache.bytes) == (1, 10))
    }

    @Test func `counts a replaced value once, and forgets it where the new one is too large`() {
        var cache = Cache<String, Int>(limit: 10)
        cache.insert(1, bytes: 8, for: "a")
        cache.insert(2, bytes: 3, for: "a")
        #expect(cache.value(for: "a") == 2)
        #expect((cache.count, cache.bytes) == (1, 3))
        cache.insert(3, bytes: 11, for: "a")
        #expect(cache.value(for: "a") == nil)
        #expect((cache.count, cache.bytes) == (0, 0))
    }

    @Test func `of no bytes keeps nothing but what costs nothing`() {
        var cache = Cache<String, Int>(limit: 0)
        cache.insert(1, bytes: 1, for: "a")
        cache.insert(2, bytes: 0, for: "b")
        #expect((cache.value(for: "a"), cache.value(for: "b")) == (nil, 2))
    }

    @Test func `shrinks to a new bound, the least recently used first, and grows again`() {
        var cache = Cache<String, Int>(limit: 10)
        for (key, bytes) in [("a", 3), ("b", 3), ("c", 3)] { cache.insert(0, bytes: bytes, for: key) }
        _ = cache.value(for: "a")
        cache.limit(to: 9)
        #expect((cache.count, cache.bytes, cache.limit) == (3, 9, 9))
        cache.limit(to: 8)
        #expect(cache.value(for: "b") == nil)
        #expect((cache.count, cache.bytes) == (2, 6))
        cache.limit(to: 3)
        #expect(cache.value(for: "c") == nil && cache.value(for: "a") == 0)
        cache.insert(0, bytes: 4, for: "d")
        #expect((cache.count, cache.bytes) == (1, 3), "as of the new bound")
        cache.limit(to: 0)
        #expect((cache.count, cache.bytes) == (0, 0))
        cache.limit(to: 20)
        cache.insert(1, bytes: 20, for: "e")
        #expect(cache.value(for: "e") == 1)
    }

    @Test func `loses the entries that are chosen, and the others stay in the order of use`() {
        var cache = Cache<Int, Int>(limit: 100)
        for key in 0..<10 { cache.insert(key * key, bytes: 10, for: key) }
        _ = cache.value(for: 0)
        cache.removeAll { $0 % 2 == 1 }
        #expect((cache.count, cache.bytes) == (5, 50))
        cache.removeAll { _ in false }
        #expect((0..<10).filter { cache.value(for: $0) != nil } == [0, 2, 4, 6, 8])
        for key in [4, 0, 6, 8, 2] { #expect(cache.value(for: key) == key * key) }
        cache.limit(to: 30)
        #expect([0, 2, 4, 6, 8].filter { cache.value(for: $0) != nil } == [2, 6, 8])
        for key in 10..<13 { cache.insert(key, bytes: 10, for: key) }
        #expect((10..<13).allSatisfy { cache.value(for: $0) == $0 } && cache.bytes == 30)
        cache.removeAll()
        #expect((cache.count, cache.bytes, cache.limit) == (0, 0, 30) && cache.value(for: 10) == nil)
        cache.insert(1, bytes: 30, for: 1)
        #expect(cache.value(for: 1) == 1)
    }

    @Test func `changes all values where they are, and evicts where they have grown`() {
        var cache = Cache<Int, Int>(limit: 40)
        for key in 0..<4 { cache.insert(key, bytes: 10, for: key) }
        _ = cache.value(for: 0)
        cache.remove(3)
        cache.changeAll { ($0 + 100, 2) }
        #expect((cache.count, cache.bytes) == (3, 6))
        cache.changeAll { ($0, $0 == 102 ? 35 : 3) }
        #expect((cache.count, cache.bytes) == (2, 38), "the first but one of the order of use goes")
        #expect((0..<3).map { cache.value(for: $0) } == [100, nil, 102])
    }

    /// Looking at every entry for each eviction would be ten thousand million steps.
    @Test func `evicts a hundred thousand entries one by one`() {
        let half = 100_000
        var cache = Cache<Int, Int>(limit: half)
        for key in 0..<2 * half { cache.insert(key, bytes: 1, for: key) }
        #expect((cache.count, cache.bytes) == (half, half))
        #expect(cache.value(for: half - 1) == nil)
        #expect((half..<2 * half).allSatisfy { cache.value(for: $0) == $0 })
    }

    /// Held against a list in the order of use.
    @Test(arguments: 1...20) func `is a list in the order of use`(seed: Int) {
        var state = UInt64(seed)
        func draw(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        var cache = Cache<Int, Int>(limit: 50)
        var list: [(key: Int, value: Int, bytes: Int)] = []
        for step in 0..<300 {
            let key = draw(12)
            if draw(3) == 0 {
                let found = list.first { $0.key == key }
                #expect(cache.value(for: key) == found?.value)
                if let found { list = list.filter { $0.key != key } + [found] }
            } else {
                let bytes = draw(60)
                cache.insert(step, bytes: bytes, for: key)
                list.removeAll { $0.key == key }
                if bytes <= 50 {
                    while list.reduce(bytes, { $0 + $1.bytes }) > 50 { list.removeFirst() }
                    list.append((key, step, bytes))
                }
            }
            #expect((cache.count, cache.bytes) == (list.count, list.reduce(0) { $0 + $1.bytes }))
        }
    }
}

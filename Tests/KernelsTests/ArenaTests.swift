import Kernels
import Testing

private struct Stop: Error {}

@Suite struct ArenaTests {
    @Test func `memory taken in a scope is taken again after it, also if the scope throws`() throws {
        var arena = try Arena(reserving: 1 << 36)
        let first = unsafe UInt(bitPattern: arena.floats(5))
        let inside = arena.scope { arena in unsafe UInt(bitPattern: arena.floats(1000)) }
        #expect(throws: Stop.self) {
            try arena.scope { arena throws(Stop) in
                _ = arena.matrix(rows: 7, columns: 9)
                arena.scope { arena in _ = unsafe arena.floats(3) }
                throw Stop()
            }
        }
        let after = unsafe UInt(bitPattern: arena.floats(1))
        #expect(inside == first + 64)
        #expect(after == inside)
    }

    @Test func `every matrix begins at a multiple of 64 bytes and behind the one before`() throws {
        var arena = try Arena(reserving: 1 << 36)
        var end: UInt = 0
        for count in [0, 1, 15, 16, 17, 1000] {
            let start = unsafe UInt(bitPattern: arena.floats(count))
            #expect(start.isMultiple(of: 64) && start >= end)
            end = start + UInt(count * 4)
        }
        let map = arena.featureMap(height: 3, width: 5, channels: 7)
        #expect(map.matrix.rows == 15 && map.channels == 7 && map.matrix.isPacked)
        #expect(unsafe UInt(bitPattern: map.matrix.floats.baseAddress).isMultiple(of: 64))
    }

    @Test func `the high water is the most ever in use, in bytes`() throws {
        var arena = try Arena(reserving: 1 << 36)
        #expect(arena.highWater == 0)
        arena.scope { arena in
            _ = arena.matrix(rows: 4, columns: 16)
            arena.scope { arena in _ = unsafe arena.floats(17) }
        }
        #expect(arena.highWater == 256 + 128)
        arena.scope { arena in _ = unsafe arena.floats(1) }
        #expect(arena.highWater == 256 + 128)
        _ = arena.matrix(rows: 1, columns: 1000)
        #expect(arena.highWater == 4032)
    }

    @Test func `release empties what is unused and keeps what is used`() throws {
        var arena = try Arena(reserving: 1 << 36)
        let kept = arena.matrix(rows: 3, columns: 700)
        let numbers = (0..<2100).map(Float.init)
        kept.fill(numbers)
        let count = 100_000
        arena.scope { arena in arena.matrix(rows: 1, columns: count).scale(by: 0, adding: 1) }
        arena.release()
        #expect(kept.array == numbers)
        let again = arena.matrix(rows: 1, columns: count)
        // The page that the kept numbers share with the next ones stays.
        #expect(again.array.dropFirst(1024).allSatisfy { $0 == 0 })
        #expect(again.array.count == count)
    }

    @Test func `other address space may be reserved between two uses, and the high water stays`() throws {
        var arena = try Arena(reserving: 1)
        #expect(arena.reservedBytes == 4096)
        arena.scope { arena in _ = unsafe arena.floats(1024) }
        try arena.reserve(4097)
        #expect(arena.reservedBytes == 8192 && arena.highWater == 4096)
        arena.scope { arena in #expect(arena.matrix(rows: 2, columns: 1024).array.allSatisfy { $0 == 0 }) }
        #expect(throws: AddressSpaceError.self) { try arena.reserve(1 << 48) }
        #expect(arena.reservedBytes == 8192 && arena.highWater == 8192)
    }

    @Test func `an arena holds far more than memory until it is written`() throws {
        var arena = try Arena(reserving: 1 << 36)
        let far = arena.matrix(rows: 1 << 20, columns: 1 << 13)
        let last = far.rows((far.rows - 1)..<far.rows)
        last.scale(by: 0, adding: 2)
        #expect(last.array.allSatisfy { $0 == 2 })
        #expect(arena.highWater == 1 << 35)
    }
}

@Suite struct AddressSpaceTests {
    @Test func `what no process has room for is refused with what is missing`() {
        let bytes = 1 << 48
        let error = #expect(throws: AddressSpaceError.self) { _ = try Arena(reserving: bytes).highWater }
        #expect(error?.bytes == bytes)
        #expect("\(error, default: "")".contains("scratch memory needs 268435456 MiB"))
        let limited = AddressSpaceError(what: "a thing", bytes: 5 << 20, left: 3 << 20)
        #expect("\(limited)".contains("a thing needs 5 MiB") && "\(limited)".contains("3 MiB are left"))
        #expect("\(limited)".contains("ulimit -v"))
    }
}

@Suite struct MatrixTests {
    @Test func `a store's matrices are zero, packed, apart and of their shapes`() {
        let shapes = [(rows: 3, columns: 5), (rows: 0, columns: 4), (rows: 1, columns: 1)]
        let store = MatrixStore(shapes)
        #expect(store.bytes == 64)
        #expect(store.matrices.map(\.rows) == shapes.map(\.rows))
        #expect(store.matrices.map(\.columns) == shapes.map(\.columns))
        #expect(store.matrices.allSatisfy { $0.isPacked && $0.array.allSatisfy { $0 == 0 } })
        store.matrices[0].scale(by: 1, adding: 3)
        #expect(store.matrices[0].array == [Float](repeating: 3, count: 15))
        #expect(store.matrices[2].array == [0])
        #expect(MatrixStore([]).bytes == 0)
    }

    @Test func `what is filled in comes out again, through every view`() {
        let store = MatrixStore([(rows: 5, columns: 7)])
        let matrix = store.matrices[0]
        let numbers = (0..<35).map(Float.init)
        matrix.fill(numbers)
        #expect(matrix.array == numbers)
        for (low, high) in [(0, 7), (0, 1), (6, 7), (2, 5), (3, 3)] {
            let view = matrix.columns(low..<high)
            #expect(view.stride == 7 && view.isPacked == (high - low == 7))
            #expect(view.array == numbers.filter { (low..<high).contains(Int($0) % 7) })
            let part = matrix.rows(1..<4).columns(low..<high)
            #expect(part.array == view.array.dropFirst(high - low).dropLast(high - low))
        }
        matrix.rows(2..<3).columns(3..<5).fill([-1, -2])
        var expected = numbers
        expected[17] = -1
        expected[18] = -2
        #expect(matrix.array == expected)
        #expect(unsafe Array(matrix.floats) == expected)
    }

    @Test func `a vector of weights fills a row`() throws {
        let region = try WeightRegion(capacity: 1 << 12)
        let base = unsafe try region.allocate(bytes: 12).assumingMemoryBound(to: Float.self)
        for place in 0..<3 { unsafe base[place] = Float(place + 1) }
        let store = MatrixStore([(rows: 3, columns: 5)])
        store.matrices[0].rows(1..<2).columns(1..<4).fill(unsafe WeightVector(base: base, count: 3))
        #expect(store.matrices[0].array == [0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0])
    }

    @Test func `a feature map's channels are a view of its matrix`() {
        let store = MatrixStore([(rows: 6, columns: 4)])
        let map = FeatureMap(store.matrices[0], height: 2, width: 3)
        map.channels(1..<3).matrix.scale(by: 0, adding: 5)
        #expect(map.channels(1..<3).height == 2 && map.channels(1..<3).width == 3)
        #expect(map.matrix.array == (0..<6).flatMap { _ in [0, 5, 5, 0] as [Float] })
    }
}

import CZstd
import RPC
import Support
import Testing

/// What a reader of maps refuses, and the layout that `segmenter.proto` states.
struct MapDataTests {
    /// A ScoreMap message of fewer than 128 pixels a side, spelled by hand.
    static func scoreMap(
        width: UInt8, height: UInt8, encoding: Encoding, scale: Float = 1, offset: Float = 0,
        data: [UInt8]
    ) throws -> ScoreMap {
        func fixed(_ number: Float) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
        }
        return try ScoreMap(
            decoding: [0x10, width, 0x18, height, 0x20, UInt8(encoding.rawValue)]
                + [0x2d] + fixed(scale) + [0x35] + fixed(offset) + field(0x42, data))
    }

    static func field(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [tag, UInt8(bytes.count & 0x7f) | 0x80, UInt8(bytes.count >> 7)] + bytes
    }

    static func zstd(_ content: [UInt8], checksum: CInt = 1, size: CInt = 1) -> [UInt8] {
        let context = unsafe ZSTD_createCCtx()
        defer { unsafe ZSTD_freeCCtx(context) }
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum)
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, size)
        var frame = [UInt8](repeating: 0, count: ZSTD_compressBound(content.count))
        let count = unsafe ZSTD_compress2(
            context, &frame, frame.count, content, content.count)
        return Array(frame.prefix(count))
    }

    static func expectLoss(_ map: ScoreMap, _ comment: Comment) {
        let error = #expect(throws: RPCStatus.self, comment) { try map.scores() }
        #expect(error?.code == .dataLoss, comment)
    }

    @Test func `symbols are differences, low bytes before high bytes`() throws {
        // 1, 258, 0 of 16 bits: differences 0x0001, 0x0101, 0xfefe.
        let wide = try Self.scoreMap(
            width: 3, height: 1, encoding: .u16, scale: 0.5, offset: -1,
            data: Self.zstd([0x01, 0x01, 0xfe, 0x00, 0x01, 0xfe]))
        #expect(try wide.scores() == [-0.5, 128, -1])
        // 1, 2, 0 of 8 bits.
        let narrow = try Self.scoreMap(
            width: 1, height: 3, encoding: .u8, scale: 2, offset: 3, data: Self.zstd([1, 1, 254]))
        #expect(try narrow.scores() == [5, 7, 3])
        // The halves 1 and -2: 0x3c00, 0xc000.
        let halves = try Self.scoreMap(
            width: 2, height: 1, encoding: .f16, data: Self.zstd([0x00, 0x00, 0x3c, 0x84]))
        #expect(try halves.scores() == [1, -2])
    }

    @Test func `a scores map's data is one frame with its size and a checksum`() throws {
        let scores = (0..<900).map { Float($0 % 37) }
        for encoding in Encoding.allCases {
            let map = try ScoreMap(
                label: 0, scores: scores, width: 30, height: 30, encoding: encoding)
            let size = encoding == .u8 ? 900 : 1800
            #expect(unsafe ZSTD_findFrameCompressedSize(map.data, map.data.count) == map.data.count)
            #expect(unsafe ZSTD_getFrameContentSize(map.data, map.data.count) == UInt64(size))
            #expect(map.data[4] & 0x04 == 0x04)
        }
    }

    @Test func `every damaged byte of a map is noticed`() throws {
        var random = SeededGenerator(seed: 31)
        let scores = (0..<120).map { _ in Float.random(in: 0...1, using: &random) }
        let map = try ScoreMap(label: 0, scores: scores, width: 12, height: 10, encoding: .f16)
        for place in map.data.indices {
            var data = map.data
            data[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let damaged = try Self.scoreMap(width: 12, height: 10, encoding: .f16, data: data)
            // A header's unused bit may flip without harm; a score may not change unnoticed.
            if let read = try? damaged.scores() {
                #expect(try read == map.scores(), "byte \(place)")
            }
        }
        for length in 0..<map.data.count {
            let cut = Array(map.data[..<length])
            Self.expectLoss(
                try Self.scoreMap(width: 12, height: 10, encoding: .f16, data: cut), "\(length)")
        }
    }

    @Test func `a frame of another size, without checksum, or with more after it is refused`()
        throws
    {
        let content = [UInt8](repeating: 1, count: 6)
        let frame = Self.zstd(content)
        let refused: [(Comment, [UInt8])] = [
            ("short", Self.zstd(Array(content.dropLast()))),
            ("long", Self.zstd(content + [1])),
            ("no size", Self.zstd(content, size: 0)),
            ("no checksum", Self.zstd(content, checksum: 0)),
            ("two frames", frame + frame),
            ("a byte more", frame + [0]),
            ("skippable", [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]),
            ("nothing", []),
        ]
        for (name, data) in refused {
            Self.expectLoss(
                try Self.scoreMap(width: 3, height: 1, encoding: .u16, data: data), name)
        }
    }

    /// A frame of 256 bytes states its size in two bytes, and could state a window beside it.
    @Test func `a window over 8 MiB is refused`() throws {
        let frame = Self.zstd([UInt8](repeating: 1, count: 256))
        #expect(frame[4] == 0x64)
        func map(windowLog: UInt8) throws -> ScoreMap {
            let data = frame[..<4] + [0x44, (windowLog - 10) << 3] + frame[5...]
            return try Self.scoreMap(width: 64, height: 2, encoding: .u16, data: Array(data))
        }
        Self.expectLoss(try map(windowLog: 24), "16 MiB")
        Self.expectLoss(try map(windowLog: 31), "2 GiB")
        #expect(try map(windowLog: 23).scores().count == 128)
    }

    @Test func `a size beyond any picture is refused before anything is allocated`() throws {
        for size: [UInt8] in [
            [0x10, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x18, 0xff, 0xff, 0xff, 0xff, 0x0f],
            [0x10, 0x80, 0x80, 0x04, 0x18, 0x81, 0x08], [0x10, 0, 0x18, 9], [],
        ] {
            let map = try ScoreMap(decoding: size)
            let error = #expect(throws: RPCStatus.self) { try map.scores() }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func `halves and scales that are not finite are refused`() throws {
        for high: UInt8 in [0x7c, 0xfc, 0x7e] {
            Self.expectLoss(
                try Self.scoreMap(
                    width: 1, height: 1, encoding: .f16, data: Self.zstd([0, high])), "half")
        }
        for (scale, offset) in [
            (Float.nan, Float(0)), (.infinity, 0), (1, .nan), (3e38, 3e38),
        ] {
            Self.expectLoss(
                try Self.scoreMap(
                    width: 1, height: 1, encoding: .u8, scale: scale, offset: offset,
                    data: Self.zstd([200])), "scale")
        }
    }

    @Test func `masks of every size come back with their counts`() throws {
        var random = SeededGenerator(seed: 32)
        for side in 1...40 {
            let labels = Int.random(in: 0...255, using: &random)
            let indices = (0..<side * (side + 3)).map { _ in
                UInt8(Int.random(in: 0...labels, using: &random))
            }
            let mask = try IndexMask(
                indices: indices, width: side, height: side + 3, labels: labels)
            let read = try IndexMask(decoding: mask.encoded())
            #expect(read == mask)
            #expect(try read.indices() == indices)
            #expect(read.counts == (0...labels).map { index in UInt64(indices.count { Int($0) == index }) })
        }
    }

    @Test func `a mask with an index too many or counts of another is refused`() throws {
        for (indices, labels) in [
            ([0, 3] as [UInt8], 2), ([0, 1], 0), ([0, 0], -1), ([0, 0], 256),
        ] {
            #expect(throws: RPCStatus.self) {
                try IndexMask(indices: indices, width: 2, height: 1, labels: labels)
            }
        }
        #expect(throws: RPCStatus.self) {
            try IndexMask(indices: [], width: 0, height: 0, labels: 1)
        }
        let size: [UInt8] = [0x08, 2, 0x10, 1]
        let data = Self.field(0x1a, Self.zstd([0, 1]))
        for counts: [UInt8] in [[], [2], [0, 2], [1, 2], [1, 1, 1], [1]] {
            let packed: [UInt8] = [0x22, UInt8(counts.count)] + counts
            let mask = try IndexMask(decoding: size + data + packed)
            let error = #expect(throws: RPCStatus.self, "\(counts)") { try mask.indices() }
            #expect(error?.code == .dataLoss)
        }
        let right = try IndexMask(decoding: size + data + [0x22, 2, 1, 1])
        #expect(try right.indices() == [0, 1])
    }
}

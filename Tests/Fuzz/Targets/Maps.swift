import Glibc
@testable import RPC

extension FuzzTarget {
    /// Score maps and masks as a client gets them from a daemon that it does not trust.
    ///
    /// 4 KiB: maps of some thousand pixels; larger ones only take longer.
    static let maps = FuzzTarget(
        name: "maps", longest: 4096, mebibytes: 1024,
        words: [
            [0x28, 0xB5, 0x2F, 0xFD], [0x27, 0xB5, 0x2F, 0xFD], [0x50, 0x2A, 0x4D, 0x18], [0, 0, 0x80, 0x7F],
            [0, 0, 0xC0, 0x7F],
        ],
        seeds: { Maps.seeds },
        run: { bytes in
            var input = Input(bytes)
            switch input.byte() % 4 {
            case 0: Maps.encoded(&input)
            case 1: Maps.masked(&input)
            case 2: Maps.received(&input, framed: Maps.framed)
            default: Maps.received(&input, framed: { content, _ in content })
            }
        })
}

enum Maps {
    /// Larger maps take longer than they are worth; that their sizes are checked, smaller ones show.
    private static let mostPixels = 1 << 20

    /// Any scores that are encoded are decoded to within the bound that the map states.
    static func encoded(_ input: inout Input) {
        let encoding = Encoding.allCases[Int(input.byte()) % 3]
        let width = Int(input.byte() % 32) + 1
        var scores: [Float] = []
        while input.rest.count >= 4 { scores.append(Float(bitPattern: UInt32(input.number(bytes: 4)))) }
        let height = scores.count / width
        let kept = Array(scores.prefix(width * height))
        let isFinite = kept.allSatisfy(\.isFinite)
        guard let map = try? ScoreMap(label: 0, scores: kept, width: width, height: height, encoding: encoding) else {
            let fits = encoding != .f16 || kept.allSatisfy { abs($0) < 65504 }
            return require(kept.isEmpty || !isFinite || !fits, "\(kept.count) finite scores are encoded")
        }
        require(isFinite, "what is not finite is refused")
        guard let back = try? ScoreMap(decoding: map.encoded()).scores() else {
            return require(false, "what is encoded is decoded")
        }
        require(back.count == kept.count, "each score comes back")
        for (sent, found) in zip(kept, back) {
            require(abs(Double(sent) - Double(found)) <= Double(map.maxAbsError), "\(sent) became \(found)")
        }
    }

    /// Any mask comes back as it was.
    static func masked(_ input: inout Input) {
        let (labels, width) = (Int(input.byte()), Int(input.byte() % 32) + 1)
        let indices = input.take(input.rest.count / width * width).map { UInt8(Int($0) % (labels + 1)) }
        guard let mask = try? IndexMask(indices: indices, width: width, height: indices.count / width, labels: labels)
        else { return require(indices.isEmpty, "a mask is encoded") }
        require(mask.counts.reduce(0, +) == UInt64(indices.count), "each pixel is counted")
        guard let back = try? IndexMask(decoding: mask.encoded()) else { return require(false, "a mask is decoded") }
        require((try? back.indices()) == indices, "a mask comes back")
    }

    /// A daemon's map, whatever it says of itself: finite scores in its size, or an error.
    ///
    /// - Parameter framed: makes the map's data of the input's rest and of how many bytes the size asks for
    static func received(_ input: inout Input, framed: ([UInt8], Int) -> [UInt8]) {
        let encoding = input.byte() % 4
        let (width, height) = (input.number(bytes: 3), input.number(bytes: 3))
        let fields = (UInt32(input.number(bytes: 4)), UInt32(input.number(bytes: 4)))
        let (pixels, overflows) = Int(width).multipliedReportingOverflow(by: Int(height))
        guard !overflows, pixels <= mostPixels else { return }
        let data = framed(Array(input.rest), pixels * (encoding == 2 ? 1 : 2))
        let message =
            [0x10] + Sample.varint(width) + [0x18] + Sample.varint(height) + [0x20, encoding]
            + [0x2D] + little(fields.0) + [0x35] + little(fields.1)
            + [0x42] + Sample.varint(UInt64(data.count)) + data
        if let map = try? ScoreMap(decoding: message), let scores = scores(of: map) {
            require(scores.count == pixels && scores.allSatisfy(\.isFinite), "\(scores.count) scores of \(pixels)")
            require(data.starts(with: [0x28, 0xB5, 0x2F, 0xFD]), "only zstd's frames of RFC 8878 are read")
        }
        let bytes = framed(Array(input.rest), pixels)
        let mask =
            [0x08] + Sample.varint(width) + [0x10] + Sample.varint(height)
            + [0x1A] + Sample.varint(UInt64(bytes.count)) + bytes + [0x22, 1, UInt8(truncatingIfNeeded: pixels & 0x7F)]
        if let mask = try? IndexMask(decoding: mask), let indices = try? mask.indices() {
            require(indices.count == pixels, "\(indices.count) indices of \(pixels)")
            require(mask.counts.reduce(0, +) == UInt64(pixels), "the counts are those of the pixels")
        }
    }

    private static func scores(of map: ScoreMap) -> [Float]? {
        do throws(RPCStatus) {
            return try map.scores()
        } catch {
            require([.dataLoss, .invalidArgument].contains(error.code), "\(error)")
            return nil
        }
    }

    private static func little(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// The content, repeated to a size, as a frame with its checksum right: no mutation finds that.
    static func framed(_ content: [UInt8], size: Int) -> [UInt8] {
        let whole =
            content.isEmpty ? [UInt8](repeating: 0, count: size) : (0..<size).map { content[$0 % content.count] }
        return Zstandard.frame(of: whole)
    }

    static var seeds: [[UInt8]] {
        let scores: [Float] = [0, 0.25, 0.5, 1, -3, 7e4, 1e-20, 2]
        let bits = scores.flatMap { little($0.bitPattern).reversed() }
        let head: [UInt8] = [1, 0, 0, 4, 0, 0, 2, 0x3A, 0, 0, 1, 0, 0, 0, 0]
        return [[0, 0, 3] + bits, [0, 1, 3] + bits, [0, 2, 1] + bits, [1, 3, 3, 0, 1, 2, 3, 0, 1, 2, 3]]
            + [[2] + head + [1, 2, 3, 4], [3] + head + Zstandard.frame(of: [UInt8](repeating: 7, count: 16))]
    }
}

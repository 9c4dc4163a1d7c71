import CImages

/// What a picture's samples mean as colours, so far as its file says: as the chunks of a PNG file that say the same.
///
/// Nothing is converted: the networks look at the samples as they are, and pictures made of them mean the same.
package struct ColourSpace: Sendable, Equatable {
    private enum Statement: Sendable, Equatable {
        /// Whole chunks, which stand between a PNG file's header and its palette (PNG 3, 11.3.2).
        case chunks([UInt8])
        /// An ICC profile as it is.
        case profile([UInt8])
    }

    private let statement: Statement

    /// A file that says nothing; viewers take the samples for sRGB.
    package static let unstated = ColourSpace(.chunks([]))

    private init(_ statement: Statement) {
        self.statement = statement
    }

    /// Of an ICC profile. One that is not of RGB, as a grey or a CMYK picture has it, says nothing of RGB samples.
    init(profile: some Collection<UInt8>) {
        let profile = profile.count <= Self.byteLimit ? Array(profile) : []
        self = Self.isRGB(profile) ? ColourSpace(.profile(profile)) : .unstated
    }

    /// The same, a profile being packed already, which takes time: for several files.
    var packed: ColourSpace { ColourSpace(.chunks(chunks)) }

    /// As a PNG file has it; a profile is packed anew each time. Nothing without memory.
    var chunks: [UInt8] {
        switch statement {
        case .chunks(let chunks): return chunks
        case .profile(let profile):
            guard let packed = Deflation.packed(profile) else { return [] }
            // A name, its end, and the only method.
            return PNGChunk.bytes("iCCP", Array("ICC\0\0".utf8) + packed)
        }
    }

    /// Of the chunks of a PNG file in their order.
    ///
    /// - Parameter isGrey: whether the samples are; a profile is then not of RGB
    init(_ stated: [PNGChunk], isGrey: Bool) {
        let kept = stated.filter { chunk in
            chunk.payload.count <= Self.byteLimit
                && (chunk.type != "iCCP" || !isGrey && Self.isRGB(chunk.profileHeader))
        }
        statement = .chunks(kept.flatMap { PNGChunk.bytes($0.type, Array($0.payload)) })
    }

    /// Of a profile; the largest that are met, tables of a scanner or a printer, have two MiB.
    private static let byteLimit = 4 << 20

    static let chunkTypes = ["iCCP", "cICP", "sRGB", "gAMA", "cHRM"]

    /// Whether a profile's header (ICC.1, 7.2) gives it as one of RGB data.
    private static func isRGB(_ profile: [UInt8]) -> Bool {
        profile.count >= headerBytes && profile[16..<20].elementsEqual("RGB ".utf8)
            && profile[36..<40].elementsEqual("acsp".utf8)
    }

    fileprivate static let headerBytes = 128
}

extension PNGChunk {
    /// The header of the profile that an iCCP chunk holds: `name NUL method(1) packed`.
    fileprivate var profileHeader: [UInt8] {
        guard let end = payload.firstIndex(of: 0) else { return [] }
        return Deflation.unpacked(payload.dropFirst(end + 2 - payload.startIndex), most: ColourSpace.headerBytes)
    }
}

/// zlib's format.
private enum Deflation {
    /// `nil` without memory.
    static func packed(_ bytes: [UInt8]) -> [UInt8]? {
        var packed = unsafe dseg_bytes()
        defer { unsafe dseg_bytes_free(&packed) }
        guard unsafe dseg_deflate(bytes, bytes.count, &packed) == DSEG_DONE else { return nil }
        return unsafe Array(UnsafeBufferPointer(start: packed.base, count: packed.count))
    }

    /// The first bytes of what was packed, as far as they are whole.
    static func unpacked(_ bytes: ArraySlice<UInt8>, most count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { unpacked, written in
            guard let base = unpacked.baseAddress else { return }
            written = unsafe bytes.withUnsafeBufferPointer { packed in
                guard let start = packed.baseAddress else { return 0 }
                return unsafe dseg_inflate(start, packed.count, base, count)
            }
        }
    }
}

/// The pieces of an ICC profile in the APP2 segments of a JPEG file: `ICC_PROFILE NUL number(1) count(1) piece`.
struct ProfilePieces {
    private static let prefix = Array("ICC_PROFILE\0".utf8)

    private var pieces: [UInt8: ArraySlice<UInt8>] = [:]
    private var count: UInt8 = 0

    mutating func add(_ payload: ArraySlice<UInt8>) {
        guard payload.starts(with: Self.prefix) else { return }
        let rest = payload.dropFirst(Self.prefix.count)
        guard let number = rest.first, let count = rest.dropFirst().first else { return }
        self.count = count
        pieces[number] = rest.dropFirst(2)
    }

    /// `nil` where one is missing.
    var profile: [UInt8]? {
        guard count > 0 else { return nil }
        var profile: [UInt8] = []
        for number in 1...count {
            guard let piece = pieces[number] else { return nil }
            profile += piece
        }
        return profile
    }
}

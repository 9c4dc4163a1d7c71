import CImages

/// A picture's colour metadata (ICC profile, gamma, ...), kept to be copied into PNG files made of the picture.
///
/// Nothing is converted: the networks get the samples as they are, and outputs that copy samples keep their meaning.
package struct ColourSpace: Sendable, Equatable {
    private enum Statement: Sendable, Equatable {
        /// Complete PNG chunks, which belong between the header and the palette (PNG 3, 11.3.2).
        case chunks([UInt8])
        /// An uncompressed ICC profile.
        case profile([UInt8])
    }

    private let statement: Statement

    /// No metadata; viewers assume sRGB.
    package static let unstated = ColourSpace(.chunks([]))

    private init(_ statement: Statement) {
        self.statement = statement
    }

    /// From an ICC profile. One that is not for RGB, as of a grey or CMYK picture, does not apply to the decoded
    /// samples and is dropped.
    init(profile: some Collection<UInt8>) {
        let profile = profile.count <= Self.byteLimit ? Array(profile) : []
        self = Self.isRGB(profile) ? ColourSpace(.profile(profile)) : .unstated
    }

    /// The same with its profile already deflated, so that several files do not each deflate it.
    var packed: ColourSpace { ColourSpace(.chunks(chunks)) }

    /// As PNG chunks; deflates a profile on each call. Empty where memory is short.
    var chunks: [UInt8] {
        switch statement {
        case .chunks(let chunks): return chunks
        case .profile(let profile):
            guard let packed = Deflation.packed(profile) else { return [] }
            // iCCP: name, NUL, compression method 0 (zlib), data.
            return PNGChunk.bytes("iCCP", Array("ICC\0\0".utf8) + packed)
        }
    }

    /// From the colour chunks of a PNG file, in their order.
    ///
    /// - Parameter isGrey: whether the file is grey; its profile is then not for RGB
    init(_ stated: [PNGChunk], isGrey: Bool) {
        let kept = stated.filter { chunk in
            chunk.payload.count <= Self.byteLimit
                && (chunk.type != "iCCP" || !isGrey && Self.isRGB(chunk.profileHeader))
        }
        statement = .chunks(kept.flatMap { PNGChunk.bytes($0.type, Array($0.payload)) })
    }

    /// The largest profile kept; those of scanners and printers, which hold tables, have up to 2 MiB.
    private static let byteLimit = 4 << 20

    static let chunkTypes = ["iCCP", "cICP", "sRGB", "gAMA", "cHRM"]

    /// Whether a profile's header (ICC.1, 7.2) says that it is for RGB data.
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

    /// The whole profile; `nil` where a piece is missing.
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

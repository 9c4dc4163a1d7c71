import FoundationEssentials
import Kernels

/// What a memory file says of the weights in it: the last ``bytes`` of it, JSON, a line's end, the SHA-256 of both in
/// hexadecimal digits, and zeros.
///
/// The weights come first: they start where the file does, at the start of a huge page.
struct WeightHeader: Codable, Equatable {
    /// Of this layout of files; another one has another number.
    static let format = 1
    /// At the end of a file; whole pages of any system.
    static let bytes = 64 << 10

    var format = Self.format
    /// Whose model it is: what its owner calls it.
    let owner: String
    /// What the weights are, and in which memory layout: see ``WeightKey``.
    let key: String
    /// The SHA-256 of each file that decides the model's hash, in hexadecimal digits, by its name.
    let digests: [String: String]
    /// ``WeightRegion/checksum`` of the weights.
    let checksum: UInt64

    /// Reads a file's; `nil` where it is not sealed, or has none of this format.
    init?(_ file: MemoryFile) {
        guard let size = file.sealedSize, size > Self.bytes,
            let bytes = file.bytes(Self.bytes, at: size - Self.bytes),
            let end = bytes.firstIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        let json = Array(bytes[...end])
        guard Self.sealed(json) == bytes, let header = try? JSONDecoder().decode(Self.self, from: Data(json)),
            header.format == Self.format
        else { return nil }
        self = header
    }

    init(owner: String, key: String, digests: [String: [UInt8]], checksum: UInt64) {
        self.owner = owner
        self.key = key
        self.digests = digests.mapValues { SHA256.hexadecimal($0) }
        self.checksum = checksum
    }

    /// As it is written; `nil` where it is too long: of a model in hundreds of files.
    var encoded: [UInt8]? {
        // A line's end in a text is escaped.
        guard let json = try? JSONEncoder().encode(self) else { return nil }
        return Self.sealed(Array(json) + [UInt8(ascii: "\n")])
    }

    private static func sealed(_ json: [UInt8]) -> [UInt8]? {
        let text = json + Array(SHA256.hexadecimal(of: json).utf8)
        return text.count > bytes ? nil : text + [UInt8](repeating: 0, count: bytes - text.count)
    }
}

/// What decides the bytes of a model's weights in memory, as far as it is known once the files are opened: the build
/// of the program, the memory layout, and the states of the files.
struct WeightKey: Equatable {
    /// A line for each.
    let text: String

    /// What packs weights: this build of the program, by one of its instruction sets.
    ///
    /// The build is the file that runs. Whoever installs another one makes another file, even of the same size and
    /// time; and no linker has to be told to write an identity into it.
    static var build: String? { program.map { "\($0) \(InstructionSet.chosen)" } }

    static var program: String? { FileIdentity.ofThisProgram.map { "\($0)" } }

    /// - Parameters:
    ///   - build: as ``build`` tells it
    ///   - claims: of all weights in the region
    ///   - files: that decide the model's hash
    init(build: String, _ claims: [WeightClaim], in region: WeightRegion, _ files: [HashedFile]) {
        var layout = SHA256()
        for claim in claims {
            let offset = unsafe region.offset(of: claim.memory)
            let (name, shape, type) = (claim.name, claim.tensor.shape, claim.type)
            layout.update(
                Array("\(name) \(shape) \(type) \(claim.elements) \(claim.packing) \(offset)\n".utf8))
        }
        let states = files.sorted { $0.name < $1.name }.map { "file \($0.file.identity) \($0.name)\n" }
        text =
            "build \(build)\nlayout \(layout.hexadecimal) of \(region.bytesUsed) bytes\n"
            + states.joined()
    }

    /// What a keeper knows the weights by.
    var name: String { "weights-\(SHA256.hexadecimal(of: Array(text.utf8)).prefix(32))" }
}

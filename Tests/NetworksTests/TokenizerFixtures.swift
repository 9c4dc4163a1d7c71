import FoundationEssentials
import Support
import Testing

@testable import Networks

/// Where the tokenizer tests find their files.
enum TokenizerFixtures {
    static let folder = Repository.root + "/Tests/Fixtures/tokenizer"
    /// The small vocabulary in CLIP's format, as files.
    static let tiny = folder + "/tiny"
    /// The same tokenizer as transformers saves it: `tokenizer.json` and `tokenizer_config.json`.
    static let tinyJSON = folder + "/tiny-json"
    /// A WordPiece tokenizer of a few words, as files.
    static let tinyBERT = folder + "/tiny-bert"
    /// The merges that CLIP's published vocabulary follows from.
    static let merges = Repository.root + "/Sources/dsegd/Resources/clip/merges.txt"

    /// CLIP's published tokenizer.
    static var published: BytePairTokenizer {
        get throws(TokenizerError) {
            try BytePairTokenizer(clipMerges: merges, padding: BytePairTokenizer.clipPadding)
        }
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        let data = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
        return try JSONDecoder().decode(type, from: data)
    }

    /// Runs `body` with a folder of the files of `original` after `files` replaced or, with `nil`, removed some of
    /// them.
    @discardableResult static func withFolder<Result>(
        _ files: [String: String?], of original: String = tiny, _ body: (String) throws -> Result
    ) throws -> Result {
        let place = try TemporaryDirectory()
        let folder = "\(place.path)/copy"
        try FileManager.default.copyItem(atPath: original, toPath: folder)
        for (name, content) in files {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
            if let content {
                try Data(content.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
            }
        }
        return try withExtendedLifetime(place) { try body(folder) }
    }

    /// The text of one of the tiny tokenizer's files.
    static func text(_ name: String, of folder: String = tiny) throws -> String {
        let data = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
        return try #require(String(validating: data, as: UTF8.self))
    }
}

/// FNV-1a, 64 bits.
struct Fingerprint: Equatable {
    private var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    /// The four bytes of a number, least first.
    mutating func add(_ token: UInt32) {
        add([0, 8, 16, 24].map { UInt8(truncatingIfNeeded: token >> $0) })
    }

    /// A text and its end.
    mutating func add(line: String) {
        add(line.utf8)
        add([0xFF])
    }

    /// One hash a block of lines.
    static func hashes(
        of lines: [String], block: Int, _ add: (String, inout Fingerprint) throws -> Void
    ) rethrows -> [String] {
        try stride(from: 0, to: lines.count, by: block).map { start in
            var print = Fingerprint()
            for line in lines[start..<start + block] { try add(line, &print) }
            return print.text
        }
    }

    /// Sixteen hexadecimal digits.
    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// The generator xorshift64*, the same in every language.
struct Xorshift: RandomNumberGenerator {
    /// Anything but zero.
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// A number in `0..<limit`, as the makers of goldens draw it.
    mutating func below(_ limit: Int) -> Int { Int(next() >> 33) % limit }
}

/// The lines of `awkward.py`, made from the same numbers and fragments.
struct AwkwardLines {
    private let fragments: [[Unicode.Scalar]]
    private let ranges: [[Int]]
    private var numbers: Xorshift

    /// - Parameter further: a file of fragments beside the common ones
    init(seed: String, ranges: [[Int]], further: String? = nil) throws {
        let rows = try ["fragments.txt", further].compactMap { $0 }.flatMap { name in
            try TokenizerFixtures.text(name, of: TokenizerFixtures.folder).split(separator: "\n")
        }
        fragments = rows.map { row in
            let values = row.split(separator: " ").compactMap { UInt32($0, radix: 16) }
            return values.compactMap(Unicode.Scalar.init)
        }
        self.ranges = ranges
        numbers = Xorshift(state: try #require(UInt64(seed, radix: 16)))
    }

    /// - Parameter hash: that of the reference's lines, which these must be
    func lines(_ count: Int, hash: String) throws -> [String] {
        var generator = self
        var text = Fingerprint()
        let lines = (0..<count).map { _ in generator.line() }
        for line in lines { text.add(line: line) }
        try #require(text.text == hash, "the lines are not the reference's lines")
        return lines
    }

    private mutating func below(_ limit: Int) -> Int { numbers.below(limit) }

    private mutating func line() -> String {
        var line = String.UnicodeScalarView()
        for _ in 0..<below(12) {
            switch below(8) {
            case 0..<5:
                line.append(contentsOf: fragments[below(fragments.count)])
            case 5..<7:
                let range = ranges[below(ranges.count)]
                let value = range[0] + below(range[1] - range[0] + 1)
                if let scalar = Unicode.Scalar(UInt32(value)) { line.append(scalar) }
            default:
                guard below(40) == 0 else {
                    line.append(" ")
                    continue
                }
                let fragment = fragments[below(fragments.count)]
                for _ in 0..<below(120) { line.append(contentsOf: fragment) }
            }
        }
        return String(line)
    }
}

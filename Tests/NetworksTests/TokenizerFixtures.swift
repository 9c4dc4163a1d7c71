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
    /// The merges that CLIP's published vocabulary follows from.
    static let merges = Repository.root + "/Sources/dsegd/Resources/clip/merges.txt"

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
}

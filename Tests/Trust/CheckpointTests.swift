import Foundation
import RPC
import Support
import Testing

/// Files of weights that are hostile, damaged, or changed while a daemon has them: told by their name, and no more.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct CheckpointTests {
    /// `EX_DATAERR` of sysexits(3).
    private static let badData: CInt = 65
    private let owner: ModelOwner
    private let place: TemporaryDirectory

    init() throws {
        owner = try ModelOwner()
        place = try TemporaryDirectory()
    }

    private func write(_ bytes: [UInt8], to name: String) throws -> String {
        let path = "\(place.path)/\(name)"
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    // MARK: Hostile headers

    private struct Header {
        let name: String
        let bytes: [UInt8]
        /// What the refusal says.
        let sentence: String
    }

    private static func stated(_ length: UInt64, _ rest: String) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + Array(rest.utf8)
    }

    private static func entry(_ name: String, _ start: Int, _ end: Int, shape: String = "[1]", type: String = "F32")
        -> String
    {
        "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}"
    }

    private static func headers() -> [Header] {
        func file(_ name: String, _ json: String, data: Int = 4, _ sentence: String) -> Header {
            Header(
                name: name, bytes: safetensors(header: json, data: [UInt8](repeating: 0, count: data)),
                sentence: sentence)
        }
        let two = entry("a", 0, 4) + ","
        return [
            Header(name: "2^63", bytes: stated(1 << 63, "{}"), sentence: "9223372036854775808"),
            Header(name: "2^64-1", bytes: stated(.max, "{}"), sentence: "18446744073709551615"),
            Header(name: "over the limit", bytes: stated(100_000_001, "{}"), sentence: "the limit is 100000000"),
            Header(name: "past the end", bytes: stated(1000, "{}"), sentence: "a header of 1000 bytes in a file of 10"),
            Header(name: "seven bytes", bytes: [1, 0, 0, 0, 0, 0, 0], sentence: "7 bytes are too few"),
            file("a name twice", "{\(two)\(entry("a", 4, 8))}", data: 8, "stands twice"),
            file("a name twice, once escaped", "{\(two)\(entry("\\u0061", 4, 8))}", data: 8, "stands twice"),
            file("an overlap", "{\(two)\(entry("b", 2, 6))}", data: 6, "expected 4"),
            file("a hole", "{\(two)\(entry("b", 8, 12))}", data: 12, "expected 4"),
            file("more data", "{\(entry("a", 0, 4))}", data: 9, "the file holds 9"),
            file("inverted offsets", "{\(entry("a", 4, 0))}", "inverted"),
            file("offsets past the end", "{\(entry("a", 0, 1 << 40))}", "offsets span"),
            file(
                "offsets of 2^64",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,18446744073709551620]}}", "broken JSON"),
            file("a shape that overflows", "{\(entry("a", 0, 4, shape: "[4294967296,4294967296]"))}", "overflows"),
            file("a shape of 2^63-1", "{\(entry("a", 0, 4, shape: "[9223372036854775807,2]"))}", "overflows"),
            file("a negative shape", "{\(entry("a", 0, 4, shape: "[-1]"))}", "broken JSON"),
            file("nine dimensions", "{\(entry("a", 0, 4, shape: "[1,1,1,1,1,1,1,1,1]"))}", "dimensions"),
            file("an unknown type", "{\(entry("a", 0, 4, type: "F8_E4M3"))}", "unknown element type"),
            file("a million objects deep", String(repeating: "{\"a\":", count: 1_000_000), "broken JSON"),
            file(
                "a million lists deep", "{\(entry("a", 0, 4, shape: String(repeating: "[", count: 1_000_000)))}",
                "broken JSON"),
            file(
                "a million lists deep in the metadata",
                "{\"__metadata__\":" + String(repeating: "[", count: 1_000_000), "broken JSON"),
            file(
                "a million tensors",
                "{" + (0..<1_000_000).map { entry("\($0)", 0, 0, shape: "[0]") }.joined(separator: ",") + "}",
                "more than 100000 tensors"),
            file("a name of 90 MB", "{\"\(String(repeating: "n", count: 90_000_000))\":1}", "broken JSON"),
            file("90 MB of space", "{" + String(repeating: " ", count: 90_000_000) + "]", "broken JSON"),
            file(
                "90 MB of metadata", "{\"__metadata__\":{\"a\":\"\(String(repeating: "v", count: 90_000_000))\"}}",
                data: 0, "no model"),
        ]
    }

    @Test func `hostile headers are refused by a sentence within 100 ms`() throws {
        let start = (0..<9).map { _ in
            seconds { #expect(shell("'\(Repository.programs)/dsegd' --version").status == 0) }
        }.median
        var slowest = (seconds: 0.0, name: "")
        for header in Self.headers() {
            let path = try write(header.bytes, to: "hostile.safetensors")
            var times: [Double] = []
            for _ in 0..<3 {
                times.append(
                    seconds {
                        let ending = owner.dsegd(["model", "add", path])
                        #expect(ending.status == Self.badData, "\(header.name): \(ending)")
                        #expect(
                            ending.output.contains(path) && ending.output.contains(header.sentence)
                                && ending.output.split(separator: "\n").count == 1,
                            "\(header.name): \(ending.output.prefix(400))")
                    } - start)
            }
            // Of three the least: a processor may be somebody else's for a while.
            let least = times.min() ?? 0
            if least > slowest.seconds { slowest = (least, header.name) }
            #expect(least <= 0.1, "\(header.name): \(times.map(milliseconds))")
        }
        print(
            """
            row 16: \(Self.headers().count) hostile headers: refused at most \(milliseconds(slowest.seconds)) after \
            the program's start of \(milliseconds(start)) (\(slowest.name)); \(Machine.description)
            """)
    }
}

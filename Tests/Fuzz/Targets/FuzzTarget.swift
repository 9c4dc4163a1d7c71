import Glibc

/// One way into the house for bytes that strangers wrote, and the laws that hold there.
struct FuzzTarget: Sendable {
    let name: String
    /// The longest input in bytes: long enough for each rule to be met, short enough for many inputs a second.
    let longest: Int
    /// What the process may take, in MiB: libFuzzer's own few hundred, ASan's quarantine, and what the target may.
    let mebibytes: Int
    /// Byte strings that mutations put in.
    let words: [[UInt8]]
    let seeds: @Sendable () -> [[UInt8]]
    let run: @Sendable ([UInt8]) -> Void

    /// What one input may take of a processor, in seconds: ten times the 100 ms that any input may, since instrumented
    /// code is slower by about as much. libFuzzer's own limit is of the time that passes, which on a busy machine says
    /// nothing: it ends what does not come back.
    static let seconds = 1

    static let all: [FuzzTarget] = [
        .frames, .messages, .maps, .safetensors, .singleFile, .png, .jpeg, .webP, .orientation, .prompts,
        .vocabularies, .provenance, .registry,
    ]

    /// Those of ``all``, and the one that must be found at fault.
    static func named(_ name: String) -> FuzzTarget? { (all + [.control]).first { $0.name == name } }

    /// libFuzzer's flags.
    var limits: [String] {
        [
            "-max_len=\(longest)", "-rss_limit_mb=\(mebibytes)", "-malloc_limit_mb=\(mebibytes)",
            "-timeout=\(60 * Self.seconds)",
            "-print_final_stats=1",
        ]
    }

    /// Writes seeds and dictionary; returns libFuzzer's arguments that name them.
    func prepare(in folder: String) -> [String] {
        let place = "\(folder)/\(name)"
        for path in [folder, place, "\(place)/corpus", "\(place)/seeds", "\(place)/found"] {
            unsafe mkdir(path, 0o755)
        }
        for (number, seed) in seeds().enumerated() { Scratch.write(seed, to: "\(place)/seeds/\(number)") }
        let lines = words.map { word in
            "\"" + word.map { "\\x" + String(Int($0) + 0x100, radix: 16).dropFirst() }.joined() + "\"\n"
        }
        Scratch.write(Array(lines.joined().utf8), to: "\(place)/dictionary")
        return [
            "\(place)/corpus", "\(place)/seeds", "-dict=\(place)/dictionary", "-artifact_prefix=\(place)/found/",
        ]
    }
}

/// An input, read from its beginning.
struct Input {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// 0 at the end.
    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// The next bytes, fewer at the end.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// Big-endian, of the next `bytes` bytes.
    mutating func number(bytes: Int) -> UInt64 { take(bytes).reduce(0) { $0 << 8 | UInt64($1) } }
}

/// The files of this repository, of which seeds are made.
enum Fixtures {
    /// Three folders above this file.
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        .joined(separator: "/")

    static func file(_ path: String) -> [UInt8] { Scratch.read("\(root)/\(path)") }

    /// The files of a folder whose names end so, of at most `limit` bytes.
    static func files(in folder: String, ending: String, limit: Int) -> [[UInt8]] {
        guard let stream = unsafe opendir("\(root)/\(folder)") else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(ending) { names.append(name) }
        }
        return names.sorted().map { file("\(folder)/\($0)") }.filter { $0.count <= limit }
    }
}

import FoundationEssentials
import Glibc
import Kernels
import Support
import Testing

@testable import Networks

private typealias Key = RememberedEmbeddings.Key

/// A folder that embeddings are remembered in.
private struct Remembering {
    private let place: TemporaryDirectory
    var folder: String { "\(place.path)/cache/dseg" }
    var path: String { "\(folder)/embeddings" }
    var embeddings: RememberedEmbeddings { RememberedEmbeddings(in: folder) }

    init() throws { place = try TemporaryDirectory() }

    /// With some texts remembered.
    static func some() throws -> Remembering {
        let remembering = try Remembering()
        remembering.embeddings.remember(Remembering.texts)
        return remembering
    }

    static let texts = [
        Key(user: 1, model: "m", text: "a dog"): [1, -0, .pi, .leastNonzeroMagnitude, .infinity] as [Float],
        Key(user: 1, model: "m", text: ""): [],
        Key(user: 1, model: "m", text: "a cat"): [Float](repeating: 0.25, count: 1000),
    ]

    /// The bits of what is known of the keys.
    func known(_ keys: Set<Key> = Set(texts.keys)) -> [Key: [UInt32]] {
        embeddings.embeddings(of: keys).mapValues { $0.map(\.bitPattern) }
    }

    static let bits = texts.mapValues { $0.map(\.bitPattern) }

    var bytes: [UInt8] { get throws { try Repository.bytes(path) } }

    /// Over the bytes that are there, which keeps owner and mode.
    func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: path)) }

    func mode(_ path: String) throws -> mode_t {
        var state = stat()
        try #require(unsafe stat(path, &state) == 0)
        return state.st_mode & 0o7777
    }
}

@Suite struct `embeddings of texts are remembered` {
    @Test func `bit for bit, for who asks for them, in a file of this user alone`() throws {
        let remembering = try Remembering()
        #expect(remembering.known().isEmpty)
        remembering.embeddings.remember([:])
        #expect(!FileManager.default.fileExists(atPath: remembering.folder), "nothing needs no file")
        remembering.embeddings.remember(Remembering.texts)
        #expect(remembering.known() == Remembering.bits)
        #expect(try remembering.mode(remembering.folder) == 0o700)
        #expect(try remembering.mode(remembering.path) == 0o600)
        let one = Key(user: 1, model: "m", text: "a dog")
        #expect(
            remembering.known([one, Key(user: 1, model: "m", text: "a bird")]) == [one: Remembering.bits[one] ?? []])
        #expect(remembering.known([]).isEmpty)
    }

    @Test func `beside those before them, and the later of two of a text counts`() throws {
        let remembering = try Remembering.some()
        let (old, new) = (Key(user: 1, model: "m", text: "a dog"), Key(user: 1, model: "m", text: "a bird"))
        remembering.embeddings.remember([old: [2], new: [3]])
        let expected = Remembering.bits.merging([old: [Float(2).bitPattern], new: [Float(3).bitPattern]]) { $1 }
        #expect(remembering.known(Set(expected.keys)) == expected)
        let size = try remembering.bytes.count
        remembering.embeddings.remember([old: [4]])
        #expect(try remembering.bytes.count == size, "a text has one embedding")
        #expect(remembering.known([old]) == [old: [Float(4).bitPattern]])
    }

    @Test func `by the model and every byte of the text`() {
        let models = ["", "m", "m ", "m int16", "m f32", "m f32 OpenBLAS 0.3"]
        let texts = ["", " ", "a", "A", "a ", "é", "e\u{301}", "a\u{0}", "m", "int16", " int16", "\u{0}"]
        let keys = models.flatMap { model in texts.map { Key(user: 1, model: model, text: $0) } }
        #expect(Set(keys).count == models.count * texts.count)
        #expect(Key(user: 1, model: "m", text: "é") == Key(user: 1, model: "m", text: "\u{e9}"))
    }

    @Test func `up to a bound, and those go first that came first`() throws {
        let remembering = try Remembering()
        let length = 1 << 16
        let bytes = 36 + 4 * length
        let room = (RememberedEmbeddings.limit - 50) / bytes
        func key(_ number: Int) -> Key { Key(user: 1, model: "m", text: "\(number)") }
        func embedding(_ number: Int) -> [Float] { [Float](repeating: Float(number), count: length) }
        func known(_ count: Int) -> [Int] {
            let found = remembering.embeddings.embeddings(of: Set((0..<count).map(key)))
            return (0..<count).filter { found[key($0)] == embedding($0) }
        }
        remembering.embeddings.remember(
            Dictionary(uniqueKeysWithValues: (0..<room - 1).map { (key($0), embedding($0)) }))
        #expect(known(room) == Array(0..<room - 1))
        for number in room - 1..<room + 3 { remembering.embeddings.remember([key(number): embedding(number)]) }
        let size = try remembering.bytes.count
        #expect(size <= RememberedEmbeddings.limit && size > RememberedEmbeddings.limit - bytes)
        let left = known(room + 3)
        #expect(left.count == room && left.suffix(4) == [room - 1, room, room + 1, room + 2])
        let first = try #require((0..<room - 1).first { left.contains($0) })
        remembering.embeddings.remember([key(first): embedding(first)])
        #expect(try remembering.bytes.count == size && known(room + 3) == left, "what is known already takes no room")
        // What is more than all that fits leaves what fits.
        remembering.embeddings.remember(
            Dictionary(
                uniqueKeysWithValues: (0..<room + 2).map { (Key(user: 1, model: "n", text: "\($0)"), embedding($0)) }))
        #expect(try remembering.bytes.count == size)
        #expect(known(room + 3).isEmpty)
        #expect(
            remembering.embeddings.embeddings(of: Set((0..<room + 2).map { Key(user: 1, model: "n", text: "\($0)") }))
                .count
                == room)
    }
}

@Suite struct `a file of embeddings that is not to be trusted` {
    @Test func `with any byte lost, added or changed is as good as none, and is replaced`() throws {
        let remembering = try Remembering()
        let texts = [Key(user: 1, model: "m", text: "a dog"): [1, 2] as [Float]]
        remembering.embeddings.remember(texts)
        let whole = try remembering.bytes
        #expect(whole.count == 18 + 36 + 8 + 32)
        for index in whole.indices {
            try remembering.write(Array(whole[..<index]))
            #expect(remembering.known(Set(texts.keys)).isEmpty, "\(index) bytes")
            var changed = whole
            changed[index] ^= 1
            try remembering.write(changed)
            #expect(remembering.known(Set(texts.keys)).isEmpty, "byte \(index)")
        }
        let foreign = [whole + whole, whole + [0], [UInt8](repeating: 0xff, count: 1 << 20), Array("PNG".utf8), []]
        for bytes in foreign + [[UInt8](repeating: 0, count: RememberedEmbeddings.limit + 1)] {
            try remembering.write(bytes)
            #expect(remembering.known(Set(texts.keys)).isEmpty)
            remembering.embeddings.remember(texts)
            #expect(try remembering.bytes == whole)
        }
    }

    /// What a program could write that knows the format, or a version with longer keys.
    @Test(arguments: [[], [1], [2, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [3, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]])
    func `whose entries do not add up to it, though their sum is right, is as good as none`(end: [UInt8]) throws {
        let remembering = try Remembering.some()
        var body = Array(try remembering.bytes.dropLast(32))
        body += end.isEmpty ? [0] : [UInt8](repeating: 0, count: 32) + end
        var hash = SHA256()
        hash.update(body)
        try remembering.write(body + hash.digest())
        #expect(remembering.known().isEmpty)
    }

    @Test(arguments: ["group", "others", "folder", "link", "folder of another user", "another user", "pipe"])
    func `that someone else may have written is not read`(whose: String) throws {
        let remembering = try Remembering.some()
        let (file, folder) = (remembering.path, remembering.folder)
        switch whose {
        case "group": #expect(unsafe chmod(file, 0o620) == 0)
        case "others": #expect(unsafe chmod(file, 0o602) == 0)
        case "folder": #expect(unsafe chmod(folder, 0o770) == 0)
        case "link": #expect(unsafe rename(file, file + "2") == 0 && symlink(file + "2", file) == 0)
        case "pipe": #expect(unsafe unlink(file) == 0 && mkfifo(file, 0o600) == 0)
        default:
            guard geteuid() == 0 else { return }
            #expect(unsafe chown(whose == "another user" ? file : folder, 1, 1) == 0)
        }
        #expect(remembering.known().isEmpty)
        remembering.embeddings.remember(Remembering.texts)
        let isReplaced = !whose.hasPrefix("folder")
        #expect(remembering.known() == (isReplaced ? Remembering.bits : [:]), "a file is replaced, a folder left alone")
    }

    @Test(arguments: ["/dev/null/dseg", "/proc/dseg", "/proc/no/where", ""])
    func `in a folder that cannot be is nobody's error`(folder: String) {
        let embeddings = RememberedEmbeddings(in: folder)
        embeddings.remember(Remembering.texts)
        #expect(embeddings.embeddings(of: Set(Remembering.texts.keys)).isEmpty)
    }

    @Test func `by many writers at once is a whole file, and none of their leavings`() async throws {
        let remembering = try Remembering()
        let folder = remembering.folder
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for round in 0..<30 {
                        let embeddings = RememberedEmbeddings(in: folder)
                        let key = Key(user: 1, model: "\(writer)", text: "\(round % 10)")
                        embeddings.remember([key: [Float(writer), Float(round % 10)]])
                        for (found, embedding) in embeddings.embeddings(of: [key]) {
                            #expect(found == key && embedding == [Float(writer), Float(round % 10)])
                        }
                    }
                }
            }
        }
        let keys = (0..<8).flatMap { writer in (0..<10).map { Key(user: 1, model: "\(writer)", text: "\($0)") } }
        #expect(!remembering.known(Set(keys)).isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["embeddings"])
    }
}

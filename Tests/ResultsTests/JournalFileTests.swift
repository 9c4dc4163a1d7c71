import FoundationEssentials
import Glibc
import Support
import Testing

@testable import Results

/// The file that a run over many pictures goes on from, whatever ended the program or the machine.
@Suite struct JournalFileTests {
    private let place: TemporaryDirectory
    private var path: String { "\(place.path)/journal" }
    private let objects = [#"{"a":1}"#, #"{"b":"zwei"}"#, #"{"c":[3,4]}"#, #"{"d":{"e":5}}"#]

    init() throws {
        place = try TemporaryDirectory()
    }

    private func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: path)) }

    /// The bytes of a file with all objects.
    private func whole() throws -> [UInt8] {
        let file = try JournalFile(path)
        for object in objects { try file.append(object) }
        return try Repository.bytes(path)
    }

    /// Expects a file to have the first of the objects, and to go on after them.
    private func expect(_ bytes: [UInt8], keeping count: Int, _ comment: Comment) throws {
        try write(bytes)
        do {
            let file = try JournalFile(path)
            #expect(file.lines == Array(objects.prefix(count)), comment)
            #expect(try Repository.bytes(path) == bytes, "nothing is changed before something is added")
            for object in objects.dropFirst(count) { try file.append(object) }
        }
        #expect(try JournalFile(path).lines == objects, comment)
    }

    @Test func `what was added is read again, line by line, as JSON`() throws {
        let lines = try whole().split(separator: UInt8(ascii: "\n"))
        #expect(try JournalFile(path).lines == objects)
        let sums = try lines.map { try JSONDecoder().decode(Line.self, from: Data($0)).sum }
        #expect(sums == objects.map { Fingerprint(of: $0.utf8).text })
    }

    private struct Line: Decodable { let sum: String }

    @Test func `cut off at any byte, it keeps the lines before, and goes on`() throws {
        let whole = try whole()
        for length in 0..<whole.count {
            let kept = Array(whole.prefix(length))
            let count = kept.count { $0 == UInt8(ascii: "\n") }
            try expect(kept, keeping: count, "cut at \(length)")
        }
    }

    @Test func `what a power cut left as NUL is no line`() throws {
        let whole = try whole()
        for length in 0..<whole.count {
            let kept = Array(whole.prefix(length))
            let count = kept.count { $0 == UInt8(ascii: "\n") }
            try expect(
                kept + [UInt8](repeating: 0, count: whole.count - length), keeping: count, "NUL from \(length)")
        }
    }

    @Test func `a last line that is damaged is taken for none`() throws {
        let whole = try whole()
        let ends = whole.indices.filter { whole[$0] == UInt8(ascii: "\n") }
        for place in (ends[2] + 1)..<ends[3] {
            var damaged = whole
            damaged[place] ^= 1
            try expect(damaged, keeping: 3, "byte \(place)")
        }
    }

    @Test func `a line that is damaged before intact ones is refused by its number, and nothing is changed`() throws {
        let whole = try whole()
        let ends = whole.indices.filter { whole[$0] == UInt8(ascii: "\n") }
        for (line, range) in [(1, 9..<ends[0]), (2, (ends[0] + 1)..<(ends[1] + 1)), (3, (ends[1] + 1)..<ends[2])] {
            for place in range {
                var damaged = whole
                damaged[place] ^= 1
                try write(damaged)
                #expect(throws: JournalError.damaged(path: path, line: line), "byte \(place)") {
                    _ = try JournalFile(path)
                }
                #expect(try Repository.bytes(path) == damaged)
            }
        }
    }

    @Test(arguments: [
        "a diary\n", "{\"set\":1}\n", "no line end", "\n", "\u{89}PNG\r\n", "{\"sum\":1}", "{\"sum\":\"\n",
    ])
    func `a file of something else stays as it is`(text: String) throws {
        try write(Array(text.utf8))
        #expect(throws: JournalError.self) { _ = try JournalFile(path) }
        #expect(try Repository.bytes(path) == Array(text.utf8))
    }

    @Test func `a folder, a pipe and a device are refused`() throws {
        #expect(throws: FileError.self) { _ = try JournalFile(place.path) }
        #expect(unsafe mkfifo(path, 0o600) == 0)
        for path in [path, "/dev/null"] {
            #expect(throws: JournalError.noJournal(path: path)) { _ = try JournalFile(path) }
        }
    }

    @Test func `one value at a time has it, and no program that is started inherits it`() throws {
        do {
            let file = try JournalFile(path)
            #expect(throws: JournalError.inUse(path: path)) { _ = try JournalFile(path) }
            try file.append(objects[0])
            let number = try descriptor(of: path)
            let information = String(decoding: try Repository.bytes("/proc/self/fdinfo/\(number)"), as: UTF8.self)
            let flags = try #require(information.split(separator: "\n").first { $0.hasPrefix("flags:") })
            let digits = try #require(flags.split(whereSeparator: { $0 == "\t" || $0 == " " }).last)
            #expect(try #require(CInt(digits, radix: 8)) & O_CLOEXEC != 0)
        }
        #expect(try JournalFile(path).lines == [objects[0]])
    }

    /// As a program has that another thread starts, from its fork to its exec.
    @Test func `a journal that was closed is free, whoever has a copy of its descriptor`() throws {
        let copy: CInt
        do {
            let file = try JournalFile(path)
            try file.append(objects[0])
            copy = dup(try descriptor(of: path))
        }
        defer { close(copy) }
        #expect(copy >= 0)
        #expect(try JournalFile(path).lines == [objects[0]])
    }

    @Test func `one to which nothing was added leaves no file`() throws {
        do { _ = try JournalFile(path) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `a fingerprint is that of FNV-1a`() {
        // Published test vectors: http://www.isthe.com/chongo/src/fnv/test_fnv.c
        #expect(Fingerprint(of: []).text == "cbf29ce484222325")
        #expect(Fingerprint(of: "a".utf8).text == "af63dc4c8601ec8c")
        #expect(Fingerprint(of: "foobar".utf8).text == "85944171f73967e8")
        var (one, other) = (Fingerprint(), Fingerprint())
        for text in ["ab", "c"] { one.add(text) }
        for text in ["a", "bc"] { other.add(text) }
        #expect(one.text != other.text)
    }
}

import FoundationEssentials
import Glibc
import Kernels
import Support
import Testing

@testable import Networks

/// A file that is to be hashed, and a folder that remembers it.
private struct Remembering {
    let folder: TemporaryDirectory
    let path: String
    var cache: String { "\(folder.path)/cache/dseg" }
    var list: String { "\(cache)/digests" }
    var digests: RememberedDigests { RememberedDigests(in: cache) }

    init() throws {
        folder = try TemporaryDirectory()
        path = try folder.write("weights", "some weights")
    }

    /// With a file that has lain still for long enough, hashed once.
    static func settled() async throws -> Remembering {
        let remembering = try Remembering()
        try await stillness()
        try remembering.hash()
        return remembering
    }

    /// As long as a file must lie still.
    static func stillness() async throws { try await Task.sleep(for: .seconds(3.2)) }

    func file() throws -> HashedFile { try HashedFile(directory: folder.path, name: "weights") }

    /// What is remembered of the file as it is now.
    func known() throws -> [UInt8]? { try digests.digests(of: [file()])["weights"] }

    /// As a start does it.
    @discardableResult
    func hash() throws -> ModelHash {
        try Checkpoint.read([], hashing: [file()], remembered: digests) { true }
    }

    /// With every byte read.
    func fullHash() throws -> ModelHash { try ModelHash(directory: folder.path, files: ["weights"]) }

    /// Puts another digest in the place of the right one: it shows in a hash whether it is used.
    func forge() throws {
        let entries = RememberedDigests.parse(try text())
        let forged = entries.map { DigestEntry(digest: [UInt8](repeating: 7, count: 32), identity: $0.identity) }
        try write(RememberedDigests.text(forged))
    }

    func text() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: list))) }

    /// Over the bytes that are there, which keeps owner and mode.
    func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: list)) }

    func mode(_ path: String) throws -> mode_t {
        var state = stat()
        try #require(unsafe stat(path, &state) == 0)
        return state.st_mode & 0o7777
    }
}

@Suite struct `digests of files are remembered` {
    @Test func `a file that lies still is hashed once, and what is remembered is its own`() async throws {
        let remembering = try Remembering()
        #expect(try remembering.known() == nil)
        try await Remembering.stillness()
        #expect(try remembering.hash() == remembering.fullHash())
        #expect(try remembering.known() == SHA256Digest.of("some weights"))
        #expect(try remembering.hash() == remembering.fullHash())
        #expect(try remembering.mode(remembering.cache) == 0o700)
        #expect(try remembering.mode(remembering.list) == 0o600)

        try remembering.forge()
        #expect(try remembering.hash() != remembering.fullHash(), "nobody hashed it again")
        #expect(try remembering.fullHash() == Remembering().fullHash(), "who asks for no memory gets none")
    }

    @Test func `a file that was written a moment ago is not remembered`() throws {
        let remembering = try Remembering()
        #expect(try remembering.hash() == remembering.fullHash())
        #expect(try remembering.known() == nil)
        #expect(!FileManager.default.fileExists(atPath: remembering.cache))
    }

    @Test func `a time that lies ahead is no time that has passed`() {
        func identity(_ modified: Int, _ changed: Int) -> FileIdentity {
            FileIdentity(
                device: 1, inode: 2, size: 3, modified: FileTime(seconds: modified, nanoseconds: 0),
                changed: FileTime(seconds: changed, nanoseconds: 0))
        }
        #expect(identity(100, 100).isSettled(at: 103))
        for (modified, changed) in [(100, 101), (101, 100), (200, 100), (100, 200), (.max, .min)] {
            #expect(!identity(modified, changed).isSettled(at: 103))
        }
    }

    @Test(arguments: ["write", "same size, same time", "touch", "mode", "rename over", "rename and back"])
    func `whatever happens to a file, it is hashed again`(event: String) async throws {
        let remembering = try await Remembering.settled()
        try remembering.forge()
        let path = remembering.path
        var before = stat()
        try #require(unsafe stat(path, &before) == 0)
        switch event {
        case "write": try remembering.folder.write("weights", "some other weights")
        case "same size, same time":
            let stream = try unsafe #require(fopen(path, "r+"))
            unsafe fputs("SOME", stream)
            unsafe fclose(stream)
            let times = [before.st_atim, before.st_mtim]
            #expect(unsafe utimensat(AT_FDCWD, path, times, 0) == 0)
        case "touch": #expect(unsafe utimensat(AT_FDCWD, path, nil, 0) == 0)
        case "mode": #expect(unsafe chmod(path, 0o640) == 0)
        case "rename over":
            let other = try remembering.folder.write("other", "SOME weights")
            #expect(unsafe rename(other, path) == 0)
        default:
            #expect(unsafe rename(path, path + "2") == 0 && rename(path + "2", path) == 0)
        }
        #expect(try remembering.known() == nil)
        #expect(try remembering.hash() == remembering.fullHash())
    }

    @Test func `a file that changes its name while it is hashed is not remembered`() async throws {
        let remembering = try Remembering()
        try await Remembering.stillness()
        let file = try remembering.file()
        #expect(unsafe chmod(remembering.path, 0o600) == 0)
        remembering.digests.remember(["weights": [UInt8](repeating: 1, count: 32)], of: [file])
        #expect(!FileManager.default.fileExists(atPath: remembering.list))
    }

    @Test func `a file has one state, and the longest unused make room`() async throws {
        let remembering = try await Remembering.settled()
        let own = try #require(RememberedDigests.parse(remembering.text()).first)
        let others = (0..<RememberedDigests.limit).map { index in
            DigestEntry(
                digest: own.digest,
                identity: FileIdentity(
                    device: .max, inode: .max - UInt64(index), size: .max,
                    modified: FileTime(seconds: .min, nanoseconds: .min),
                    changed: FileTime(seconds: .min, nanoseconds: .min)))
        }
        try remembering.write(RememberedDigests.text([own] + others.dropLast()))
        #expect(try remembering.known() == own.digest, "a full list of the longest lines is read")
        #expect(unsafe chmod(remembering.path, 0o600) == 0)
        try await Remembering.stillness()
        try remembering.hash()
        let replaced = RememberedDigests.parse(try remembering.text())
        #expect(replaced.count == RememberedDigests.limit && Array(replaced.dropLast()) == others.dropLast())
        #expect(try remembering.known() == own.digest)

        try remembering.write(RememberedDigests.text(others))
        try remembering.hash()
        let full = RememberedDigests.parse(try remembering.text())
        #expect(full.count == RememberedDigests.limit && full.first == others[1])
        #expect(try remembering.known() == own.digest)
    }
}

@Suite struct `a list of digests that is not to be trusted` {
    @Test func `any byte that is lost, added or changed makes it as good as none, and it is replaced`() async throws {
        let remembering = try await Remembering.settled()
        let text = try remembering.text()
        #expect(RememberedDigests.parse(text).count == 1)
        for index in text.indices {
            #expect(RememberedDigests.parse(Array(text[..<index])).isEmpty)
            var changed = text
            changed[index] ^= 1
            #expect(RememberedDigests.parse(changed).isEmpty, "byte \(index)")
        }
        for bytes in [text + text, text + [10], [UInt8](repeating: 0xff, count: 1 << 20), []] {
            #expect(RememberedDigests.parse(bytes).isEmpty)
            try remembering.write(bytes)
            #expect(try remembering.known() == nil)
            #expect(try remembering.hash() == remembering.fullHash())
            #expect(try remembering.text() == text)
        }
    }

    @Test(arguments: ["group", "others", "folder", "link", "folder of another user", "another user", "pipe"])
    func `what someone else may have written is not read`(whose: String) async throws {
        let remembering = try await Remembering.settled()
        try remembering.forge()
        let (list, cache) = (remembering.list, remembering.cache)
        switch whose {
        case "group": #expect(unsafe chmod(list, 0o620) == 0)
        case "others": #expect(unsafe chmod(list, 0o602) == 0)
        case "folder": #expect(unsafe chmod(cache, 0o770) == 0)
        case "link": #expect(unsafe rename(list, list + "2") == 0 && symlink(list + "2", list) == 0)
        case "pipe": #expect(unsafe unlink(list) == 0 && mkfifo(list, 0o600) == 0)
        default:
            guard geteuid() == 0 else { return }
            #expect(unsafe chown(whose == "another user" ? list : cache, 1, 1) == 0)
        }
        #expect(try remembering.known() == nil)
        #expect(try remembering.hash() == remembering.fullHash())
        let isReplaced = !whose.hasPrefix("folder")
        #expect(try (remembering.known() != nil) == isReplaced, "a list is replaced, a folder is left alone")
    }

    @Test func `a folder behind a link is this user's own all the same`() async throws {
        let remembering = try await Remembering.settled()
        let link = "\(remembering.folder.path)/link"
        #expect(unsafe symlink(remembering.cache, link) == 0)
        #expect(try RememberedDigests(in: link).digests(of: [remembering.file()]).count == 1)
    }

    @Test(arguments: ["/dev/null/dseg", "/proc/dseg", "/proc/no/where", ""])
    func `a folder that cannot be is nobody's error`(folder: String) async throws {
        let remembering = try Remembering()
        try await Remembering.stillness()
        let digests = RememberedDigests(in: folder)
        let hash = try Checkpoint.read([], hashing: [remembering.file()], remembered: digests) { true }
        #expect(try hash == remembering.fullHash())
    }

    @Test func `many writers at once leave a whole list, and none of their leavings`() async throws {
        let remembering = try Remembering()
        let names = (0..<8).map { "weights \($0)" }
        for name in names { try remembering.folder.write(name, name) }
        try await Remembering.stillness()
        let (folder, cache) = (remembering.folder.path, remembering.cache)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names {
                group.addTask {
                    for _ in 0..<50 {
                        let file = try HashedFile(directory: folder, name: name)
                        let digests = RememberedDigests(in: cache)
                        digests.remember([name: try file.digest(counting: { _ in }, while: { true })], of: [file])
                        for (known, digest) in digests.digests(of: [file]) {
                            #expect(digest == SHA256Digest.of(known))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let entries = RememberedDigests.parse(try remembering.text())
        #expect((1...names.count).contains(entries.count))
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache) == ["digests"])
    }
}

private enum SHA256Digest {
    static func of(_ text: String) -> [UInt8] {
        var hash = SHA256()
        hash.update(Array(text.utf8))
        return hash.digest()
    }
}

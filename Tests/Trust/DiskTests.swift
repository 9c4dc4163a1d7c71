import Foundation
import RPC
import Support
import Testing

/// A disk that is full or broken, below the daemon's cache and its log and the files that `dseg` writes. It has one
/// mebibyte, is this daemon's alone, and nobody else sees it.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_TRUST"] != nil))
struct DiskTests {
    private let disk: SmallDisk
    private let trouble: BadDisk
    private let daemon: Daemon
    private var process: pid_t { daemon.child.process }

    init() throws {
        (disk, trouble) = (try SmallDisk(), try BadDisk())
        daemon = try Daemon(
            answering: [], environment: trouble.environment.merging(["CACHE_DIRECTORY": "\(disk.path)/cache"]) { $1 },
            runner: disk.runner(log: true))
    }

    /// The files of the disk, and what of them a hash tells.
    private var files: [String] {
        let listing = disk.run(
            "find \(disk.path) -type f ! -name filler ! -name log | sort | xargs -r sha256sum", beside: process)
        return listing.output.split(separator: "\n").map(String.init)
    }

    private var log: String {
        (try? String(contentsOfFile: disk.path(of: "log", seenBy: process), encoding: .utf8)) ?? ""
    }

    /// `dseg mask`, which writes to the disk.
    private func mask(_ scene: Int) -> (status: CInt, output: String) {
        let variables = trouble.environment.map { "\($0)='\($1)'" }.joined(separator: " ")
        return disk.run(
            """
            DSEG_SOCKET='\(daemon.socket)' \(variables) '\(Repository.programs)/dseg' mask \
            '\(Repository.scenePath(scene))' boat -o '\(disk.path)/out'
            """, beside: process)
    }

    /// Asks for what must be computed: of texts, which are kept in the cache's folder.
    private func describe(_ word: String) throws {
        let candidates = (0..<40).map { Candidate(name: "\(word) \($0)", phrases: [], synonyms: []) }
        let request = DescribeRequest(
            picture: .image(try Repository.scene(1)),
            vocabulary: Vocabulary(candidates: candidates, background: [], filter: "", settings: []), model: "",
            requestID: "", deadlineMilliseconds: 0, keepAlive: "", progress: false)
        try daemon.client().describe(request) { _ in }
    }

    /// What holds while the disk is in trouble: files are as they were, whoever asked for one is told why there is
    /// none, and the daemon goes on.
    private func judge(_ name: String, _ reason: String, _ begin: () throws -> Void, _ end: () throws -> Void) throws {
        try describe("before")
        let folder = disk.run("mkdir \(disk.path)/out", beside: process)
        try #require(folder.status == 0, "\(folder)")
        let first = mask(1)
        try #require(first.status == 0, "\(first)")
        let before = files
        #expect(
            before.contains { $0.hasSuffix("/cache/embeddings") } && before.contains { $0.hasSuffix("0001.mask.png") })
        try begin()
        let failed = mask(2)
        #expect(failed.status == 73 && failed.output.contains(reason), "\(failed)")
        try describe("meanwhile")
        // A line each in the log, more than its last page has room for.
        for _ in 0..<40 { #expect(throws: RPCStatus.self) { try daemon.client().cancel("") } }
        #expect(files == before, "whole files, as they were: \(files), before \(before)")
        try end()
        let again = mask(2)
        #expect(again.status == 0, "\(again)")
        try describe("afterwards")
        let after = files
        #expect(after.count == before.count + 1 && after.contains { $0.hasSuffix("0002.mask.png") })
        #expect(after.count { !before.contains($0) } == 2, "the mask, and what is kept of texts: \(after)")
        let torn = log.split(separator: "\n").filter { !$0.hasPrefix("dsegd: ") || $0.dropFirst().contains("dsegd: ") }
        #expect(torn.isEmpty, "\(torn)")
        print(
            """
            \(name): dseg ended with \(failed.status), nothing half-written, the daemon went on; \
            \(Machine.description)
            """
        )
    }

    @Test func `a full disk`() throws {
        try judge("a full disk", "No space left on device") {
            disk.fill(process)
        } _: {
            disk.free(process)
        }
    }

    @Test func `a broken disk`() throws {
        try judge("a broken disk", "Input/output error") {
            try trouble.begin(.broken, below: disk.path)
        } _: {
            trouble.end()
        }
    }
}

import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// Clients that share no code with ours, and users who are not us.
struct OtherClientStories {
    private static let hasPython =
        shell("/usr/bin/python3 -c 'import google.protobuf, zstandard' && protoc --version").status == 0
    private static let hasGo =
        shell("go version && test -d /usr/share/gocode/src/github.com/containerd/ttrpc").status == 0

    /// What the Python client prints of a reply, as far as it is compared.
    private struct Line: Decodable {
        let reply: String
        let label: Int?
        let counts: [UInt64]?
        let code: Int32?
        let answer_hash: String?
        let scores_sha256: String?
        let indices_sha256: String?
        let handle: String?
    }

    private static func lines(_ output: String) throws -> [Line] {
        try output.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    /// By coreutils: a third opinion.
    private static func hash(_ bytes: [UInt8], in directory: TemporaryDirectory) throws -> String {
        let path = "\(directory.path)/bytes"
        try Data(bytes).write(to: URL(filePath: path))
        return String(shell("sha256sum '\(path)'").output.prefix(64))
    }

    @Test(.enabled(if: hasPython), arguments: ["best", "shared", "diffsegmenter"])
    func `the Python client gets the same bits`(recipe: String) throws {
        let daemon = try Daemon()
        let directory = try TemporaryDirectory()
        let run = shell(
            """
            /usr/bin/python3 '\(Repository.root)/Tests/Clients/segment.py' '\(daemon.socket)' \
            '\(Repository.scenePath(11))' train bird --recipe \(recipe) --encoding U16 --seed 3
            """)
        try #require(run.status == 0, "\(run.output)")
        let lines = try Self.lines(run.output)
        try #require(lines.map(\.reply) == ["look", "header", "score_map", "score_map", "mask", "trailer"])
        var request = SegmentRequest(.image(try Repository.scene(11)), ["train", "bird"], recipe: recipe)
        (request.encoding, request.seed, request.mask) = (.u16, 3, true)
        let answer = try daemon.client().answer(request)
        #expect(lines[0].handle == answer.header.handle)
        for (line, map) in zip(lines[2...], answer.maps) {
            let scores = try map.scores().flatMap { score in
                (0..<4).map { UInt8(truncatingIfNeeded: score.bitPattern >> (8 * $0)) }
            }
            #expect(try line.scores_sha256 == Self.hash(scores, in: directory))
        }
        let mask = try #require(answer.mask)
        #expect(try lines[4].indices_sha256 == Self.hash(mask.indices(), in: directory))
        #expect(lines[4].counts == mask.counts)
        #expect(lines[5].answer_hash == answer.trailer?.answerHash)
    }

    @Test(.enabled(if: hasGo)) func `containerd's Go client reads health and status`() throws {
        let daemon = try Daemon()
        let directory = try TemporaryDirectory()
        let build = shell(
            """
            GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= \
            go build -o '\(directory.path)/health' '\(Repository.root)/Tests/Clients/health.go'
            """)
        try #require(build.status == 0, "\(build.output)")
        let run = shell("'\(directory.path)/health' '\(daemon.socket)'")
        try #require(run.status == 0, "\(run.output)")
        let hash = try #require(try daemon.client().status().models.first?.hash)
        #expect(run.output.contains("\"status\":1"))
        #expect(run.output.contains(hash) && run.output.contains("\"name\":\"demo\""))
    }

    /// Root may speak as another user; nobody else may.
    @Test(.enabled(if: OtherUser.isPossible))
    func `another user's handle and another user's call are out of reach`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        let handle = try client.look(Repository.scene(8)).handle
        daemon.admitEveryone()
        let reaching = """
            connection = Connection("\(daemon.socket)")
            labels = [segmenter.Label(name="boat")]

            """
        let ask = """
            try:
                for reply in connection.segment(segmenter.SegmentRequest(handle="\(handle)", labels=labels)):
                    print(reply.WhichOneof("reply"))
            except CallFailed as failure:
                print(failure.status.code)
            """
        let refused = OtherUser.nobody.run(reaching + ask)
        #expect(refused == "\(RPCStatus.Code.notFound.rawValue)\n")

        let wire = try Wire(daemon)
        try wire.open(.segment, stream: 1, SegmentRequest.long(.handle(handle), id: "mine").encoded())
        #expect(try wire.next()?.kind == .data, "the header: it runs")
        let cancelled = OtherUser.nobody.run(
            reaching + """
                connection.open("Cancel", 0, segmenter.CancelRequest(request_id="mine"))
                _, _, payload = connection.receive()
                print(segmenter.CancelReply.FromString(connection.answer(payload)).cancelled)
                """)
        #expect(cancelled == "0\n")
        #expect(try client.cancel("mine") == 1)

        let file = Repository.scenePath(8)
        let brought = OtherUser.nobody.run(
            reaching + "print(connection.look(open(\"\(file)\", \"rb\").read()).handle)\n" + ask)
        if brought.contains("PermissionError") { return }
        #expect(brought == "\(handle)\nheader\nscore_map\ntrailer\n", "who brings it may ask")
    }

    /// Between the question and its answer one of the batch ends, which ran, and one may before the question has come.
    @Test(.enabled(if: OtherUser.isPossible))
    func `a batch of one user delays another's question by one of its own`() throws {
        let daemon = try Daemon("--queue", "64")
        daemon.admitEveryone()
        let handle = try daemon.client().look(Repository.scene(2)).handle
        let wires = try (0..<2).map { _ in try Wire(daemon) }
        for (number, wire) in wires.enumerated() {
            for call in 0..<30 {
                let words = (0..<20).map { "thing \(number) \(call) \($0)" }
                let request = SegmentRequest(.handle(handle), words, recipe: "diffsegmenter")
                try wire.open(.segment, stream: UInt32(2 * call + 1), request.encoded())
            }
        }
        let client = try daemon.client()
        let isFull = try eventually { try client.status().queued > 50 }
        #expect(isFull)
        let asked = OtherUser.nobody.run(
            """
            connection = Connection("\(daemon.socket)")
            scene = open("\(Repository.scenePath(1))", "rb").read()
            labels = [segmenter.Label(name="boat")]
            connection.open("Status", 0, segmenter.StatusRequest())
            _, _, payload = connection.receive()
            status = segmenter.StatusReply.FromString(connection.answer(payload))
            for reply in connection.segment(segmenter.SegmentRequest(image=scene, labels=labels)): pass
            print(status.administrator, [user.user for user in status.users], status.HasField("running"))
            """)
        if asked.contains("PermissionError") { return }
        #expect(asked == "False [65534] False\n", "it is told nothing of others")
        #expect(try client.status().activity.users.map(\.user) == [geteuid()], "nobody else is connected")
        func calls() -> [LogLine] { daemon.log.split(separator: "\n").compactMap { LogLine(ofCall: String($0)) } }
        let isLogged = eventually { calls().contains { $0["uid"] == "65534" && $0["method"] == "Segment" } }
        #expect(isLogged)
        let meanwhile = calls().drop { $0["uid"] != "65534" }.dropFirst().prefix { $0["uid"] != "65534" }
        #expect(meanwhile.count { $0["method"] == "Segment" } <= 2, "\(meanwhile)")
        withExtendedLifetime(wires) {}
    }
}

import FoundationEssentials
import RPC
import Support
import Testing

/// Clients that share no code with this one read the same bits.
struct OtherClientsTests {
    /// The fields of the Python client's lines that are compared.
    struct Line: Decodable {
        let reply: String
        let width: Int?
        let height: Int?
        let label: Int?
        let counts: [UInt64]?
        let code: Int32?
        let answerHash: String?
        let scoresHash: String?
        let indicesHash: String?

        enum CodingKeys: String, CodingKey {
            case reply, width, height, label, counts, code
            case answerHash = "answer_hash"
            case scoresHash = "scores_sha256"
            case indicesHash = "indices_sha256"
        }
    }

    /// What `Tests/Clients/health.go` prints: of the health check, then of the status.
    struct Health: Decodable {
        let status: UInt32
    }

    struct Status: Decodable, Equatable {
        struct Model: Decodable, Equatable {
            let name: String
            let bytes: UInt64
        }

        let version: String
        let models: [Model]
        let answered: UInt64
        let threads: UInt32
    }

    static func lines<Line: Decodable>(_ output: String, as _: Line.Type) throws -> [Line] {
        try output.split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
    }

    /// The hash of bytes by coreutils: a third opinion, and no code of ours.
    static func hash(_ bytes: [UInt8], in directory: TemporaryDirectory) throws -> String {
        let path = "\(directory.path)/bytes"
        try Data(bytes).write(to: URL(filePath: path))
        return String(shell("sha256sum '\(path)'").output.prefix(64))
    }

    static func python(_ arguments: String) -> (status: Int32, output: String) {
        shell("/usr/bin/python3 '\(Repository.root)/Tests/Clients/segment.py' \(arguments)")
    }

    @Test(arguments: Encoding.allCases)
    func `the Python client decodes the same bits`(encoding: Encoding) throws {
        let directory = try TemporaryDirectory()
        let peer = try Peer()
        let file = "\(directory.path)/picture"
        try Data([UInt8](repeating: 7, count: 1_500_000)).write(to: URL(filePath: file))
        let run = Self.python(
            "'\(peer.path)' '\(file)' dog cat --encoding \("\(encoding)".uppercased())")
        try #require(run.status == 0, "\(run.output)")
        let lines = try Self.lines(run.output, as: Line.self)
        let kinds = ["look", "header", "score_map", "score_map", "mask", "trailer"]
        try #require(lines.map(\.reply) == kinds)
        #expect(lines[0].width == 1_500_000)

        var request = ClientTests.request
        request.encoding = encoding
        var rest = lines.dropFirst()
        try peer.client().segment(request) { reply in
            let next = rest.popFirst()
            let line = try #require(next)
            switch reply {
            case .header(let header):
                #expect(line.width == Int(header.width) && line.height == Int(header.height))
            case .scoreMap(let map):
                let scores = try map.scores().flatMap { score in
                    (0..<4).map { UInt8(truncatingIfNeeded: score.bitPattern >> (8 * $0)) }
                }
                #expect(line.label == Int(map.label))
                #expect(try line.scoresHash == Self.hash(scores, in: directory))
            case .mask(let mask):
                #expect(line.counts == mask.counts)
                #expect(try line.indicesHash == Self.hash(mask.indices(), in: directory))
            case .trailer(let trailer): #expect(line.answerHash == trailer.answerHash)
            case .loading, .probed: Issue.record("it was not asked for")
            }
        }
        #expect(rest.isEmpty)
    }

    @Test func `the Python client shows a failure with its code`() throws {
        let peer = try Peer()
        let run = Self.python("'\(peer.path)' /dev/null dog --request-id full")
        #expect(run.status == 1)
        let lines = try Self.lines(run.output, as: Line.self)
        #expect(lines.map(\.reply) == ["look", "failure"])
        #expect(lines.last?.code == RPCStatus.Code.resourceExhausted.rawValue)
    }

    @Test func `containerd's Go client reads health and status`() throws {
        let directory = try TemporaryDirectory()
        let peer = try Peer()
        let program = "\(directory.path)/health"
        let build = shell(
            """
            GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= \
            go build -o '\(program)' '\(Repository.root)/Tests/Clients/health.go'
            """)
        try #require(build.status == 0, "\(build.output)")
        let run = shell("'\(program)' '\(peer.path)'")
        try #require(run.status == 0, "\(run.output)")
        let answers = run.output.split(separator: "\n")
        try #require(answers.count == 2)
        let decoder = JSONDecoder()
        #expect(try decoder.decode(Health.self, from: Data(answers[0].utf8)).status == 1)
        let expected = MessageTests.status
        #expect(
            try decoder.decode(Status.self, from: Data(answers[1].utf8))
                == Status(
                    version: expected.version,
                    models: expected.models.map { Status.Model(name: $0.name, bytes: $0.bytes) },
                    answered: expected.answered, threads: expected.threads))
    }
}

import Foundation
import RPC
import Support
import Testing

/// A peer that says nothing has an end.
struct SilenceTests {
    private let directory: TemporaryDirectory
    private let path: String
    private let silenceLimit = Duration.milliseconds(200)

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/silent.sock"
    }

    private func expectEnd(of body: () throws -> Void, at location: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: RPCStatus.self, sourceLocation: location) { try body() }
        #expect(error?.code == .deadlineExceeded, sourceLocation: location)
        #expect(error?.message.contains("0.2 s") == true, sourceLocation: location)
        #expect(error?.message.contains("--timeout SECONDS") == true, sourceLocation: location)
    }

    @Test func `of one that never answers, and one that does not read`() throws {
        let listener = try listen(at: path)
        defer { close(listener) }
        expectEnd { _ = try Client(path: path, silenceLimit: silenceLimit).status() }
        expectEnd { _ = try Client(path: path, silenceLimit: silenceLimit).look([UInt8](repeating: 0, count: 8 << 20)) }
    }

    @Test func `of one that accepts nobody while its backlog is full`() throws {
        let listener = try listen(at: path, backlog: 0)
        defer { close(listener) }
        var waiting: [Client] = []
        expectEnd { for _ in 0..<8 { waiting.append(try Client(path: path, silenceLimit: silenceLimit)) } }
        #expect(!waiting.isEmpty)
    }

    @Test func `of one that sends a message a byte at a time`() throws {
        let listener = try listen(at: path)
        Thread.detachNewThread {
            let descriptor = accepted(on: listener)
            close(listener)
            // A frame of 64 KiB for the first stream, whose end never comes.
            let bytes: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 1, 2, 0] + [UInt8](repeating: 0, count: 1000)
            for byte in bytes {
                var byte = byte
                guard unsafe send(descriptor, &byte, 1, CInt(MSG_NOSIGNAL)) == 1 else { break }
                usleep(20_000)
            }
            close(descriptor)
        }
        expectEnd { _ = try Client(path: path, silenceLimit: silenceLimit).status() }
    }

    /// Answers a question with a header and trailer, after the header with some maps.
    private func serve(maps: Int, pause: UInt32, isWhole: Bool) throws {
        let (listener, path) = (try listen(at: path), path)
        let map = try ScoreMap(label: 0, scores: Peer.maps[0], width: 8, height: 8, encoding: .f16)
        let replies =
            [.header(MessageTests.header)] + Array(repeating: SegmentReply.scoreMap(map), count: maps)
            + (isWhole ? [.trailer(MessageTests.trailer)] : [])
        Thread.detachNewThread {
            let socket = UnixSocket(adopting: accepted(on: listener), path: path)
            close(listener)
            var connection = ServerConnection()
            while let bytes = try? socket.read(), !bytes.isEmpty {
                for case .open(let call) in connection.receive(bytes) {
                    for reply in replies {
                        try? socket.write(connection.send(reply.encoded(), on: call.stream) ?? [])
                        usleep(pause)
                    }
                    if isWhole { try? socket.write(connection.finish(call.stream) ?? []) }
                }
            }
        }
    }

    @Test func `of one that stops in the middle of an answer`() throws {
        try serve(maps: 1, pause: 0, isWhole: false)
        let client = try Client(path: path, silenceLimit: silenceLimit)
        var replies = 0
        expectEnd { try client.segment(ClientTests.request) { _ in replies += 1 } }
        #expect(replies == 2)
    }

    @Test func `but not of one that goes on, however long the whole takes`() throws {
        try serve(maps: 3, pause: 400_000, isWhole: true)
        let client = try Client(path: path, silenceLimit: .seconds(1))
        var replies = 0
        try client.segment(ClientTests.request) { _ in replies += 1 }
        #expect(replies == 5)
    }
}

/// What is said where no daemon answers can be done.
struct SocketAdviceTests {
    private func message(_ path: String) -> String {
        let error = #expect(throws: RPCStatus.self) { try Client(path: path) }
        #expect([.unavailable, .permissionDenied].contains(error?.code))
        return error?.message ?? ""
    }

    @Test func `a folder, a file and what cannot be made are told apart`() throws {
        let directory = try TemporaryDirectory()
        let (folder, file) = (directory.path, "\(directory.path)/file")
        #expect(shell("touch '\(file)'").status == 0)
        #expect(message(folder).contains("it is a folder, give the socket in it: \(folder)/dseg.sock"))
        #expect(message(file).contains("it is a file, no socket"))
        #expect(!message(file).contains("--socket \(file)"))
        #expect(message("\(folder)/none.sock").contains("type: dsegd serve --socket \(folder)/none.sock"))
        let missing = message("\(folder)/a b/c/none.sock")
        #expect(missing.contains("mkdir -p '\(folder)/a b/c' && dsegd serve --socket '\(folder)/a b/c/none.sock'"))
        for path in ["\(file)/dseg.sock", "\(file)/none/dseg.sock"] {
            #expect(!message(path).contains("--socket \(path)"))
            #expect(!message(path).contains("mkdir"))
        }
    }

    @Test(arguments: ["/proc/none", "/sys/none", "/proc/self/none", "/sys/kernel/none"])
    func `nothing is to be made in the kernel's folders`(folder: String) {
        for path in ["\(folder)/dseg.sock", "\(folder).sock"] {
            #expect(!message(path).contains("mkdir") && !message(path).contains("--socket \(path)"), "\(message(path))")
        }
    }

    @Test(arguments: ["tcp://localhost:80", "http://localhost:8080", "https://a.b/c"])
    func `an address of another kind is no path`(address: String) {
        let said = message(address)
        #expect(!said.contains("mkdir") && !said.contains("--socket \(address)"))
        #expect(said.contains("sockets of Unix"))
    }

    @Test func `a socket for datagrams is called one`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/log.sock"
        let script = "import socket,sys; s=socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])"
        let owner = unsafe try #require(popen("python3 -c '\(script); sys.stdin.read()' '\(path)'", "we"))
        defer { unsafe pclose(owner) }
        #expect(shell("for i in $(seq 100); do test -S '\(path)' && exit; sleep 0.1; done; exit 1").status == 0)
        let said = message(path)
        #expect(said.contains("a socket for datagrams") && !said.contains("try again"), "\(said)")
        #expect(!said.contains("--socket \(path)"))
    }

    @Test func `a socket that was left over may be served again`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/left.sock"
        close(try listen(at: path))
        #expect(message(path).contains("type: dsegd serve --socket \(path)"))
    }
}

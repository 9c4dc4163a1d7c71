import Glibc
import RPC
import Testing

/// A peer that says nothing has an end.
struct SilenceTests {
    private let directory: TemporaryDirectory
    private let path: String
    private let patience = Duration.milliseconds(200)

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
        let listener = try Peer.listen(at: path)
        defer { close(listener) }
        expectEnd { _ = try Client(path: path, patience: patience).status() }
        expectEnd { _ = try Client(path: path, patience: patience).look([UInt8](repeating: 0, count: 8 << 20)) }
    }

    @Test func `of one whose door is crowded`() throws {
        let listener = try Peer.listen(at: path, backlog: 0)
        defer { close(listener) }
        var waiting: [Client] = []
        expectEnd { for _ in 0..<8 { waiting.append(try Client(path: path, patience: patience)) } }
        #expect(!waiting.isEmpty)
    }

    @Test func `of one that sends a message a byte at a time`() throws {
        let listener = try Peer.listen(at: path)
        Peer.thread {
            let descriptor = accept(listener, nil, nil)
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
        expectEnd { _ = try Client(path: path, patience: patience).status() }
    }

    @Test func `of one that stops in the middle of an answer, but not of one that goes on`() throws {
        let peer = try Peer()
        let client = try Client(path: peer.path, patience: patience)
        expectEnd { try client.segment(ClientTests.request("wait")) { _ in } }
        #expect(try Client(path: peer.path, patience: patience).health())
        _ = try peer.client().cancel("wait")
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
        let owner = unsafe try #require(popen("python3 -c '\(script); sys.stdin.read()' '\(path)'", "w"))
        defer { unsafe pclose(owner) }
        #expect(shell("for i in $(seq 100); do test -S '\(path)' && exit; sleep 0.1; done; exit 1").status == 0)
        let said = message(path)
        #expect(said.contains("a socket for datagrams") && !said.contains("try again"), "\(said)")
        #expect(!said.contains("--socket \(path)"))
    }

    @Test func `a socket that was left over may be served again`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/left.sock"
        close(try Peer.listen(at: path))
        #expect(message(path).contains("type: dsegd serve --socket \(path)"))
    }
}

import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// SIGTERM lets calls under way end, and leaves nothing behind.
struct StoppingStories {
    @Test(arguments: [SIGTERM, SIGINT])
    func `an idle daemon stops at once and takes its socket away`(signal: CInt) throws {
        let daemon = try Daemon()
        daemon.signal(signal)
        #expect(daemon.child.exitCode == 0)
        #expect(!FileManager.default.fileExists(atPath: daemon.socket))
        #expect(throws: RPCStatus.self) { try daemon.client() }
    }

    @Test func `a call under way is answered whole before the daemon ends`() throws {
        let daemon = try Daemon()
        let (client, other) = try (daemon.client(), daemon.client())
        let picture = SegmentRequest.Picture.image(try Repository.scene(4))
        let words = (1...20).map { "thing \($0)" }
        let request = SegmentRequest(picture, words, recipe: "diffsegmenter")
        var maps = 0
        var isWhole = false
        try client.segment(request) { reply in
            switch reply {
            case .header:
                daemon.signal(SIGTERM)
                let isTold = try eventually { try other.health() == false }
                #expect(isTold, "it says that it takes no work")
                #expect(eventually { !daemon.answers }, "nobody new comes in")
                #expect(try other.refusal(SegmentRequest(picture, ["boat"]))?.code == .unavailable)
                #expect(throws: RPCStatus.self) { try other.look([1, 2, 3]) }
            case .scoreMap: maps += 1
            case .mask, .loading, .probed: break
            case .trailer: isWhole = true
            }
        }
        #expect(maps == 20 && isWhole)
        #expect(daemon.child.exitCode == 0)
    }

    @Test func `the service manager is told of readiness and of the end`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/notify"
        let receiver = try NotifySocket(path: path)
        let daemon = try Daemon(starting: [], environment: ["NOTIFY_SOCKET": path])
        #expect(receiver.next().split(separator: "\n").first == "READY=1")
        #expect(try daemon.client().health(), "ready means that it answers")
        daemon.signal(SIGTERM)
        #expect(receiver.next().split(separator: "\n").first == "STOPPING=1")
        #expect(daemon.child.exitCode == 0)
    }

    /// A file of the model's that takes longer to hash than anybody waits.
    @Test func `a daemon that still reads its model stops when it is told to`() throws {
        let directory = try TemporaryDirectory()
        let model = "\(directory.path)/model"
        try FileManager.default.copyItem(atPath: "\(Repository.root)/Sources/dsegd/Resources/demo", toPath: model)
        // A tensor of the decoder, which is hashed and not read, of more bytes than there are.
        let path = "\(model)/vae/diffusion_pytorch_model.safetensors"
        let whole = try Repository.bytes(path)
        let length = whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let data = whole.count - 8 - length
        let more = 1 << 38
        let header = String(decoding: whole[9..<8 + length], as: UTF8.self)
        let entry =
            "\"decoder.more\":{\"dtype\":\"U8\",\"shape\":[\(more)],\"data_offsets\":[\(data),\(data + more)]}"
        let longer = safetensors(header: "{\(entry),\(header)", data: Array(whole[(8 + length)...]))
        try Data(longer).write(to: URL(filePath: path))
        let code = unsafe truncate(path, longer.count + more)
        #expect(code == 0)
        let daemon = try Daemon(starting: ["--model", model])
        #expect(eventually { FileManager.default.fileExists(atPath: daemon.socket) })
        daemon.signal(SIGTERM)
        #expect(daemon.child.exitCode == 0)
        #expect(daemon.log.contains("SIGTERM"))
        #expect(!FileManager.default.fileExists(atPath: daemon.socket))
    }

    @Test func `a model that is none is a configuration error that names what is missing`() throws {
        let directory = try TemporaryDirectory()
        let daemon = try Daemon(starting: ["--model", directory.path])
        #expect(daemon.child.exitCode == 78)
        #expect(daemon.log.contains(directory.path))
        #expect(!FileManager.default.fileExists(atPath: daemon.socket))
    }
}

/// Where a service manager is told how a service fares: a socket for datagrams.
private struct NotifySocket: ~Copyable {
    private let descriptor: CInt

    init(path: String) throws {
        descriptor = try bind(to: path, kind: SOCK_DGRAM)
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func next() -> String {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { bytes, count in
            count = unsafe max(0, recv(descriptor, bytes.baseAddress, bytes.count, 0))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

import Limits
import Glibc
import Kernels
import Logging
import NIOCore
import Networks
import RPC
import Segmentation
import Server
import Support
import Synchronization
import Texts

/// A server in this process, with the demo model, and limits that a test can reach.
final class TestServer {
    let path: String
    private let directory: TemporaryDirectory
    private let socket: ListeningSocket
    private let server: Server
    let engine: Engine
    private var isDrained = false

    init(
        limits: ServerLimits = .standard(callSeconds: Limit.callSeconds, room: .max),
        access: AccessPolicy = AccessPolicy(allowed: nil, administrators: .none, proxies: .none),
        log: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        logsWords: @escaping @Sendable () -> Bool = { false }
    ) throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/dseg.sock"
        socket = try ListeningSocket(path: path, .own)
        engine = try Engine(
            EngineLimits(queue: 16, memory: 1 << 40, keepAlive: .forever), threads: nil, catalogue: DemoModel()
        ) { _ in }
        try engine.loadStandardModel(keepAlive: nil, progress: nil)
        server = try Server(
            engine: engine, listeningOn: socket.descriptor, limits: limits, access: access, log: log,
            logsWords: logsWords)
    }

    deinit {
        if !isDrained { try? server.drain(grace: .zero) }
    }

    func client() throws(RPCStatus) -> Client { try Client(path: path) }

    /// Stops the server: calls under way are cancelled after `grace`.
    func drain(grace: Duration) throws {
        isDrained = true
        try server.drain(grace: grace)
    }
}

/// Has the engine's thread stand still until it is opened.
final class Gate: Sendable {
    private let isOpen = Atomic<Bool>(false)
    private let isReached = Atomic<Bool>(false)

    /// Returns when the engine stands before it: until then its job is one of those that wait.
    init(_ engine: Engine) throws {
        let use = ModelUse.ifLoaded(try engine.model(named: ""))
        let caller = Caller(owner: geteuid(), connection: 0)
        try engine.submit(
            Job(caller: caller, using: use, deadline: nil) { [self] _, _, _ in
                isReached.store(true, ordering: .relaxed)
                while !isOpen.load(ordering: .relaxed) { usleep(1000) }
            } refuse: { _ in
            })
        _ = eventually { isReached.load(ordering: .relaxed) }
    }

    func open() { isOpen.store(true, ordering: .relaxed) }
}

/// The demo model alone, in f32.
private struct DemoModel: ModelCatalogue {
    private static let resources = "\(Repository.root)/Sources/dsegd/Resources"

    func key(for name: String) throws(SegmentationError) -> ModelKey {
        guard ["", "demo"].contains(name) else { throw .unknownModel(name, reason: "only the demo is served") }
        return ModelKey(name: "demo", identity: "demo")
    }

    func open(_ key: ModelKey) throws -> OpenedModel {
        let contents = try PipelineContents(
            ModelSource("\(Self.resources)/demo"), captioner: "\(Self.resources)/demo-captioner",
            filter: "\(Self.resources)/demo-filter", clipMerges: "\(Self.resources)/clip/merges.txt", precision: .f32)
        return OpenedModel(weightBytes: contents.weightBytes, scratchBytes: contents.scratchBytes) {
            try contents.read(name: "demo", cache: nil, keeper: nil, progress: $0, while: $1)
        }
    }
}

extension ServerLimits {
    /// As the standard ones but for what is changed.
    static func with(_ change: (inout ServerLimits) -> Void) -> ServerLimits {
        var limits = standard(callSeconds: Limit.callSeconds, room: .max)
        change(&limits)
        return limits
    }
}

extension SegmentRequest {
    /// An answer of some megabytes: noise-like maps of 1024 x 1024 pixels.
    static func bulky(_ file: [UInt8], labels: Int) -> SegmentRequest {
        SegmentRequest(
            picture: .image(file), labels: (0..<labels).map { RPC.Label(name: "thing \($0)") }, maps: .sized,
            mapWidth: 1024, mapHeight: 1024, encoding: .u16)
    }

    /// A pass for each of 255 prompts.
    static func long(_ file: [UInt8]) -> SegmentRequest {
        SegmentRequest(
            picture: .image(file), labels: (0..<255).map { RPC.Label(name: "thing \($0)") }, recipe: "diffsegmenter")
    }
}

/// A connection that reads only when it is told to.
final class RawConnection {
    private var descriptor: CInt
    private var decoder = FrameDecoder()

    init(_ path: String) throws {
        descriptor = try connect(to: path)
    }

    deinit { close() }

    /// Leaves; whatever is sent or read later fails.
    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Writes all bytes; `false` once the other side has closed.
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count < 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    func open(_ method: RPC.Method, stream: UInt32, _ payload: [UInt8]) throws -> Bool {
        send(try ClientCall(method, stream: stream, payload: payload, timeout: nil).opening)
    }

    /// Whether the server has closed; what it sent before may still be read.
    var isHungUp: Bool {
        var question = pollfd(fd: descriptor, events: 0, revents: 0)
        return unsafe poll(&question, 1, 0) == 1 && question.revents & Int16(POLLHUP) != 0
    }

    /// Says that no more will be sent.
    func shutWriting() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// The next frame; `nil` at the end.
    func next() throws -> Frame? {
        while true {
            if case .frame(let frame)? = try decoder.next() { return frame }
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { bytes, count in
                count = unsafe max(0, recv(descriptor, bytes.baseAddress, bytes.count, 0))
            }
            if bytes.isEmpty { return nil }
            decoder.append(bytes)
        }
    }

    /// All frames until the stream's end or the connection's.
    func rest() throws -> [Frame] {
        var frames: [Frame] = []
        while let frame = try next() {
            frames.append(frame)
            if frame.kind == .response || frame.flags.contains(.remoteClosed) { break }
        }
        return frames
    }
}

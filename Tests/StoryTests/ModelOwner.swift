import Foundation
import Glibc
import RPC
import Support
import Synchronization

/// Somebody who adds models: a registry, and copies of models that may be spoiled, in a folder of its own.
final class ModelOwner: Sendable {
    enum Original: String {
        case tiny = "Tests/Fixtures/tiny/checkpoint"
        case odd = "Tests/Fixtures/tiny-odd/checkpoint"
        case demo = "Sources/dsegd/Resources/demo"

        var path: String { "\(Repository.root)/\(rawValue)" }
    }

    private struct Record: Decodable {
        let hash: String
    }

    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    /// For programs that are to see these models.
    var environment: [String: String] { ["XDG_CONFIG_HOME": "\(place.path)/config", "HOME": place.path] }

    func path(_ name: String) -> String { "\(place.path)/\(name)" }

    /// The file of a copy's U-Net, or its first shard.
    func unet(_ name: String) -> String {
        let folder = "\(path(name))/unet"
        let shard = "\(folder)/diffusion_pytorch_model-00001-of-00003.safetensors"
        return FileManager.default.fileExists(atPath: shard)
            ? shard : "\(folder)/diffusion_pytorch_model.safetensors"
    }

    /// Copies a model, with which its name begins, and adds the copy.
    ///
    /// - Parameter options: of `dsegd model add`
    /// - Returns: its hash
    @discardableResult
    func add(_ original: Original, as name: String, _ options: [String] = []) throws -> String {
        try copy(original, as: name)
        return try record(name, options)
    }

    /// Copies a model without adding it.
    func copy(_ original: Original, as name: String) throws {
        try FileManager.default.copyItem(atPath: original.path, toPath: path(name))
    }

    /// Gives a copy's autoencoder a tensor of so many zeros, of the decoder, which is hashed and not read: loading
    /// takes that long. They take no place on the disk.
    func lengthen(_ name: String, by more: Int) throws {
        let path = "\(path(name))/vae/diffusion_pytorch_model.safetensors"
        let whole = try Repository.bytes(path)
        let length = whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let data = whole.count - 8 - length
        let header = String(decoding: whole[9..<8 + length], as: UTF8.self)
        let entry =
            "\"decoder.more\":{\"dtype\":\"U8\",\"shape\":[\(more)],\"data_offsets\":[\(data),\(data + more)]}"
        let longer = safetensors(header: "{\(entry),\(header)", data: Array(whole[(8 + length)...]))
        try Data(longer).write(to: URL(filePath: path))
        guard unsafe truncate(path, longer.count + more) == 0 else { throw RPCStatus(.internal, path) }
    }

    /// Adds a copy as its files are now.
    ///
    /// - Returns: its hash
    @discardableResult
    func record(_ name: String, _ options: [String] = []) throws -> String {
        let ending = dsegd(["model", "add", path(name), "--name", name, "--json"] + options)
        guard ending.status == 0 else { throw RPCStatus(.internal, ending.output) }
        return try JSONDecoder().decode(Record.self, from: Data(ending.output.utf8)).hash
    }

    /// Runs `dsegd` to its end.
    @discardableResult
    func dsegd(_ arguments: [String]) -> (status: CInt, output: String) {
        let variables = environment.map { "\($0)='\($1)'" }.joined(separator: " ")
        let words = arguments.map { "'\($0)'" }.joined(separator: " ")
        return shell("\(variables) '\(Repository.programs)/dsegd' \(words)")
    }

    /// A daemon that serves these models.
    func daemon(_ options: [String] = []) throws -> Daemon {
        try Daemon(answering: options, environment: environment)
    }

    /// What daemons of one model each, named by its path, answer to questions about scenes: the hash for each scene.
    static func answers(of model: String?, about scenes: [Int]) throws -> [String] {
        let daemon = try Daemon(answering: model.map { ["--model", $0] } ?? [])
        let client = try daemon.client()
        return try scenes.map { try client.hash(of: .about($0, model: "")) }
    }
}

extension SegmentRequest {
    /// About two words in a scene.
    static func about(_ scene: Int, model: String, keepAlive: String = "") throws -> SegmentRequest {
        var request = SegmentRequest(.image(try Repository.scene(scene)), ["dog", "grass"])
        (request.model, request.keepAlive) = (model, keepAlive)
        return request
    }
}

extension DescribeRequest {
    static func about(_ scene: Int, model: String, keepAlive: String = "", progress: Bool = false) throws -> Self {
        DescribeRequest(
            picture: .image(try Repository.scene(scene)), vocabulary: nil, model: model, requestID: "",
            deadlineMilliseconds: 0, keepAlive: keepAlive, progress: progress)
    }
}

extension Client {
    /// The hash of an answer before which nothing is said of the model's loading.
    func hash(of request: SegmentRequest) throws -> String { try answer(request).trailer?.answerHash ?? "" }

    /// Loads a model.
    ///
    /// - Returns: how far it was on its way, and what it is then
    @discardableResult
    func warm(
        _ model: String, keepAlive: String = "", deadline: UInt32 = 0, onLoading: (Loading) throws -> Void = { _ in }
    ) throws -> (loadings: [Loading], model: ModelStatus) {
        var loadings: [Loading] = []
        var loaded: ModelStatus?
        let request = WarmRequest(
            model: model, keepAlive: keepAlive, requestID: "", deadlineMilliseconds: deadline)
        try warm(request) { reply in
            switch reply {
            case .loading(let loading):
                loadings.append(loading)
                try onLoading(loading)
            case .model(let model): loaded = model
            }
        }
        guard let loaded else { throw RPCStatus(.dataLoss, "no model") }
        return (loadings, loaded)
    }

    @discardableResult
    func unload(_ model: String) throws -> UnloadReply { try unload(UnloadRequest(model: model)) }

    /// Lets go of a model, or of all, which calls may have used until now: the daemon knows a little later than the
    /// client that one has ended.
    ///
    /// - Returns: whether it went
    func letGo(_ model: String) throws -> Bool {
        try unload(model)
        return try eventually { try model.isEmpty ? models().isEmpty : state(of: model) == nil }
    }

    /// The names of the models in memory or on their way, without the networks beside them.
    func models() throws -> [String] { try status().models.filter { $0.role == "segmenter" }.map(\.name) }

    /// A model in memory or on its way.
    func state(of model: String) throws -> ModelStatus? {
        try status().models.first { $0.name == model && $0.role == "segmenter" }
    }
}

extension Daemon {
    /// How often something stands in its log.
    func logged(_ text: String) -> Int { log.components(separatedBy: text).count - 1 }
}

/// The error of `body`; `nil` where it has none.
func failure(_ body: () throws -> Void) throws -> RPCStatus? {
    do {
        try body()
        return nil
    } catch let status as RPCStatus {
        return status
    }
}

/// Threads that run `body` at once.
final class AtOnce<Value: Sendable>: Sendable {
    private let count: Int
    private let done = Mutex<[Int: Result<Value, any Error>]>([:])

    init(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Value) {
        self.count = count
        for number in 0..<count {
            Thread.detachNewThread { [self] in
                let result = Result { try body(number) }
                done.withLock { $0[number] = result }
            }
        }
    }

    /// What each made, in their order, when all have ended.
    var results: [Result<Value, any Error>] {
        _ = eventually { done.withLock { $0.count == count } }
        return done.withLock { done in (0..<count).compactMap { done[$0] } }
    }
}

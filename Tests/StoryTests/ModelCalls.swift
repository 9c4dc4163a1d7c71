import Foundation
import RPC
import Support
import Synchronization

extension ModelOwner {
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

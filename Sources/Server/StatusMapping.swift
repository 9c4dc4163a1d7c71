package import RPC
package import Segmentation
import Texts

// What the daemon tells of itself, as the wire's messages.

extension StatusReply {
    /// - Parameters:
    ///   - part: what the caller may see of what users have cached and asked
    ///   - defaultModel: of requests that name none
    ///   - drawing: steps in the drawing thread's queue
    ///   - replyBytes: of the reply cache, of the same users
    init(
        _ status: EngineStatus, _ part: UserPart, defaultModel: String, drawing: Int, replyBytes: Int,
        limits: ServerLimits,
        uptime: Duration, activity: Activity
    ) {
        self.init(
            version: Version.current, models: status.models.flatMap(ModelStatus.all),
            queued: UInt32(status.queued + drawing), queueLimit: UInt32(status.queueLimit),
            answered: UInt64(part.finished), refused: UInt64(status.refused),
            pictures: UInt32(part.memory.pictures),
            picturesBytes: UInt64(part.memory.picturesBytes + replyBytes),
            picturesLimit: UInt64(status.limits.ofPictures + limits.replyBytes),
            words: UInt32(part.memory.words), wordsBytes: UInt64(part.memory.wordsBytes),
            wordsLimit: UInt64(status.wordsLimit), uptimeMilliseconds: UInt64(uptime / .milliseconds(1)),
            threads: UInt32(status.threads), recipes: Recipe.all.map(RecipeStatus.init),
            memoryBytes: UInt64(status.modelBytes), memoryLimit: UInt64(status.memoryLimit),
            keepAlive: "\(status.keepAlive)", defaultModel: defaultModel, activity: activity)
    }
}

extension ModelStatus {
    /// A model, and the networks beside it.
    static func all(_ state: ModelState) -> [ModelStatus] {
        let name = state.key.name.text
        let milliseconds = state.kept.map { UInt64($0 / .milliseconds(1)) }
        let model = state.networks.first
        let own = ModelStatus(
            name: name, hash: model?.hash ?? "", bytes: UInt64(model?.bytes ?? 0), precision: model?.precision ?? "",
            role: LoadedModel.Role.segmenter.rawValue, untilMilliseconds: milliseconds ?? 0,
            keptForEver: milliseconds == nil, loading: state.loading.map(Loading.init), calls: UInt32(state.calls),
            requests: UInt64(state.requests), p50Milliseconds: state.median, p99Milliseconds: state.slowest, model: "")
        return [own] + state.networks.dropFirst().map { ModelStatus($0, beside: name) }
    }

    private init(_ network: LoadedModel, beside model: String) {
        self.init(
            name: network.name, hash: network.hash, bytes: UInt64(network.bytes), precision: network.precision,
            role: network.role.rawValue, untilMilliseconds: 0, keptForEver: false, loading: nil, calls: 0, requests: 0,
            p50Milliseconds: 0, p99Milliseconds: 0, model: model)
    }
}

extension Loading {
    init(_ state: LoadingState) {
        let stage: Stage =
            switch state.stage {
            case .waiting: .waiting
            case .opening: .opening
            case .reading: .reading
            }
        self.init(
            model: state.model, stage: stage, bytes: UInt64(state.bytes), totalBytes: UInt64(state.totalBytes))
    }
}

extension RecipeStatus {
    package init(_ recipe: Recipe) {
        self.init(
            name: recipe.name, summary: recipe.about.summary, cost: recipe.about.cost, source: recipe.about.source,
            settings: RecipeSetting.all.map { setting in
                SettingStatus(
                    key: setting.key, value: setting.value(in: recipe), legal: setting.legal, meaning: setting.meaning)
            })
    }
}

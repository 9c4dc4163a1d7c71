package import Kernels
package import Models
package import Networks
import Results
import RPC
package import Segmentation
import Texts

/// A model to be loaded, and the folders of networks beside it.
package struct ServedModel: Sendable {
    package let source: ModelSource
    package let captioner: String?
    package let filter: String?
    /// What its owner recorded of it; `nil`: it was named by its path, or is the demo model.
    private let record: RegisteredModel?

    /// What its owner called it when it was added; else what its files are called.
    package var name: String { record.map { "\($0.name)" } ?? source.name }

    /// What an engine knows it by. Another one of that name, added anew after its files had changed, has another key.
    package var key: ModelKey {
        let parts = [record?.hash, source.path, source.autoencoder, source.configuration, captioner, filter]
        let beside = [record?.captionerHash, record?.filterHash]
        return ModelKey(
            name: ExactString(name), identity: ExactString((parts + beside).map { $0 ?? "" }.joined(separator: "\0")))
    }

    /// The embedded demo model, with its own networks where no others are given.
    static func demo(captioner: String?, filter: String?) -> ServedModel {
        ServedModel(
            source: ModelSource(Resources.demoModel), captioner: captioner ?? Resources.demoCaptioner,
            filter: filter ?? Resources.demoFilter, record: nil)
    }

    /// A model at a path.
    init(_ source: ModelSource, captioner: String?, filter: String?) {
        self.init(source: source, captioner: captioner, filter: filter, record: nil)
    }

    /// A model that was added, with the networks it was added with where no others are given.
    package init(_ model: RegisteredModel, captioner: String?, filter: String?) {
        self.init(
            source: model.source, captioner: captioner ?? model.captioner, filter: filter ?? model.filter,
            record: model)
    }

    private init(source: ModelSource, captioner: String?, filter: String?, record: RegisteredModel?) {
        self.source = source
        self.captioner = captioner.map(HubRepository.snapshot)
        self.filter = filter.map(HubRepository.snapshot)
        self.record = record
    }

    /// Opens the files and reads their headers.
    ///
    /// - Throws: `RegistryError.changed` where its files are not what they were, `ModelError`
    func open(_ how: LoadingOptions) throws -> OpenedModel {
        if let faults = record?.faults, let first = faults.first {
            throw RegistryError.changed(first, more: faults.count - 1)
        }
        let contents = try PipelineContents(
            source, captioner: captioner, filter: filter, clipMerges: Resources.clipMerges,
            precision: how.precision ?? .fastest)
        for note in contents.model.notes { how.tell(note) }
        return OpenedModel(weightBytes: contents.weightBytes, scratchBytes: contents.answerBytes) {
            progress, isWanted in
            let pipeline = try contents.read(name: name, cache: how.cache, keeper: how.keeper, progress: progress) {
                isWanted() && how.isWanted()
            }
            do throws(RegistryError) {
                try check(pipeline)
            } catch {
                pipeline.letGo()
                throw error
            }
            return pipeline
        }
    }

    /// Refuses networks that are not those that were added, whatever their files' sizes and times say.
    private func check(_ pipeline: Pipeline) throws(RegistryError) {
        guard let record else { return }
        let model = [pipeline.model.hash] + pipeline.model.hashAliases
        let pairs = [
            (model.contains(record.hash) ? record.hash : model.first, record.hash),
            (captioner == record.captioner ? pipeline.captioner?.blip.hash : nil, record.captionerHash),
            (filter == record.filter ? pipeline.filter?.clip.hash : nil, record.filterHash),
        ]
        for case (let found?, let recorded?) in pairs where found != recorded {
            throw .otherHash(record.name, found: found, recorded: recorded, add: record.commandToAdd)
        }
    }
}

/// How models are loaded.
package struct LoadingOptions: Sendable {
    /// The arithmetic of products with weights; `nil`: the fastest of this processor.
    let precision: Precision?
    /// The folder of the digest cache, see ``Model``; `nil`: every file is hashed.
    let cache: String?
    /// Keeps the weights beyond this process; `nil`: nobody does.
    let keeper: (any WeightKeeper)?
    /// Polled while weights are read, on any thread; `false` ends the loading.
    let isWanted: @Sendable () -> Bool
    /// Gets what a model's owner should know of it, a sentence each, on the loading thread.
    let tell: @Sendable (String) -> Void

    package init(
        precision: Precision?, cache: String?, keeper: (any WeightKeeper)?,
        while isWanted: @escaping @Sendable () -> Bool, tell: @escaping @Sendable (String) -> Void
    ) {
        self.precision = precision
        self.cache = cache
        self.keeper = keeper
        self.isWanted = isWanted
        self.tell = tell
    }

    /// For a program that loads one model and ends: all files are hashed, and notes go to standard error.
    package static func once(precision: Precision?) -> LoadingOptions {
        LoadingOptions(precision: precision, cache: nil, keeper: nil) {
            true
        } tell: {
            Streams.say("\(Program.name): \(Streams.printable($0))")
        }
    }
}

/// A catalogue of one model, which every name means.
package struct OneModel: ModelCatalogue {
    private let model: ServedModel
    private let options: LoadingOptions

    package init(_ model: ServedModel, _ options: LoadingOptions) {
        self.model = model
        self.options = options
    }

    package func key(for name: String) -> ModelKey { model.key }

    package func open(_ key: ModelKey) throws -> OpenedModel { try model.open(options) }
}

extension Registries {
    /// Those of the user who runs this program, and the system's.
    package static var ofThisUser: Registries {
        Registries(user: .user(environment: SocketPath.environment), system: .system)
    }
}

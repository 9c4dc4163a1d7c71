import Kernels
package import Models
import Networks
package import Segmentation
import Synchronization
import Texts

/// The models that a daemon serves: those that its owner or the system's added, the one that it was started with, and
/// the demo model.
package final class OwnersModels: ModelCatalogue {
    /// The model of requests that name none.
    package enum Standard: Sendable {
        case path(ServedModel)
        case added(ModelName)
        /// The one that `dsegd model default` tells, else the demo model.
        case recorded
    }

    /// What the registries' files said, and their states then.
    private struct Known {
        var states: [FileState?]
        var added: [RegisteredModel] = []
        var recorded: ModelName?
        /// Why they cannot be read: then what they said before still holds.
        var fault: RegistryError?
    }

    private static let demo: ExactString = "demo"

    private let registries: Registries
    private let standard: Standard
    /// Folders of networks beside the standard model, where it was added with none or with others.
    private let captioner: String?
    private let filter: String?
    private let options: LoadingOptions
    /// Read again when a file has changed.
    private let known = Mutex<Known?>(nil)
    /// Of the demo model, which no registry tells; `nil` until a request names a hash that none has.
    private let demoHashes = Mutex<[String]?>(nil)

    package init(
        _ registries: Registries, standard: Standard, captioner: String?, filter: String?, _ options: LoadingOptions
    ) {
        self.registries = registries
        self.standard = standard
        self.captioner = captioner
        self.filter = filter
        self.options = options
    }

    package func key(for name: String) throws(SegmentationError) -> ModelKey {
        do throws(RegistryError) {
            return try model(for: name).key
        } catch {
            throw .unknownModel(name, reason: "\(error)")
        }
    }

    /// Whether the demo model is the only one.
    package var isEmpty: Bool {
        guard case .recorded = standard else { return false }
        return (try? read())?.added.isEmpty == true
    }

    package func open(_ key: ModelKey) throws -> OpenedModel {
        guard let model = try all().first(where: { $0.key == key }) else { throw Vanished() }
        return try model.open(options)
    }

    /// - Throws: `unknown` with the name that is most alike; where a registry cannot be read, why
    private func model(for name: String) throws(RegistryError) -> ServedModel {
        let known = try read()
        if name.isEmpty { return try standardModel(known) }
        let wanted = ExactString(name)
        let isHash = ModelKey.isHash(name)
        let added =
            known.added.first { ExactString("\($0.name)") == wanted || $0.hash == name }
            ?? known.added.first { isHash && $0.hashAliases.contains(name) }
        if let added { return served(added, known) }
        if case .path(let model) = standard, ExactString(model.name) == wanted { return model }
        if wanted == Self.demo || isHashOfDemo(name) { return demo(known) }
        if let fault = known.fault { throw fault }
        throw Registries.unknown(name, besides: try [ModelName(Self.demo.text)] + known.added.map(\.name))
    }

    /// Whether a text is a hash of the demo model, whose files are hashed once for that: 20 MB.
    private func isHashOfDemo(_ text: String) -> Bool {
        guard ModelKey.isHash(text) else { return false }
        return demoHashes.withLock { hashes in
            if let hashes { return hashes.contains(text) }
            let hash = try? ModelContents(
                ModelSource(Resources.demoModel), clipMerges: Resources.clipMerges, precision: .f32
            ).hash(cache: options.cache) { true }
            let found = hash.map { [$0.description] + $0.aliases } ?? []
            hashes = found
            return found.contains(text)
        }
    }

    private func standardModel(_ known: Known) throws(RegistryError) -> ServedModel {
        switch standard {
        case .path(let model): return model
        case .added(let name):
            guard let model = known.added.first(where: { $0.name == name }) else {
                throw Registries.unknown("\(name)", besides: known.added.map(\.name))
            }
            return served(model, known)
        case .recorded:
            let model = known.recorded.flatMap { name in known.added.first { $0.name == name } }
            return model.map { served($0, known) } ?? demo(known)
        }
    }

    private func all() throws(RegistryError) -> [ServedModel] {
        let known = try read()
        return try [standardModel(known), demo(known)] + known.added.map { served($0, known) }
    }

    private func served(_ model: RegisteredModel, _ known: Known) -> ServedModel {
        let isStandard =
            switch standard {
            case .path: false
            case .added(let name): name == model.name
            case .recorded: known.recorded == model.name
            }
        return ServedModel(model, captioner: isStandard ? captioner : nil, filter: isStandard ? filter : nil)
    }

    private func demo(_ known: Known) -> ServedModel {
        let isStandard = if case .recorded = standard { known.recorded == nil } else { false }
        return .demo(captioner: isStandard ? captioner : nil, filter: isStandard ? filter : nil)
    }

    /// - Throws: where the registries cannot be read, and never could
    private func read() throws(RegistryError) -> Known {
        let states = registries.files.map { FileState(at: $0) }
        let before = known.withLock(\.self)
        if let before, before.states == states { return before }
        var new = Known(states: states)
        do throws(RegistryError) {
            // A name may stand in both: the user's own comes first.
            for (model, _) in try registries.all() where !new.added.contains(where: { $0.name == model.name }) {
                new.added.append(model)
            }
            new.recorded = try registries.defaultModel()?.name
        } catch {
            guard let before else { throw error }
            (new.added, new.recorded, new.fault) = (before.added, before.recorded, error)
        }
        known.withLock { $0 = new }
        return new
    }

    /// A model whose owner removed it, or added it anew, while a request waited for it.
    private struct Vanished: Error, CustomStringConvertible {
        var description: String {
            "it was removed, or added anew, while this call waited for it: ask again, or type dseg model list"
        }
    }
}

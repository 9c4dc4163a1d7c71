package import Models
package import Networks
import RPC
import Segmentation

/// A model to be loaded, and the folders of networks beside it.
package struct ServedModel: Sendable {
    package let source: ModelSource
    package let captioner: String?
    package let filter: String?
    /// What its owner recorded of it; `nil`: it was named by its path, or is the demo model.
    private let record: RegisteredModel?

    /// What its owner called it when it was added; else what its files are called.
    var name: String { record.map { "\($0.name)" } ?? source.name }

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
    ///
    /// - Throws: `changed` where its files are not what they were
    package init(_ model: RegisteredModel, captioner: String?, filter: String?) throws(RegistryError) {
        let faults = model.faults
        if let first = faults.first { throw .changed(first, more: faults.count - 1) }
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

    /// Refuses networks that are not those that were added, whatever their files' sizes and times say.
    ///
    /// - Parameter model: its hash, and what earlier versions made of the same files
    func check(model: [String], captioner: String?, filter: String?) throws(RegistryError) {
        guard let record else { return }
        let pairs = [
            (model.contains(record.hash) ? record.hash : model.first, record.hash),
            (self.captioner == record.captioner ? captioner : nil, record.captionerHash),
            (self.filter == record.filter ? filter : nil, record.filterHash),
        ]
        for case (let found?, let recorded?) in pairs where found != recorded {
            throw .otherHash(record.name, found: found, recorded: recorded, add: record.commandToAdd)
        }
    }
}

extension Registries {
    /// Those of the user who runs this program, and the system's.
    package static var ofThisUser: Registries {
        Registries(user: .user(environment: SocketPath.environment), system: .system)
    }
}

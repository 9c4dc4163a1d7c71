import ArgumentParser
import LocalEngine
import Models
import RPC
import Results
import Segmentation
import ServiceManager

struct ModelAddCommand: ParsableCommand {
    static let configuration = ModelAddOptions.configuration

    @OptionGroup var options: ModelAddOptions

    func run() throws {
        try ModelCommand.exiting {
            let registry = try options.choice.registry()
            let place = try found()
            let chosen = try options.name.map { text throws(RegistryError) in try ModelName(text) }
            let before = try registry.contents().models
            let model = try read(place, as: chosen, beside: before)
            if options.choice.system { try model.checkServiceAccess() }
            let (wasThere, nowDefault) = try registry.change { contents throws(RegistryError) in
                let wasThere = try contents.add(model)
                if options.isDefault { try contents.makeDefault(model.name) }
                return (wasThere, contents.defaultName == model.name)
            }
            try tell(model, in: registry, wasThere: wasThere, isDefault: nowDefault)
        }
    }

    /// Where the checkpoint lies. Of a repository in a cache of Hugging Face the snapshot is taken that its main branch
    /// leads to.
    private func found() throws -> String {
        let path = options.path
        if FileStatus(path) == nil, let name = try? ModelName(path) {
            throw RegistryError.unknown(path, nearest: nil, found: Checkpoints.copy(called: name))
        }
        return Checkpoints.snapshot(of: try absolute(path))
    }

    /// - Parameters:
    ///   - name: `nil`: the one it was added by before, else what people call it
    ///   - others: the models that are recorded
    private func read(
        _ place: String, as name: ModelName?, beside others: [RegisteredModel]
    ) throws -> RegisteredModel {
        let progress = ProgressLine("hashing \(place)")
        defer { progress.finish() }
        let source = try options.parts.source(at: place, absolute)
        let captioner = try options.captioner.map { Checkpoints.snapshot(of: try absolute($0)) }
        let filter = try options.filter.map { Checkpoints.snapshot(of: try absolute($0)) }
        let headers: ModelHeaders
        let inventory: ModelInventory
        do {
            headers = try ModelHeaders(
                source, captioner: captioner, filter: filter, clipMerges: Resources.clipMerges)
            inventory = try headers.hashed(cache: CacheFolder.path(environment: SocketPath.environment)) { true }
        } catch {
            throw UnusableModel(reason: "\(error)")
        }
        progress.finish()
        if !options.output.json {
            for network in headers.networks {
                Streams.say(
                    "\(network.name): \(network.tensors) tensors, \(network.types.joined(separator: " ")), "
                        + ModelRecord.size(network.bytes))
            }
            for note in headers.notes { Streams.say(Streams.printable(note)) }
        }
        // Looked for only where a model was seen to be: a folder that is none may be the whole disk.
        let name =
            try name ?? others.first { $0.source == source }?.name
            ?? ModelName(suggestedBy: Checkpoints.title(of: place), taken: others.map(\.name))
        return RegisteredModel(
            name: name, source: source, captioner: captioner, filter: filter,
            licence: Checkpoints.licence(of: place), inventory: inventory)
    }

    private func tell(
        _ model: RegisteredModel, in registry: Registry, wasThere: Bool, isDefault: Bool
    ) throws {
        if options.output.json {
            return try ModelCommand.write(json: ModelRecord(model, in: registry, isDefault: isDefault))
        }
        try ModelCommand.write([
            "\(wasThere ? "Recorded anew" : "Added") as \(model.name)\(isDefault ? " (default)" : ""). Used in place, "
                + "nothing copied.",
            "A daemon that runs knows it from now on: dseg mask PICTURE WORDS --model \(model.name)",
        ])
    }

    /// The path from the root, with its links as they are.
    private func absolute(_ path: String) throws -> String {
        guard PathText.isUnicode(path) else {
            throw UnusableModel(reason: "\(path) is no UTF-8: give it another name, or make a link to it")
        }
        return FileState.absolute(path)
    }
}

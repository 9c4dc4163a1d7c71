import ArgumentParser
import LocalEngine
import Models
import RPC
import Results
import Segmentation

struct ModelAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a model where it lies: its files are hashed, and used in place.")

    @Argument(
        help: "A folder in the diffusers layout, or a single file (safetensors).", completion: .file())
    var path: String

    @Option(help: "What to call it (default: the folder's or file's name; sd15 and so on for published ones).")
    var name: String?

    @Option(help: "The folder of a BLIP that writes captions beside it.", completion: .directory)
    var captioner: String?

    @Option(help: "The folder of a CLIP that chooses labels beside it.", completion: .directory)
    var filter: String?

    @OptionGroup var parts: ModelParts

    @Flag(name: .customLong("default"), help: "Take it where no model is named.")
    var isDefault = false

    @OptionGroup var choice: RegistryChoice
    @OptionGroup var output: ModelOutput

    func run() throws {
        try ModelCommand.exiting {
            let registry = try choice.registry()
            let place = try found()
            let chosen = try name.map { text throws(RegistryError) in try ModelName(text) }
            let before = try registry.contents().models
            let model = try read(place, as: chosen, beside: before)
            if choice.system { try model.checkServiceAccess() }
            let (wasThere, nowDefault) = try registry.change { contents throws(RegistryError) in
                let wasThere = try contents.add(model)
                if isDefault { try contents.makeDefault(model.name) }
                return (wasThere, contents.defaultName == model.name)
            }
            try tell(model, in: registry, wasThere: wasThere, isDefault: nowDefault)
        }
    }

    /// Where the checkpoint lies. Of a repository in a cache of Hugging Face the snapshot is taken that its main branch
    /// leads to.
    private func found() throws -> String {
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
        let source = try parts.source(at: place, absolute)
        let captioner = try captioner.map { Checkpoints.snapshot(of: try absolute($0)) }
        let filter = try filter.map { Checkpoints.snapshot(of: try absolute($0)) }
        let headers: ModelHeaders
        let inventory: ModelInventory
        do {
            headers = try ModelHeaders(
                source, captioner: captioner, filter: filter, clipMerges: Resources.clipMerges)
            inventory = try headers.hashed(cache: CacheFolder.path()) { true }
        } catch {
            throw UnusableModel(reason: "\(error)")
        }
        progress.finish()
        if !output.json {
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
        if output.json {
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

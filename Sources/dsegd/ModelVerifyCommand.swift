import ArgumentParser
import LocalEngine
import Models
import Results
import Segmentation

struct ModelVerifyCommand: ParsableCommand {
    static let configuration = ModelVerifyOptions.configuration

    @OptionGroup var options: ModelVerifyOptions

    /// How a model was found.
    private struct Verdict: Encodable {
        let name: String
        let verified: Bool
        let files: Int
        let bytes: Int
        let tensors: Int
        let failure: String?
    }

    func run() throws {
        try ModelCommand.exiting {
            let registries = Registries.ofThisUser
            let chosen =
                options.names.isEmpty
                ? try registries.all()
                : try options.names.map { name throws(RegistryError) in
                    try registries.model(named: name, discovered: Checkpoints.copy)
                }
            var verdicts: [Verdict] = []
            for (model, registry) in chosen { verdicts.append(verdict(on: model, in: registry)) }
            if options.output.json { try ModelCommand.write(json: verdicts) }
            guard verdicts.allSatisfy(\.verified) else { throw ExitCode(ExitReason.badData.rawValue) }
        }
    }

    private func verdict(on model: RegisteredModel, in registry: Registry) -> Verdict {
        let progress = ProgressLine("verifying \(model.name)")
        defer { progress.finish() }
        do {
            let tensors = try verify(model, in: registry)
            progress.finish()
            if !options.output.json {
                try ModelCommand.write([
                    "\(model.name): \(model.files.count) files, \(ModelRecord.size(model.size)), as they were added; "
                        + "\(tensors) tensors; the self-test's maps are finite and not constant"
                ])
            }
            return Verdict(
                name: "\(model.name)", verified: true, files: model.files.count, bytes: model.size, tensors: tensors,
                failure: nil)
        } catch {
            progress.finish()
            let failure = "\(error)"
            ModelCommand.say(failure.utf8.starts(with: "\(model.name): ".utf8) ? failure : "\(model.name): \(failure)")
            return Verdict(
                name: "\(model.name)", verified: false, files: model.files.count, bytes: model.size, tensors: 0,
                failure: failure)
        }
    }

    /// - Returns: how many tensors there are
    private func verify(_ model: RegisteredModel, in registry: Registry) throws -> Int {
        if let fault = model.faults.first(where: \.hasVanished) { throw RegistryError.changed(fault, more: 0) }
        let headers = try ModelHeaders(
            model.source, captioner: model.captioner, filter: model.filter, clipMerges: Resources.clipMerges)
        let inventory = try headers.hashed(cache: nil) { true }
        try model.check(inventory)
        let current = RegisteredModel(
            name: model.name, source: model.source, captioner: model.captioner, filter: model.filter,
            licence: model.licence, inventory: inventory)
        let engine = try Engine(
            serving: ServedModel(current, captioner: nil, filter: nil), threads: nil, .once(precision: nil))
        defer { engine.drain() }
        try SelfTest.run(engine)
        if inventory.files != model.files {
            try registry.change { contents throws(RegistryError) in
                try contents.refresh(model.name, files: inventory.files)
            }
        }
        return headers.networks.reduce(0) { $0 + $1.tensors }
    }
}

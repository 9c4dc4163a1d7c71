import ArgumentParser
import LocalEngine
import Models
import Results

struct ModelListCommand: ParsableCommand {
    static let configuration = ModelListOptions.configuration

    @OptionGroup var options: ModelListOptions

    func run() throws {
        try ModelCommand.exiting {
            let records = try ModelRecord.all()
            if options.output.json { return try ModelCommand.write(json: records) }
            for fault in records.flatMap(\.faults) { ModelCommand.say(fault) }
            guard !records.isEmpty else {
                return ModelCommand.say(
                    "no model was added, and the demo model is used: type \(Program.name) model discover to look for "
                        + "others")
            }
            let rows = records.map { record in
                [
                    (record.isDefault ? "* " : "  ") + record.name, ModelRecord.size(record.bytes),
                    String(record.hash.prefix(12)), record.licence ?? "not stated", record.path,
                ]
            }
            try ModelCommand.write(TextTable.lines([["  NAME", "SIZE", "HASH", "LICENCE", "WHERE"]] + rows))
        }
    }
}

struct ModelShowCommand: ParsableCommand {
    static let configuration = ModelShowOptions.configuration

    @OptionGroup var options: ModelShowOptions

    func run() throws {
        try ModelCommand.exiting {
            let registries = Registries.ofThisUser
            let (model, registry) = try registries.model(named: options.name, discovered: Checkpoints.copy)
            let standard = try registries.defaultModel()
            var record = ModelRecord(model, in: registry, isDefault: model == standard)
            let faults = model.faults
            if faults.isEmpty {
                // Headers alone: hashing is what verify does.
                let contents = try ModelHeaders(
                    model.source, captioner: model.captioner, filter: model.filter, clipMerges: Resources.clipMerges)
                record.networks = contents.networks
                record.configuration = contents.configuration
                record.notes = contents.notes
            }
            options.output.json ? try ModelCommand.write(json: record) : try ModelCommand.write(record.lines)
            if let first = faults.first { throw RegistryError.changed(first, more: faults.count - 1) }
        }
    }
}

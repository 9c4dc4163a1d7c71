import ArgumentParser
import LocalEngine
import Models
import Results

struct ModelRemoveCommand: ParsableCommand {
    static let configuration = ModelRemoveOptions.configuration

    @OptionGroup var options: ModelRemoveOptions

    private struct Removal: Encodable {
        let removed: String
        let path: String
    }

    func run() throws {
        try ModelCommand.exiting {
            let name = try ModelName(options.name)
            let registry = try options.choice.registry()
            let (model, wasDefault) = try registry.change { contents throws(RegistryError) in
                let model = contents[name]
                let wasDefault = contents.defaultName == name
                try contents.remove(name)
                return (model, wasDefault)
            }
            let path = model?.path ?? ""
            if options.output.json { return try ModelCommand.write(json: Removal(removed: "\(name)", path: path)) }
            try ModelCommand.write(["Removed \(name); its files stay in \(path)"])
            if wasDefault { ModelCommand.say("no model is the default now: type \(Program.name) model default NAME") }
        }
    }
}

struct ModelDefaultCommand: ParsableCommand {
    static let configuration = ModelDefaultOptions.configuration

    @OptionGroup var options: ModelDefaultOptions

    private struct Standard: Encodable {
        /// `nil`: the demo model.
        let `default`: String?
    }

    func run() throws {
        try ModelCommand.exiting {
            let chosen: ModelName?
            if let name = options.name {
                let name = try ModelName(name)
                try options.choice.registry().change { contents throws(RegistryError) in try contents.makeDefault(name)
                }
                chosen = name
            } else {
                chosen = try Registries.ofThisUser.defaultModel()?.name
            }
            if options.output.json { return try ModelCommand.write(json: Standard(default: chosen.map { "\($0)" })) }
            guard let chosen else { return ModelCommand.say("no model is the default: the demo model is used") }
            try ModelCommand.write(["\(chosen)"])
        }
    }
}

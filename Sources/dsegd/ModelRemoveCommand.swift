import ArgumentParser
import LocalEngine
import Models
import Results

struct ModelRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a model from the registry; its files stay.")

    @Argument(help: "The model's name.")
    var name: String

    @OptionGroup var choice: RegistryChoice
    @OptionGroup var output: ModelOutput

    private struct Removal: Encodable {
        let removed: String
        let path: String
    }

    func run() throws {
        try ModelCommand.exiting {
            let name = try ModelName(name)
            let registry = try choice.registry()
            let (model, wasDefault) = try registry.change { contents throws(RegistryError) in
                let model = contents[name]
                let wasDefault = contents.defaultName == name
                try contents.remove(name)
                return (model, wasDefault)
            }
            let path = model?.path ?? ""
            if output.json { return try ModelCommand.write(json: Removal(removed: "\(name)", path: path)) }
            try ModelCommand.write(["Removed \(name); its files stay in \(path)"])
            if wasDefault { ModelCommand.say("no model is the default now: type \(Program.name) model default NAME") }
        }
    }
}

struct ModelDefaultCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "default",
        abstract: "Tell which model is taken where none is named, or choose it.")

    @Argument(help: "The model's name (default: tell which one it is).")
    var name: String?

    @OptionGroup var choice: RegistryChoice
    @OptionGroup var output: ModelOutput

    private struct Standard: Encodable {
        /// `nil`: the demo model.
        let `default`: String?
    }

    func run() throws {
        try ModelCommand.exiting {
            let chosen: ModelName?
            if let name {
                let name = try ModelName(name)
                try choice.registry().change { contents throws(RegistryError) in try contents.makeDefault(name) }
                chosen = name
            } else {
                chosen = try Registries.ofThisUser.defaultModel()?.name
            }
            if output.json { return try ModelCommand.write(json: Standard(default: chosen.map { "\($0)" })) }
            guard let chosen else { return ModelCommand.say("no model is the default: the demo model is used") }
            try ModelCommand.write(["\(chosen)"])
        }
    }
}

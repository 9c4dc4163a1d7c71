package import ArgumentParser

/// The options of a command of `dsegd` that `dseg`, which has no networks, hands over to it.
///
/// Both programs declare the command by these, so that help, completion and refusals are the same in either.
package protocol HandedOptions: ParsableArguments {
    static var configuration: CommandConfiguration { get }
}

/// What both programs say of the commands `model`.
package enum ModelCommands {
    /// - Parameter subcommands: one for each of the options below
    package static func configuration(_ subcommands: [any ParsableCommand.Type]) -> CommandConfiguration {
        CommandConfiguration(
            commandName: "model",
            abstract: "Find, add, list and verify the models of this machine.",
            discussion: """
                Models are used in place: nothing is copied, converted or downloaded, and what is removed is a line in \
                the registry. It is $XDG_CONFIG_HOME/dseg/models.json (default: ~/.config/dseg/models.json), or with \
                --system /etc/dseg/models.json.
                """,
            subcommands: subcommands)
    }
}

/// The options that all commands of `model` have.
package struct ModelOutput: ParsableArguments {
    @Flag(help: "Print one line of JSON instead.")
    package var json = false

    package init() {}
}

/// Whose registry is written.
package struct RegistryChoice: ParsableArguments {
    @Flag(help: "Write the system's registry, /etc/dseg/models.json, which the service reads.")
    package var system = false

    package init() {}
}

/// What belongs to a model and does not lie in its own folder or file.
package struct ModelParts: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What holds the autoencoder of a model that lacks one: a single file, or a folder (default: the model).",
            valueName: "file"),
        completion: .file())
    package var vae: String?

    @Option(
        help: ArgumentHelp(
            """
            The folder in the diffusers layout by whose configurations and tokenizer a single file is read (default: \
            those published for its family).
            """, valueName: "dir"),
        completion: .directory)
    package var config: String?

    package init() {}
}

/// Where a daemon is looked for.
package struct SocketPlace: ParsableArguments {
    @Option(
        help: """
            The daemon's socket (default: $DSEG_SOCKET, $XDG_RUNTIME_DIR/dseg/dseg.sock, /run/dseg/dseg.sock).
            """, completion: .file())
    package var socket: String?

    package init() {}
}

package struct ModelDiscoverOptions: HandedOptions {
    package static let configuration = CommandConfiguration(
        commandName: "discover",
        abstract: "Look for checkpoints on this machine, by their headers alone.",
        discussion: """
            Looks where programs keep them: the cache of Hugging Face ($HF_HUB_CACHE, $HF_HOME), ComfyUI with \
            its extra_model_paths.yaml, stable-diffusion-webui, InvokeAI, ~/models; and in the \
            folders given. Tells of each whether it can be used, and why not.
            """)

    @Argument(help: "More folders to look in.", completion: .directory)
    package var folders: [String] = []

    @OptionGroup package var output: ModelOutput

    package init() {}
}

package struct ModelAddOptions: HandedOptions {
    package static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a model where it lies: its files are hashed, and used in place.")

    @Argument(
        help: "A folder in the diffusers layout, or a single file (safetensors).", completion: .file())
    package var path: String

    @Option(help: "What to call it (default: the folder's or file's name; sd15 and so on for published ones).")
    package var name: String?

    @Option(help: "The folder of a BLIP that writes captions beside it.", completion: .directory)
    package var captioner: String?

    @Option(help: "The folder of a CLIP that chooses labels beside it.", completion: .directory)
    package var filter: String?

    @OptionGroup package var parts: ModelParts

    @Flag(name: .customLong("default"), help: "Take it where no model is named.")
    package var isDefault = false

    @OptionGroup package var choice: RegistryChoice
    @OptionGroup package var output: ModelOutput

    package init() {}
}

package struct ModelListOptions: HandedOptions {
    package static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the models that were added, the default one with a star.")

    @OptionGroup package var output: ModelOutput

    package init() {}
}

package struct ModelShowOptions: HandedOptions {
    package static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what a model consists of: networks and their tensors, files and their hashes, licence.")

    @Argument(help: "The model's name.", completion: Suggestions.addedModels)
    package var name: String

    @OptionGroup package var output: ModelOutput

    package init() {}
}

package struct ModelVerifyOptions: HandedOptions {
    package static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify models, offline: every file's SHA-256, every tensor, and a small question.",
        discussion: """
            Hashes every file anew, against what was recorded and against what a cache of Hugging Face says; \
            looks for every tensor in its shape; loads the model and asks it for two words, whose maps must be finite \
            and not the same everywhere. Files that were merely moved or touched are recorded anew.
            """)

    @Argument(help: "The models' names (default: all that were added).", completion: Suggestions.addedModels)
    package var names: [String] = []

    @OptionGroup package var output: ModelOutput

    package init() {}
}

package struct ModelRemoveOptions: HandedOptions {
    package static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a model from the registry; its files stay.")

    @Argument(help: "The model's name.", completion: Suggestions.addedModels)
    package var name: String

    @OptionGroup package var choice: RegistryChoice
    @OptionGroup package var output: ModelOutput

    package init() {}
}

package struct ModelDefaultOptions: HandedOptions {
    package static let configuration = CommandConfiguration(
        commandName: "default",
        abstract: "Tell which model is taken where none is named, or choose it.")

    @Argument(
        help: "The model's name (default: tell which one it is).", completion: Suggestions.addedModels)
    package var name: String?

    @OptionGroup package var choice: RegistryChoice
    @OptionGroup package var output: ModelOutput

    package init() {}
}

package struct DoctorOptions: HandedOptions {
    package static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Examine this installation, and say what to type where something is wrong.",
        discussion: """
            Looks at the programs, the processor, the models that were added, the socket and who answers there, the \
            service's units and the caches, and asks the demo model about a picture whose mask is known. Nothing is \
            changed. What it prints is what a report of a fault needs; the exit code is 1 where there is one.
            """)

    @Flag(help: "Print one JSON object instead.")
    package var json = false

    @OptionGroup package var place: SocketPlace

    package init() {}
}

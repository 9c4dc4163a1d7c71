import Kernels

/// A Stable Diffusion model as its files hold it, whatever their layout: headers and configurations read, no weight.
package struct StableDiffusionFiles {
    package let unet: Checkpoint
    package let autoencoder: Checkpoint
    package let textEncoder: Checkpoint
    package let unetConfiguration: UNetConfiguration
    package let autoencoderConfiguration: AutoencoderConfiguration
    package let textEncoderConfiguration: TextEncoderConfiguration
    package let scheduler: SchedulerConfiguration
    /// The tokenizer's folder; `nil`: CLIP's published one, with ``padding``.
    package let tokenizer: ModelFolder?
    /// The token that fills a prompt's rest where the model has no tokenizer of its own.
    package let padding: String
    /// All files that decide what the model answers.
    package let hashed: [HashedFile]
    /// What its owner should know, a sentence each.
    package let notes: [String]

    package init(_ source: ModelSource) throws(CheckpointError) {
        let weights = try ModelSource.isSingleFile(source.path) ? Weights(file: source) : Weights(folder: source)
        let configurations = weights.configurations
        (unet, textEncoder) = (weights.unet, weights.textEncoder)
        unetConfiguration = try UNetConfiguration(configurations.unet)
        textEncoderConfiguration = try TextEncoderConfiguration(configurations.textEncoder)
        scheduler = try configurations.scheduler
        tokenizer = configurations.tokenizer
        padding = configurations.padding(textEncoderConfiguration)
        autoencoder = weights.autoencoder.checkpoint
        autoencoderConfiguration = try AutoencoderConfiguration(weights.autoencoder.configuration)
        hashed =
            try weights.hashed + weights.autoencoder.hashed
            + configurations.hashed(["unet/config.json", "text_encoder/config.json", Configurations.schedulerFile])
            + Self.hashed(tokenizer)
        notes = weights.notes
    }

    private static func hashed(_ tokenizer: ModelFolder?) throws(CheckpointError) -> [HashedFile] {
        guard let tokenizer else { return [] }
        return try tokenizer.hashed(BytePairTokenizer.files(in: tokenizer), in: "tokenizer/")
    }
}

/// The networks, and what they are read by.
private struct Weights {
    let unet, textEncoder: Checkpoint
    let autoencoder: Autoencoder
    let configurations: Configurations
    let hashed: [HashedFile]
    let notes: [String]

    /// The layout of diffusers: a folder for each network.
    init(folder source: ModelSource) throws(CheckpointError) {
        let directory = source.path
        try Configurations.checkLinks(of: directory)
        try CheckpointFiles.checkLayout(of: directory, hasAutoencoder: source.autoencoder == nil)
        unet = try Checkpoint(directory: "\(directory)/unet", stem: "diffusion_pytorch_model", component: "unet")
        try unet.kind.check("\(directory)/unet", isOneOf: [.unet1, .unet2])
        textEncoder = try Checkpoint(directory: "\(directory)/text_encoder", stem: "model", component: "text_encoder")
        if let folder = source.configuration { try Configurations.checkLinks(of: folder) }
        configurations = .folder(ModelFolder(source.configuration ?? directory))
        if let path = source.autoencoder {
            autoencoder = try Autoencoder(replacement: path, configurations)
        } else {
            autoencoder = try Autoencoder(folder: "\(directory)/vae")
        }
        hashed =
            unet.hashedFiles(in: "unet") + textEncoder.hashedFiles(in: "text_encoder")
        notes =
            unet.files.contains { $0.contains(CheckpointFiles.notAveraged) }
            ? ["\(directory)/unet has the weights of training alone (non_ema), not their averages: they are used"] : []
    }

    /// All networks in one file, under LDM's names.
    init(file source: ModelSource) throws(CheckpointError) {
        let path = source.path
        let file = try TensorFile(path: path)
        let tensors = file.header.unwrapped
        try CheckpointKind(tensors).check(path, isOneOf: [.stableDiffusion1, .stableDiffusion2])
        let names = LDMNames(tensors)
        unet = try Checkpoint(file, holding: names.unet, component: "unet")
        if let folder = source.configuration { try Configurations.checkLinks(of: folder) }
        configurations =
            source.configuration.map { .folder(ModelFolder($0)) } ?? .published(PublishedSizes(file, names))
        let layers = try TextEncoderConfiguration(configurations.textEncoder).sizes.layers
        textEncoder = try Checkpoint(file, holding: names.textEncoder(layers: layers), component: "text_encoder")
        if let path = source.autoencoder {
            autoencoder = try Autoencoder(replacement: path, configurations)
        } else {
            autoencoder = try Autoencoder(file: file, name: nil, configurations)
        }
        hashed = [HashedFile(name: "model.safetensors", file: file.file)]
        notes =
            names.hasAverages
            ? ["\(path) holds the U-Net's weights twice: the plain ones are used, the averages (model_ema.) are not"]
            : []
    }
}

private struct Autoencoder {
    let checkpoint: Checkpoint
    let configuration: ConfigurationFile
    let hashed: [HashedFile]

    /// The folder of a network in the layout of diffusers.
    init(folder: String) throws(CheckpointError) {
        checkpoint = try Checkpoint(directory: folder, stem: "diffusion_pytorch_model", component: "vae")
        let file = try RegularFile(path: "\(folder)/config.json")
        configuration = try ConfigurationFile(file)
        hashed = checkpoint.hashedFiles(in: "vae") + [HashedFile(name: "vae/config.json", file: file)]
    }

    /// Of a file with LDM's names: a whole model, or an autoencoder alone.
    ///
    /// - Parameter name: what the file is called among those of the model; nil: it is hashed already
    init(file: TensorFile, name: String?, _ configurations: Configurations) throws(CheckpointError) {
        let tensors = LDMNames(file.header.unwrapped).autoencoder
        guard !tensors.isEmpty else { throw .noAutoencoder(file: file.path) }
        checkpoint = try Checkpoint(file, holding: tensors, component: "vae")
        configuration = try configurations.autoencoder(TensorShapes(tensors, of: file.path))
        let own = name.map { [HashedFile(name: $0, file: file.file)] } ?? []
        hashed = try own + configurations.hashed(["vae/config.json"])
    }

    /// One that replaces the model's own: a file with LDM's names, or a folder in the layout of diffusers.
    init(replacement path: String, _ configurations: Configurations) throws(CheckpointError) {
        if try ModelSource.isSingleFile(path) {
            try self.init(file: TensorFile(path: path), name: "vae.safetensors", configurations)
        } else {
            try FolderLinks.check(path, within: path)
            try self.init(folder: path)
        }
    }
}

/// What configurations a model's networks are read by.
private enum Configurations {
    /// Those of a folder in the layout of diffusers.
    case folder(ModelFolder)
    /// Those published for a single file's family.
    case published(PublishedSizes)

    static let schedulerFile = "scheduler/scheduler_config.json"

    /// What is read of a folder in the layout of diffusers.
    private static let parts = ["model_index.json", "unet", "vae", "text_encoder", "tokenizer", "scheduler"]

    static func checkLinks(of folder: String) throws(CheckpointError) {
        for part in parts { try FolderLinks.check("\(folder)/\(part)", within: folder) }
    }

    var unet: ConfigurationFile {
        get throws(CheckpointError) {
            switch self {
            case .folder(let folder): try ConfigurationFile(folder.file("unet/config.json"))
            case .published(let sizes): sizes.unet
            }
        }
    }

    var textEncoder: ConfigurationFile {
        get throws(CheckpointError) {
            switch self {
            case .folder(let folder): try ConfigurationFile(folder.file("text_encoder/config.json"))
            case .published(let sizes): sizes.textEncoder
            }
        }
    }

    /// The published one where the folder has none.
    var scheduler: SchedulerConfiguration {
        get throws(CheckpointError) {
            guard case .folder(let folder) = self, let file = try folder.found(Self.schedulerFile) else {
                return .published
            }
            return try SchedulerConfiguration(file)
        }
    }

    /// - Parameter shapes: of the autoencoder's tensors
    func autoencoder(_ shapes: TensorShapes) throws(CheckpointError) -> ConfigurationFile {
        switch self {
        case .folder(let folder): try ConfigurationFile(folder.file("vae/config.json"))
        case .published: LDMFamily.autoencoder(shapes)
        }
    }

    var tokenizer: ModelFolder? {
        guard case .folder(let folder) = self else { return nil }
        let path = "\(folder.path)/tokenizer"
        return RegularFile.exists(at: path) ? ModelFolder(path) : nil
    }

    func padding(_ textEncoder: TextEncoderConfiguration) -> String {
        switch self {
        case .folder: LDMFamily.of(textEncoder).padding
        case .published(let sizes): sizes.family.padding
        }
    }

    /// Those of the files that there are.
    func hashed(_ names: [String]) throws(CheckpointError) -> [HashedFile] {
        guard case .folder(let folder) = self else { return [] }
        return try folder.hashed(names, in: "")
    }
}

/// The sizes of a single file's networks.
private struct PublishedSizes {
    let path: String
    let family: LDMFamily
    let unet, textEncoder: ConfigurationFile

    init(_ file: TensorFile, _ names: LDMNames) {
        path = file.path
        family = names.isOpenCLIP ? .second : .first
        unet = family.unet(TensorShapes(names.unet, of: path), pictureSide: file.header.pictureSide)
        textEncoder = family.textEncoder(TensorShapes(names.textEncoder, of: path))
    }
}

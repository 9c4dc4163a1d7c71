package import Kernels
package import Networks

/// Why a model cannot be loaded from a folder.
package enum ModelError: Error, CustomStringConvertible {
    case checkpoint(CheckpointError)
    case tokenizer(TokenizerError)
    case mismatch(directory: String, what: String, found: Int, expected: Int)
    /// The tokenizer has not as many tokens as the network reads.
    case vocabulary(directory: String, found: Int, expected: Int)
    /// What a network's folder says of how it is used is not what the network was made for.
    case otherUse(place: String, what: String, found: Int, expected: Int)
    /// A network's folder lacks a file that says how it is used.
    case lacking(directory: String, files: [String], use: String)
    case tooLarge(directory: String, what: String, gibibytes: Double, limit: Int)
    /// The U-Net has no self-attention at the latent's size, which mask completion needs.
    case noSelfAttention(directory: String, side: Int)

    /// Whether loading was cancelled, by `isWanted`, with nothing found wrong with the folder.
    package var isInterrupted: Bool {
        if case .checkpoint(.interrupted) = self { true } else { false }
    }

    package var description: String {
        switch self {
        case .checkpoint(let error): "\(error)"
        case .tokenizer(let error): "\(error)"
        case .mismatch(let directory, let what, let found, let expected):
            "\(directory): \(what) is \(found), expected \(expected)"
        case .vocabulary(let directory, let found, let expected):
            "\(directory): the tokenizer's vocabulary has \(found) tokens, the network's has \(expected): "
                + "take the tokenizer's files from the folder that the model was published in"
        case .otherUse(let place, let what, let found, let expected):
            "\(place): \(what) is \(found), the network's is \(expected): "
                + "take both from the folder that the model was published in"
        case .lacking(let directory, let files, let use):
            "\(directory) has no \(files.joined(separator: " or ")), which says \(use): "
                + "take it from the folder that the model was published in"
        case .tooLarge(let directory, let what, let gibibytes, let limit):
            "\(directory): \(what) needs \(gibibytes.rounded(.up)) GiB by the sizes in its configuration, "
                + "the limit is \(limit) GiB"
        case .noSelfAttention(let directory, let side):
            "\(directory): the U-Net has no self-attention at the latent's \(side) x \(side) pixels, "
                + "expected it at the first level"
        }
    }
}

/// A Stable Diffusion checkpoint in memory, in the diffusers layout: everything before the last attention layer.
///
/// A model belongs to one thread: the engine's.
package final class Model {
    package let name: String
    /// SHA-256 over all files that it was read from.
    package let hash: String
    package let tokenizer: BytePairTokenizer
    package let textEncoder: CLIPTextEncoder
    package let autoencoder: AutoencoderKL
    package let unet: UNet
    package let scheduler: SchedulerConfiguration
    /// The key projections of the cross-attention layers, in the order of a pass.
    package let crossKeys: [Linear]
    private let region: WeightRegion

    package let precision: Precision
    package var weightBytes: Int { region.bytesUsed }

    package var latentSizes: LatentSizes {
        let side = unet.configuration.sampleSize
        return LatentSizes(
            trained: Grid(height: side, width: side), unit: unet.configuration.latentUnit,
            factor: autoencoder.configuration.factor)
    }

    /// - Parameters:
    ///   - directory: holds `unet`, `vae`, `text_encoder`, `scheduler`, and perhaps `tokenizer`
    ///   - clipMerges: CLIP's published vocabulary, for a checkpoint without a tokenizer
    ///   - precision: the arithmetic of products with weights
    ///   - cache: the folder of the digest cache, see ``RememberedDigests``; `nil`: every file is hashed
    ///   - isWanted: polled while the weights are read, on any thread; `false` ends the loading
    package init(
        directory: String, clipMerges: String, precision: Precision, cache: String? = nil,
        while isWanted: @Sendable () -> Bool = { true }
    ) throws(ModelError) {
        self.precision = precision
        do throws(CheckpointError) {
            try CheckpointFiles.checkLayout(of: directory)
            let unet = try Checkpoint(
                directory: "\(directory)/unet", stem: "diffusion_pytorch_model", component: "unet")
            let vae = try Checkpoint(
                directory: "\(directory)/vae", stem: "diffusion_pytorch_model", component: "vae")
            let text = try Checkpoint(
                directory: "\(directory)/text_encoder", stem: "model", component: "text_encoder")
            do throws(AddressSpaceError) {
                region = try WeightRegion(capacity: unet.packedBytes + vae.packedBytes + text.packedBytes)
            } catch {
                throw .addressSpace(error)
            }
            textEncoder = try CLIPTextEncoder(
                text.weights(in: region, precision: precision).entering(ifPresent: "text_model"),
                TextEncoderConfiguration(path: "\(directory)/text_encoder/config.json"))
            try text.settle(except: Checkpoint.isPositions)
            autoencoder = try AutoencoderKL(
                vae.weights(in: region, precision: precision),
                AutoencoderConfiguration(path: "\(directory)/vae/config.json"))
            try vae.settle(except: AutoencoderKL.isTail)
            self.unet = try UNet(
                unet.weights(in: region, precision: precision),
                UNetConfiguration(path: "\(directory)/unet/config.json"))
            try unet.settle(except: UNet.isTail)
            scheduler = try SchedulerConfiguration(path: "\(directory)/scheduler/scheduler_config.json")
            hash = try Checkpoint.read(
                [text, vae, unet], hashing: Self.files(directory, unet: unet, vae: vae, text: text),
                remembered: cache.map(RememberedDigests.init), while: isWanted
            ).description
        } catch {
            throw .checkpoint(error)
        }
        crossKeys = self.unet.crossKeys
        name = directory.utf8.split(separator: UInt8(ascii: "/")).last.flatMap { String($0) } ?? directory
        do throws(TokenizerError) {
            let ownTokenizer = "\(directory)/tokenizer"
            tokenizer =
                RegularFile.exists(at: ownTokenizer)
                ? try BytePairTokenizer(directory: ownTokenizer)
                : try BytePairTokenizer(clipMerges: clipMerges)
        } catch {
            throw .tokenizer(error)
        }
        try checkAgreement(directory)
    }

    /// The networks of one model must fit each other.
    private func checkAgreement(_ directory: String) throws(ModelError) {
        func expect(_ what: String, _ found: Int, _ expected: Int) throws(ModelError) {
            guard found == expected else {
                throw .mismatch(directory: directory, what: what, found: found, expected: expected)
            }
        }
        let text = textEncoder.configuration
        try expect("the U-Net's cross_attention_dim", unet.configuration.crossAttentionWidth, text.width)
        try expect("the U-Net's in_channels", unet.configuration.inChannels, autoencoder.configuration.latentChannels)
        try expect("the tokenizer's vocabulary", tokenizer.vocabularyCount, text.vocabularyCount)
        guard unet.attentionLayers.contains(where: { $0.kind == .selfAttention && $0.level == 0 }) else {
            throw .noSelfAttention(directory: directory, side: unet.configuration.sampleSize)
        }
        let estimates = MemoryEstimate.all(self, latentSizes.trained)
        for estimate in estimates { try estimate.check(directory) }
    }

    /// The files that the model's hash covers.
    private static func files(
        _ directory: String, unet: Checkpoint, vae: Checkpoint, text: Checkpoint
    ) throws(CheckpointError) -> [HashedFile] {
        var names = ["scheduler/scheduler_config.json"]
        var files: [HashedFile] = []
        for (folder, checkpoint) in [("unet", unet), ("vae", vae), ("text_encoder", text)] {
            files += try checkpoint.hashedFiles(in: folder, of: directory)
            names.append("\(folder)/config.json")
        }
        names += BytePairTokenizer.files(in: "\(directory)/tokenizer").map { "tokenizer/\($0)" }
        for name in names {
            files.append(try HashedFile(directory: directory, name: name))
        }
        return files
    }
}

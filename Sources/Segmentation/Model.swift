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

/// A Stable Diffusion checkpoint in memory: everything before the last attention layer.
///
/// A model belongs to one thread: the engine's.
package final class Model: DiffusionNetworks {
    package let name: String
    /// SHA-256 over all files that it was read from.
    package let hash: String
    /// What earlier versions made of the same files: see ``ModelHash/aliases``.
    package let hashAliases: [String]
    package let tokenizer: BytePairTokenizer
    package let textEncoder: CLIPTextEncoder
    package let autoencoder: AutoencoderKL
    package let unet: UNet
    package let scheduler: SchedulerConfiguration
    /// The key projections of the cross-attention layers, in the order of a pass.
    package let crossKeys: [Linear]
    /// By whom its weights are kept beyond this process; `nil`: by nobody.
    let kept: KeptWeights?
    private let region: WeightRegion

    package let precision: Precision
    package var weightBytes: Int { region.bytesUsed }

    /// Opens and reads a model.
    ///
    /// - Parameters:
    ///   - clipMerges: CLIP's published vocabulary, for a checkpoint without a tokenizer
    ///   - precision: the arithmetic of products with weights
    ///   - cache: the folder of the digest cache, see ``RememberedDigests``; `nil`: every file is hashed
    ///   - isWanted: polled while the weights are read, on any thread; `false` ends the loading
    package convenience init(
        _ source: ModelSource, clipMerges: String, precision: Precision, cache: String?,
        while isWanted: @Sendable () -> Bool
    ) throws(ModelError) {
        try self.init(
            ModelContents(source, clipMerges: clipMerges, precision: precision), name: source.name, cache: cache,
            while: isWanted)
    }

    /// Reads the weights; parameters as of the other ones.
    package convenience init(
        _ contents: ModelContents, name: String, cache: String?, while isWanted: @Sendable () -> Bool
    ) throws(ModelError) {
        self.init(contents, name: name, try contents.hashed.read(cache: cache, while: isWanted))
    }

    /// - Parameters:
    ///   - contents: whose weights have been read
    ///   - name: what its owner calls it
    ///   - read: what reading them returned
    init(_ contents: ModelContents, name: String, _ read: ReadNetworks) {
        self.name = name
        (hash, hashAliases, kept) = (read.hash.description, read.hash.aliases, read.kept)
        precision = contents.precision
        tokenizer = contents.tokenizer
        textEncoder = contents.textEncoder
        autoencoder = contents.autoencoder
        unet = contents.unet
        scheduler = contents.scheduler
        crossKeys = contents.unet.crossKeys
        region = contents.region
    }
}

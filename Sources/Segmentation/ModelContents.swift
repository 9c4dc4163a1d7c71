package import Kernels
package import Networks

/// What a model consists of, by headers and configurations alone: every tensor is claimed, no weight read.
///
/// The weights' memory is reserved, which takes address space and no memory.
package final class ModelContents: DiffusionNetworks {
    package let source: ModelSource
    package let precision: Precision
    package let textEncoder: CLIPTextEncoder
    package let autoencoder: AutoencoderKL
    package let unet: UNet
    package let scheduler: SchedulerConfiguration
    package let tokenizer: BytePairTokenizer
    /// All files that decide what the model answers.
    package let files: [HashedFile]
    /// What its owner should know, a sentence each.
    package let notes: [String]
    /// In the order in which they are read.
    let checkpoints: [Checkpoint]
    let region: WeightRegion

    /// - Parameters:
    ///   - clipMerges: CLIP's published vocabulary, for a checkpoint without a tokenizer
    ///   - precision: the arithmetic of products with weights
    /// - Throws: the first thing that keeps the files from being a model
    package init(_ source: ModelSource, clipMerges: String, precision: Precision) throws(ModelError) {
        let found: StableDiffusionFiles
        do throws(CheckpointError) {
            found = try StableDiffusionFiles(source)
            checkpoints = [found.textEncoder, found.autoencoder, found.unet]
            do throws(AddressSpaceError) {
                region = try WeightRegion(capacity: checkpoints.reduce(0) { $0 + $1.packedBytes })
            } catch {
                throw .addressSpace(error)
            }
            textEncoder = try CLIPTextEncoder(
                found.textEncoder.weights(in: region, precision: precision).entering(ifPresent: "text_model"),
                found.textEncoderConfiguration)
            try found.textEncoder.settle(except: Checkpoint.isPositions)
            autoencoder = try AutoencoderKL(
                found.autoencoder.weights(in: region, precision: precision), found.autoencoderConfiguration)
            try found.autoencoder.settle(except: AutoencoderKL.isTail)
            unet = try UNet(found.unet.weights(in: region, precision: precision), found.unetConfiguration)
            try found.unet.settle(except: UNet.isTail)
        } catch {
            throw .checkpoint(error)
        }
        do throws(TokenizerError) {
            tokenizer =
                if let folder = found.tokenizer {
                    try BytePairTokenizer(folder)
                } else {
                    try BytePairTokenizer(clipMerges: clipMerges, padding: found.padding)
                }
        } catch {
            throw .tokenizer(error)
        }
        (self.source, self.precision) = (source, precision)
        (files, notes, scheduler) = (found.hashed, found.notes, found.scheduler)
        try checkAgreement()
        for estimate in MemoryEstimate.all(self, latentSizes.trained) { try estimate.check(source.path) }
    }

    /// The networks of one model must fit each other.
    private func checkAgreement() throws(ModelError) {
        func expect(_ what: String, _ found: Int, _ expected: Int) throws(ModelError) {
            guard found == expected else {
                throw .mismatch(directory: source.path, what: what, found: found, expected: expected)
            }
        }
        let text = textEncoder.configuration
        try expect("the U-Net's cross_attention_dim", unet.configuration.crossAttentionWidth, text.width)
        try expect("the U-Net's in_channels", unet.configuration.inChannels, autoencoder.configuration.latentChannels)
        try expect("the tokenizer's vocabulary", tokenizer.vocabularyCount, text.vocabularyCount)
        guard unet.attentionLayers.contains(where: { $0.kind == .selfAttention && $0.level == 0 }) else {
            throw .noSelfAttention(directory: source.path, side: unet.configuration.sampleSize)
        }
    }

    /// Bytes that the weights take in memory.
    package var weightBytes: Int { region.bytesUsed }

    /// What is read.
    package var hashed: HashedNetworks { HashedNetworks(checkpoints, files: files, in: region) }

    /// The model's networks, in the order in which they are read.
    package var networks: [NetworkContents] { checkpoints.map(\.contents) }

    /// Hashes all files and reads no weight: the hash that the loaded model has.
    ///
    /// - Parameters:
    ///   - cache: the folder of the digest cache, see ``RememberedDigests``; `nil`: every file is hashed
    ///   - isWanted: polled on any thread; `false` ends the hashing
    package func hash(cache: String?, while isWanted: @Sendable () -> Bool) throws(ModelError) -> ModelHash {
        try HashedNetworks([], files: files, in: nil).read(cache: cache, while: isWanted).hash
    }
}

extension HashedNetworks {
    /// Reads these alone, with a model's error.
    func read(cache: String?, while isWanted: @Sendable () -> Bool) throws(ModelError) -> ReadNetworks {
        do throws(CheckpointError) {
            return try Self.read(
                [self], remembered: cache.map(RememberedDigests.init), keeping: nil, progress: { _, _ in },
                while: isWanted)[0]
        } catch {
            throw .checkpoint(error)
        }
    }
}

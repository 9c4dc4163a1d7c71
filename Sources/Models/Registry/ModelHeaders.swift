import Kernels
package import Networks
package import Segmentation

/// What a model and the networks beside it consist of, by headers and configurations alone.
package struct ModelHeaders {
    private let contents: PipelineContents

    /// Claims every tensor.
    ///
    /// - Parameters:
    ///   - captioner, filter: folders of networks beside the model; `nil`: none
    ///   - clipMerges: CLIP's published vocabulary, for folders without a tokenizer
    package init(
        _ source: ModelSource, captioner: String?, filter: String?, clipMerges: String
    ) throws(ModelError) {
        // Nothing is computed, so the arithmetic does not matter.
        contents = try PipelineContents(
            source, captioner: captioner, filter: filter, clipMerges: clipMerges, precision: .f32)
    }

    /// In the order in which they are read; those beside the model are the last.
    package var networks: [Network] {
        let beside = [contents.captioner?.blip.contents, contents.filter?.clip.contents]
        return (contents.model.networks + beside.compactMap(\.self)).map {
            Network(name: $0.name, tensors: $0.tensors, types: $0.types, bytes: $0.bytes)
        }
    }

    /// What the configurations, or the shapes where there are none, say of the model.
    package var configuration: Configuration {
        let model = contents.model
        let (unet, scheduler) = (model.unet.configuration, model.scheduler)
        return Configuration(
            side: unet.sampleSize * model.autoencoder.configuration.factor, channels: unet.blockChannels,
            heads: unet.heads, textWidth: unet.crossAttentionWidth, betaStart: scheduler.betaStart,
            betaEnd: scheduler.betaEnd, timesteps: scheduler.trainTimesteps)
    }

    package struct Configuration: Encodable, Sendable {
        /// Of the square pictures it was trained on, in pixels.
        package let side: Int
        /// Channels and attention heads of each level of the U-Net.
        package let channels: [Int]
        package let heads: [Int]
        package let textWidth: Int
        package let betaStart: Double
        package let betaEnd: Double
        package let timesteps: Int
    }

    /// A network of which all tensors are there.
    package struct Network: Encodable, Sendable {
        package let name: String
        package let tensors: Int
        /// The types that they are stored in, as safetensors names them.
        package let types: [String]
        /// Of the tensors that are read, in the files.
        package let bytes: Int
    }

    /// What the model's owner should know, a sentence each.
    package var notes: [String] { contents.model.notes }

    /// Hashes every file.
    ///
    /// - Parameters:
    ///   - cache: the folder of the digest cache, see ``RememberedDigests``; `nil`: every file is hashed
    ///   - isWanted: polled on any thread; `false` ends the hashing
    package func hashed(
        cache: String?, while isWanted: @escaping @Sendable () -> Bool
    ) throws(ModelError) -> ModelInventory {
        let (captioner, filter) = (contents.captioner?.blip, contents.filter?.clip)
        let hash = try contents.model.hash(cache: cache, while: isWanted)
        do throws(CheckpointError) {
            let captionerHash = try captioner?.hash(cache: cache, while: isWanted)
            let filterHash = try filter?.hash(cache: cache, while: isWanted)
            var files = try Self.record(contents.model.files, hash, before: "")
            if let captioner, let captionerHash {
                files += try Self.record(captioner.files, captionerHash, before: RegisteredFile.captioner)
            }
            if let filter, let filterHash {
                files += try Self.record(filter.files, filterHash, before: RegisteredFile.filter)
            }
            return ModelInventory(
                files: files, hash: hash.description, captionerHash: captionerHash?.description,
                filterHash: filterHash?.description)
        } catch {
            throw .checkpoint(error)
        }
    }

    /// The files, as they were when they were opened and hashed.
    private static func record(
        _ files: [HashedFile], _ hash: ModelHash, before name: String
    ) throws(CheckpointError) -> [RegisteredFile] {
        try files.map { hashed throws(CheckpointError) in
            let (path, identity) = (hashed.file.path, hashed.file.identity)
            let state = FileState(at: path)
            guard let state, state.isOf(identity), let digest = hash.digests[hashed.name] else {
                throw .changed(file: path, sizeBefore: identity.size, sizeNow: state?.size ?? 0)
            }
            return RegisteredFile(
                name: name + hashed.name, path: path, state: state, sha256: SHA256.hexadecimal(digest))
        }
    }
}

/// What the files of a model and of the networks beside it are: what a registry records of them.
package struct ModelInventory: Sendable {
    package let files: [RegisteredFile]
    package let hash: String
    package let captionerHash: String?
    package let filterHash: String?
}

extension FileState {
    fileprivate func isOf(_ identity: FileIdentity) -> Bool {
        inode == identity.inode && size == identity.size
            && modified == identity.modified.seconds * 1_000_000_000 + identity.modified.nanoseconds
    }
}

package import Kernels
package import Networks

/// A model and the networks beside it, in memory.
///
/// It belongs to one thread at a time: the one that loads it hands it to the engine's.
package struct Pipeline {
    package let model: Model
    package let captioner: Captioner?
    package let filter: LabelFilter?

    package init(model: Model, captioner: Captioner?, filter: LabelFilter?) {
        (self.model, self.captioner, self.filter) = (model, captioner, filter)
    }

    /// Bytes that the weights take in memory.
    package var weightBytes: Int {
        model.weightBytes + (captioner?.blip.weightBytes ?? 0) + (filter?.clip.weightBytes ?? 0)
    }

    /// Lets go of what is kept of the weights beyond this process.
    package func letGo() {
        for kept in [model.kept, captioner?.blip.kept, filter?.clip.kept] { kept?.letGo() }
    }

    /// Bytes of address space for the scratch memory of the networks, which take turns.
    package var scratchBytes: Int {
        max(model.scratchBytes, captioner?.scratchBytes ?? 0, filter?.scratchBytes ?? 0)
    }
}

/// What a pipeline consists of, by headers and configurations alone: every tensor is claimed, no weight read. Whatever
/// its files can be refused for but their weights, they have been.
package final class PipelineContents {
    package let model: ModelContents
    package let captioner: CaptionerContents?
    package let filter: LabelFilterContents?

    /// - Parameters:
    ///   - captioner, filter: folders of networks beside the model; `nil`: none
    ///   - clipMerges: CLIP's published vocabulary, for folders without a tokenizer
    ///   - precision: the arithmetic of products with weights
    /// - Throws: the first thing that keeps the files from being a model, a captioner or a filter
    package init(
        _ source: ModelSource, captioner: String?, filter: String?, clipMerges: String, precision: Precision
    ) throws(ModelError) {
        model = try ModelContents(source, clipMerges: clipMerges, precision: precision)
        self.captioner = try captioner.map { directory throws(ModelError) in
            try CaptionerContents(directory: directory, precision: precision)
        }
        self.filter = try filter.map { directory throws(ModelError) in
            try LabelFilterContents(directory: directory, clipMerges: clipMerges, precision: precision)
        }
    }

    /// Bytes that the weights will take in memory.
    package var weightBytes: Int {
        model.weightBytes + (captioner?.blip.weightBytes ?? 0) + (filter?.clip.weightBytes ?? 0)
    }

    /// ``Pipeline/scratchBytes`` of the pipeline.
    package var scratchBytes: Int {
        max(model.scratchBytes, captioner?.scratchBytes ?? 0, filter?.scratchBytes ?? 0)
    }

    /// Bytes of scratch memory that an answer is thought to take, where a picture is read at the size that the model
    /// was trained on.
    package var answerBytes: Int { MemoryEstimate.bytes(of: scratchBytes) }

    /// Reads the weights of all networks together.
    ///
    /// - Parameters:
    ///   - name: what the model's owner calls it
    ///   - cache: the folder of the digest cache, see ``RememberedDigests``; `nil`: every file is hashed
    ///   - keeper: keeps the weights beyond this process, and may have kept them; `nil`: nobody does
    ///   - progress: told the bytes that are done, of how many, see ``HashedNetworks``
    ///   - isWanted: polled while the weights are read, on any thread; `false` ends the reading
    package func read(
        name: String, cache: String?, keeper: (any WeightKeeper)?,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void, while isWanted: @Sendable () -> Bool
    ) throws(ModelError) -> Pipeline {
        let networks = [model.hashed, captioner?.blip.hashed, filter?.clip.hashed]
        var read: [ReadNetworks]
        do throws(CheckpointError) {
            read = try HashedNetworks.read(
                networks.compactMap(\.self), remembered: cache.map(RememberedDigests.init),
                keeping: keeper.map { Keeping(by: $0, for: name) }, progress: progress, while: isWanted)
        } catch {
            throw .checkpoint(error)
        }
        return Pipeline(
            model: Model(model, name: name, read.removeFirst()),
            captioner: captioner.map { Captioner($0, read.removeFirst()) },
            filter: filter.map { LabelFilter($0, read.removeFirst(), cache: cache) })
    }
}

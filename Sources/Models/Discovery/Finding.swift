import Networks

/// A checkpoint found on this machine, usable or not.
package struct Finding: Sendable, Equatable {
    /// What the files are arranged as.
    package enum Layout: String, Sendable, CaseIterable {
        case diffusers, transformers
        case oneFile = "one file"
        /// A pickle, GGUF, or what only looks like a checkpoint.
        case other
    }

    /// As people know it: a Hub repository's name without its owner, or the name of the file or folder.
    package let name: String
    /// A few letters: `sd1`, `sdxl`, `lora`; empty where what lies there cannot be told.
    package let kind: String
    package let layout: Layout
    /// `fp32`, `fp16`, `bf16` or `mixed`: how the largest network is stored; empty where unknown.
    package let precision: String
    /// Bytes on disk, every real file counted once.
    package let bytes: Int
    /// As the owner of the checkpoint states it; `nil` where nothing is stated.
    package let licence: String?
    /// Where it lies: what to name when adding it.
    package let path: String
    /// The commit of a Hugging Face cache's snapshot.
    package let commit: String?
    /// Why dseg cannot use it and what to do; `nil`: usable.
    package let refusal: String?

    package var isUsable: Bool { refusal == nil }

    /// Whether it is a model that `add` takes, and no network beside one.
    package var isModel: Bool {
        isUsable && [CheckpointKind.stableDiffusion1, .stableDiffusion2].contains { $0.label == kind }
    }
}

import Kernels
import Networks
package import Texts

/// A model that a catalogue knows: equal keys mean the same model.
package struct ModelKey: Hashable, Sendable {
    /// What its owner calls it.
    package let name: ExactString
    /// What tells it from another one of that name: one that was changed and added anew, for example.
    package let identity: ExactString

    /// No model: none is called so.
    package static let none = ModelKey(name: "", identity: "")

    package init(name: ExactString, identity: ExactString) {
        self.name = name
        self.identity = identity
    }

    /// Whether a text is the hash of a model: hardly anybody calls one so.
    package static func isHash(_ text: String) -> Bool { SHA256.isHexadecimal(text) }
}

/// The models that an engine may load.
package protocol ModelCatalogue: Sendable {
    /// The model that a request means. Called for each request, on any thread: it reads small files, and only those
    /// that changed.
    ///
    /// - Parameter name: a model's name, or its hash; "": the default
    /// - Throws: `unknownModel`
    func key(for name: String) throws(SegmentationError) -> ModelKey

    /// Opens a model's files and reads their headers; called on the engine's loading thread.
    ///
    /// - Throws: why it cannot be loaded, as a sentence for its user
    func open(_ key: ModelKey) throws -> OpenedModel
}

/// A model whose headers were read, and no weights. It belongs to the loading thread.
package struct OpenedModel {
    /// Bytes of weights in memory, and of the scratch memory that answers take.
    let weightBytes: Int
    let scratchBytes: Int
    let read: Reading

    /// Reads the weights.
    ///
    /// - Parameters:
    ///   - progress: gets the bytes that were read, of how many; on any thread
    ///   - isWanted: polled on any thread; `false` ends the reading
    package typealias Reading = (
        _ progress: @escaping @Sendable (Int, Int) -> Void, _ isWanted: @escaping @Sendable () -> Bool
    ) throws -> Pipeline

    package init(weightBytes: Int, scratchBytes: Int, read: @escaping Reading) {
        self.weightBytes = weightBytes
        self.scratchBytes = scratchBytes
        self.read = read
    }
}

/// How far a model is on its way into memory.
package struct LoadingState: Sendable, Equatable {
    package enum Stage: Sendable {
        /// For the loading of another model, or for memory that models in use hold.
        case waiting
        /// Headers, configurations and vocabularies are read.
        case opening
        /// Weights are read.
        case reading
    }

    package let model: String
    package let stage: Stage
    /// Bytes that were read, of how many; 0 before the last stage.
    package let bytes: Int
    package let totalBytes: Int

    /// Of all bytes, rounded down; 0 before they are known.
    package var percent: Int { totalBytes > 0 ? bytes * 100 / totalBytes : 0 }

    init(_ key: ModelKey, _ stage: Stage, bytes: Int = 0, of totalBytes: Int = 0) {
        model = key.name.text
        self.stage = stage
        self.bytes = bytes
        self.totalBytes = totalBytes
    }
}

/// Why a model was not loaded: one sentence for all who wait for it.
package struct LoadFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package let model: String
    package let reason: String
    /// Whether there is not enough memory for it.
    package let lacksMemory: Bool
    /// Whether there may be enough of it when others have let go of theirs.
    package let mayFit: Bool

    package var description: String { "the model \(model) cannot be loaded: \(reason)" }

    init(_ key: ModelKey, _ error: any Error) {
        model = key.name.text
        reason = "\(error)"
        mayFit =
            switch error {
            case is AddressSpaceError, ModelError.checkpoint(.addressSpace): true
            default: false
            }
        lacksMemory = mayFit || error is MemoryShortage
    }
}

/// A model that takes more memory than the engine may.
struct MemoryShortage: Error, Equatable, CustomStringConvertible {
    let weightBytes: Int
    let scratchBytes: Int
    let limit: Int

    var description: String {
        func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }
        let needed = mebibytes(weightBytes + scratchBytes + MemoryLimits.least)
        return "it needs \(needed) MiB of memory (\(mebibytes(weightBytes)) of weights, \(mebibytes(scratchBytes)) "
            + "while it answers, \(mebibytes(MemoryLimits.least)) of caches), and \(limit >> 20) MiB are what models "
            + "may take: start dsegd serve with --memory \(needed)M or more"
    }
}

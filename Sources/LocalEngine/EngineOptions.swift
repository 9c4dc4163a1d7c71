package import ArgumentParser
package import Kernels
package import Results
package import Segmentation

/// The options of an engine in this process: model, networks beside it, precision, threads.
package struct EngineOptions: ParsableArguments {
    @Option(
        help: "The model's folder, in the diffusers layout (default: the embedded demo model).",
        completion: .directory)
    package var model: String?

    @Option(
        help: """
            The folder of a BLIP that writes captions, in transformers' layout (default: the demo model's, beside it).
            """,
        completion: .directory)
    package var captioner: String?

    @Option(
        help: """
            Arithmetic of the networks: f32, or int16, 16-bit integers with a scale for each row, nearer to f32 than \
            bfloat16 is (default: int16 where the processor multiplies pairs of them, else f32).
            """)
    package var precision: Precision?

    @Option(help: "Threads that compute (default: as many as there are processors).")
    package var threads: Int?

    package init() {}

    package func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads \(threads): type a number from 1 to 1024")
        }
    }

    /// Loads the model, and the networks beside it.
    ///
    /// - Parameters:
    ///   - filter: the folder of the filter's network; `nil`: the demo model's beside it, else none
    ///   - queueLimit: the most calls that may be queued
    ///   - cache: the folder of the digest cache, see ``Model``
    ///   - isWanted: polled while the weights are read, on any thread; `false` ends the loading
    package func engine(
        filter: String?, queueLimit: Int, cache: String?, while isWanted: @escaping @Sendable () -> Bool
    ) throws -> Engine {
        try Engine(
            serving: model, captioner: captioner, filter: filter, precision: precision, threads: threads,
            queueLimit: queueLimit, cache: cache,
            while: isWanted)
    }

    /// Loads the model for a program without a queue; hashes all its files, without the cache of digests.
    ///
    /// - Parameter filter: as of the other one
    /// - Throws: `UnusableModel`
    package func engine(filter: String?) throws(UnusableModel) -> Engine {
        do {
            return try engine(filter: filter, queueLimit: 1, cache: nil) { true }
        } catch {
            throw UnusableModel(reason: "\(error)")
        }
    }
}

/// The folder of the filter's network, for commands that do not name a filter.
package struct FilterFolder: ParsableArguments {
    @Option(
        name: [.customLong("filter"), .customLong("filter-model")],
        help: """
            The folder of a CLIP that chooses labels, in transformers' layout (default: the demo model's, beside it).
            """,
        completion: .directory)
    package var filter: String?

    package init() {}
}

extension Precision: ExpressibleByArgument {}

/// Why a model cannot be loaded.
package struct UnusableModel: ReasonedError, CustomStringConvertible {
    package let reason: String

    package init(reason: String) { self.reason = reason }

    package var description: String { "the model cannot be loaded: \(reason)" }
    package var exitReason: ExitReason { .badData }
}

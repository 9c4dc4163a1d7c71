package import ArgumentParser
package import Kernels
package import Models
package import Networks
package import Results
package import Segmentation

/// The options of an engine in this process: model, networks beside it, precision, threads.
package struct EngineOptions: ParsableArguments {
    @Option(
        help: """
            The name of a model that was added, or a path: of a folder in the diffusers layout, or of a single file \
            (default: the model that dsegd model default tells, else the embedded demo model).
            """,
        completion: Suggestions.modelsAndFiles)
    package var model: String?

    @OptionGroup package var parts: ModelParts

    @Option(
        help: """
            The folder of a BLIP that writes captions, in transformers' layout (default: the one \
            that the model was added with; the demo model's, beside it).
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
        if model == nil, let option = parts.first {
            throw ValidationError("\(option) is of a model that --model names by its path: name it")
        }
    }

    /// The model that these options, or what the owner recorded, say.
    ///
    /// - Parameter filter: the folder of the filter's network; `nil`: the one it was added with, the demo model's
    ///   beside it, else none
    private func served(filter: String?) throws -> ServedModel {
        let registries = Registries.ofThisUser
        guard let named = try named(filter: filter) else {
            guard let own = try registries.defaultModel() else { return .demo(captioner: captioner, filter: filter) }
            return ServedModel(own, captioner: captioner, filter: filter)
        }
        switch named {
        case .path(let model): return model
        case .added(let own): return ServedModel(own, captioner: captioner, filter: filter)
        }
    }

    private enum Named {
        case path(ServedModel)
        case added(RegisteredModel)
    }

    /// The model that `--model` names; `nil`: it names none.
    private func named(filter: String?) throws -> Named? {
        guard let model else { return nil }
        switch try Registries.ofThisUser.resolve(model, discovered: Checkpoints.copy) {
        case .path(let path):
            return .path(ServedModel(parts.source(at: path) { $0 }, captioner: captioner, filter: filter))
        case .registered(let own):
            if let option = parts.first {
                throw UnusableModel(
                    reason:
                        "\(option) is of a model that is named by its path, and \(own.name) was added: leave it out, "
                        + "or type \(own.commandToAdd) with it")
            }
            return .added(own)
        }
    }

    /// An engine of all models of this machine's owner, none of which is loaded.
    ///
    /// - Parameters:
    ///   - filter: the folder of the filter's network beside the model of requests that name none
    ///   - cache: the folder of the digest cache, see ``Model``
    ///   - keeper: keeps weights beyond this process; `nil`: nobody does
    ///   - isWanted: polled while weights are read, on any thread; `false` ends the loading
    ///   - tell: gets what happens to models, on the engine's threads, which it must not block
    /// - Returns: the engine, and whether the demo model is the only one
    package func engine(
        filter: String?, _ limits: EngineLimits, cache: String?, keeper: (any WeightKeeper)?,
        while isWanted: @escaping @Sendable () -> Bool, tell: @escaping @Sendable (String) -> Void
    ) throws -> (engine: Engine, hasDemoAlone: Bool) {
        let standard: OwnersModels.Standard =
            switch try named(filter: filter) {
            case .path(let model): .path(model)
            case .added(let model): .added(model.name)
            case nil: .recorded
            }
        let models = OwnersModels(
            .ofThisUser, standard: standard, captioner: captioner, filter: filter,
            LoadingOptions(precision: precision, cache: cache, keeper: keeper, while: isWanted, tell: tell))
        let engine = try Engine(limits, threads: threads, catalogue: models) { tell("\($0)") }
        return (engine, models.isEmpty)
    }

    /// Loads the model for a program without a queue; hashes all its files, without the cache of digests.
    ///
    /// - Parameter filter: as of the other one
    /// - Throws: `UnusableModel`
    package func engine(filter: String?) throws(UnusableModel) -> Engine {
        do {
            return try Engine(
                serving: served(filter: filter), threads: threads, .once(precision: precision))
        } catch let error as UnusableModel {
            throw error
        } catch {
            throw UnusableModel(reason: "\(error)")
        }
    }
}

extension ModelParts {
    /// The model at a path, with these parts.
    ///
    /// - Parameter resolve: makes of a path as it was given what is recorded
    package func source(at path: String, _ resolve: (String) throws -> String) rethrows -> ModelSource {
        ModelSource(
            path: try resolve(path), autoencoder: try vae.map(resolve), configuration: try config.map(resolve))
    }

    /// The first option that was given, as it was.
    var first: String? {
        vae.map { "--vae \(Streams.printable($0))" } ?? config.map { "--config \(Streams.printable($0))" }
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

import LocalEngine
import Logging
import Results
import RPC
import Segmentation
import ServiceManager
import Texts

/// How the daemon comes to its engine and to its first models.
struct Start {
    private let options: EngineOptions
    private let filter: String?
    private let manager: Supervisor?
    private let weights: WeightStore?
    private let log: Logger
    /// Bytes that this process may fill, with what the service manager kept of them for an earlier one.
    private let memoryLeft: Int
    /// Bytes that models may take where no setting says it.
    let standardMemory: Int

    /// How much longer than until now loading may take, each time that a part of it is done.
    private static let patience = Duration.seconds(60)

    /// - Parameters:
    ///   - filter: the folder of the filter's network; `nil`: none was named
    ///   - kept: descriptors that the service manager kept
    init(options: EngineOptions, filter: String?, manager: Supervisor?, kept: [HandedDescriptor], log: Logger) {
        (self.options, self.filter, self.manager, self.log) = (options, filter, manager, log)
        weights = manager.map { WeightStore($0, kept) }
        weights?.dropForeign()
        memoryLeft = MemorySize.left(with: (weights?.unused ?? []).reduce(0) { $0 + $1.bytes })
        standardMemory = MemorySize.standard(of: memoryLeft).bytes
    }

    /// Bytes of memory for pictures and answers, beside what models may take.
    func room(beside settings: ServeSettings) -> Int {
        memoryLeft - settings.limits(standardMemory: standardMemory).memory
    }

    /// An engine that has loaded what the command line names, or the demo model where no other was added; any other is
    /// loaded when it is asked for.
    ///
    /// - Returns: `nil` where a signal came meanwhile
    func engine(_ settings: ServeSettings) throws -> Engine? {
        // Until then a failure ends the daemon, which is told once.
        let started = AtomicFlag()
        let log = log
        let (engine, hasDemoAlone) = try options.engine(
            filter: filter, settings.limits(standardMemory: standardMemory),
            cache: CacheFolder.path(environment: SocketPath.environment), keeper: weights
        ) {
            !ServiceSignals.isStopPending
        } tell: {
            if started.isSet { log.notice("\($0)") }
        }
        defer { started.set() }
        let isNamed = options.model != nil || options.captioner != nil || filter != nil
        guard isNamed || hasDemoAlone && settings.keepAlive != .duration(.zero) else { return engine }
        do throws(SegmentationError) {
            let manager = manager
            try engine.loadStandardModel(keepAlive: nil) { state in
                manager?.tell(.extendTimeout(Self.patience), .status("loading \(state.model), \(state.percent) %"))
            }
        } catch {
            if ServiceSignals.isStopPending { return nil }
            guard case .notLoaded(let failure) = error else { throw error }
            // Whoever bounds the memory may have smaller models added later.
            guard !isNamed, settings.memory != nil, failure.lacksMemory else {
                throw Unloadable(description: failure.reason)
            }
            log.warning("\(failure)")
        }
        return engine
    }

    /// Why the model that is loaded at the start cannot be.
    private struct Unloadable: Error, CustomStringConvertible {
        let description: String
    }

    /// Has the models loaded again whose weights the service manager kept, and gives back what no model uses.
    func warm(_ engine: Engine) {
        guard let weights else { return }
        Self.warm(weights.unusedModels[...], engine, weights)
    }

    /// One model after the other, as they are loaded anyway.
    private static func warm(_ names: ArraySlice<String>, _ engine: Engine, _ weights: WeightStore) {
        guard let first = names.first else { return weights.dropUnused() }
        engine.load(first) { warm(names.dropFirst(), engine, weights) }
    }
}

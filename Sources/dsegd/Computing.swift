import ArgumentParser
import Results
import Segmentation

/// With which model a tool computes, and on how many threads.
struct Computing: ParsableArguments {
    @Option(help: "The model's folder (default: the embedded demo model).", completion: .directory)
    var model: String?

    @Option(help: "Threads that compute (default: as many as there are processors).")
    var threads: Int?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads \(threads): type a number from 1 to 1024")
        }
    }

    /// Loads the model.
    ///
    /// - Throws: `UnusableModel`
    func engine() throws(UnusableModel) -> Engine {
        do {
            return try Engine(serving: model, threads: threads, queueLimit: 1) { true }
        } catch {
            throw UnusableModel(reason: "\(error)")
        }
    }
}

/// Why a model cannot be loaded.
struct UnusableModel: ReasonedError, CustomStringConvertible {
    let reason: String

    var description: String { "the model cannot be loaded: \(reason)" }
    var exitReason: ExitReason { .badData }
}

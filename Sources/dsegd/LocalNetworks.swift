import ArgumentParser
import LocalEngine
import RPC
import Results
import Segmentation
import Server

/// The options of an engine that is loaded at the first request, for commands that name a filter.
struct LocalNetworks: ParsableArguments {
    @OptionGroup var engine: EngineOptions

    @Option(
        help: ArgumentHelp(
            "The folder of a CLIP that chooses labels, in transformers' layout (default: the demo model's, beside it).",
            discussion: "--filter takes it, too, where it names a folder.", valueName: "dir"),
        completion: .directory)
    var filterModel: String?

    /// Refuses two folders of one network.
    func check(_ filter: FilterOptions) throws {
        guard let filterModel, let folder = filter.folder else { return }
        throw ValidationError(
            "--filter-model \(Streams.printable(filterModel)) and --filter \(Streams.printable(folder)) both name a "
                + "folder; leave one out")
    }

    /// Loads the networks once.
    func loading(_ filter: FilterOptions) -> () throws -> Engine {
        var loaded: Engine?
        return {
            let engine = try loaded ?? engine.engine(filter: filterModel ?? filter.folder)
            loaded = engine
            return engine
        }
    }

    /// Computes answers in this process.
    func asking(_ filter: FilterOptions) -> Asking {
        let engine = loading(filter)
        return { message, onReply in
            let question = try SegmentationRequest(message)
            for reply in try engine().replies(to: question, encoding: message.encoding) { try onReply(reply.get()) }
        }
    }
}

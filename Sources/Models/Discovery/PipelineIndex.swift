import FoundationEssentials
import Networks
import Texts

/// The `model_index.json` of a folder in the diffusers layout.
enum PipelineIndex {
    private static let limit = 1 << 20

    private struct Stored: Decodable {
        let _class_name: String?
    }

    /// The name of the pipeline's class; `nil` where the file is missing or says none.
    static func className(in folder: String) -> String? {
        guard let bytes = try? RegularFile(path: "\(folder)/model_index.json").contents(limit: limit),
            StreamSafe.isSafe(json: bytes)
        else { return nil }
        return (try? JSONDecoder().decode(Stored.self, from: Data(bytes)))?._class_name
    }
}

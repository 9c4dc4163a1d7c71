import FoundationEssentials
import Glibc
import Kernels
import Networks
import Support
import Synchronization

@testable import Segmentation

/// Copies of a model's folder, a captioner's and a filter's, to be spoiled while they are read.
final class PipelineCopy: Sendable {
    let model, captioner, filter: FolderCopy

    init() throws {
        model = try FolderCopy(of: "tiny/checkpoint")
        captioner = try FolderCopy(of: "words/blip-tied")
        filter = try FolderCopy(of: "words/clip")
        try captioner.write("generation_config.json", "{\"max_length\": 9}")
        try Threads.start(nil)
    }

    var folders: [FolderCopy] { [model, captioner, filter] }

    /// Folders of the three networks with weights, and of the two beside the model.
    static let weights = [
        "model/unet/diffusion_pytorch_model.safetensors", "model/vae/diffusion_pytorch_model.safetensors",
        "model/text_encoder/model.safetensors", "captioner/model.safetensors", "filter/model.safetensors",
    ]
    /// What is parsed before weights are read.
    static let parsed = [
        "model/unet/config.json", "model/scheduler/scheduler_config.json", "model/tokenizer/merges.txt",
        "captioner/config.json", "captioner/preprocessor_config.json", "captioner/generation_config.json",
        "captioner/vocab.txt", "filter/config.json", "filter/vocab.json", "filter/merges.txt",
    ]

    /// The path of a file that ``weights`` or ``parsed`` name.
    func path(_ file: String) -> String {
        let parts = file.split(separator: "/", maxSplits: 1)
        let folder = ["model": model, "captioner": captioner, "filter": filter][parts[0]]
        return "\(folder?.path ?? "")/\(parts[1])"
    }

    func contents() throws(ModelError) -> PipelineContents {
        try PipelineContents(
            ModelSource(model.path), captioner: captioner.path, filter: filter.path, clipMerges: Fixture.clipMerges,
            precision: .f32)
    }

    /// Reads all.
    ///
    /// - Parameter event: what happens once half of the bytes are read
    func read(
        _ contents: PipelineContents, cache: String? = nil, halfway event: @escaping @Sendable () -> Void = {}
    ) throws(ModelError) -> Pipeline {
        let hasHappened = Mutex(false)
        return try contents.read(name: "copy", cache: cache, keeper: nil) { done, total in
            hasHappened.withLock { hasHappened in
                guard !hasHappened, 2 * done >= total else { return }
                event()
                hasHappened = true
            }
        } while: {
            true
        }
    }
}

/// A thread that does something over and over.
final class Repetition: Sendable {
    private let body: @Sendable (_ round: Int) -> Void
    private let isOver = Atomic(false)
    private let done = Atomic(0)

    /// How often it has been done.
    var rounds: Int { done.load(ordering: .relaxed) }

    init(_ body: @escaping @Sendable (_ round: Int) -> Void) {
        self.body = body
        var thread = pthread_t()
        let itself = Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Repetition>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, itself)
        precondition(code == 0, "pthread_create: errno \(code)")
        pthread_detach(thread)
    }

    private func run() {
        while !isOver.load(ordering: .relaxed) { body(done.wrappingAdd(1, ordering: .relaxed).newValue) }
    }

    func end() { isOver.store(true, ordering: .relaxed) }
}

/// What others do to a file.
enum FileEvent: String, CaseIterable {
    case removal, replacement, truncation, overwriting

    /// Whether whoever has opened the file goes on reading what it opened.
    var leavesTheOpenFile: Bool { self == .removal || self == .replacement }

    func happen(to path: String) {
        switch self {
        case .removal: unsafe unlink(path)
        case .replacement:
            let other = open(path + ".other", O_CREAT | O_WRONLY, 0o600)
            unsafe write(other, "other", 5)
            close(other)
            unsafe rename(path + ".other", path)
        case .truncation: unsafe truncate(path, 10)
        case .overwriting:
            let file = open(path, O_WRONLY)
            unsafe write(file, "XXXXXXXX", 8)
            close(file)
        }
    }
}

extension Pipeline {
    /// All that identifies it.
    var hashes: [String] { [model.hash, captioner?.blip.hash ?? "", filter?.clip.hash ?? ""] }

    /// The bits of what each of the networks makes of a picture.
    func bits() throws -> [[UInt32]] {
        let segmenter = try Segmenter(self, workspace: Workspace(limits: .standard))
        let scores = try segmenter.ask(RequestBuilder("dog", "grass")).bits
        let picture = Fixture.noise(30, 30)
        let states = try captioner?.states(of: picture).bits ?? []
        let embedding = try filter?.bits(of: picture) ?? []
        return scores.sorted { $0.key < $1.key }.map(\.value) + [states, embedding]
    }
}

import Glibc
import Texts

/// What a model is read from: the owner's files, where they lie.
package struct ModelSource: Equatable, Sendable {
    /// A folder in the diffusers layout, or a single file (safetensors, LDM's names).
    package let path: String
    /// What holds the autoencoder instead: a single file, or a folder in the diffusers layout; `nil`: `path` itself.
    package let autoencoder: String?
    /// A folder in the diffusers layout whose configurations and tokenizer a single file is read by; `nil`: those
    /// published for its family, with sizes from the tensors' shapes.
    package let configuration: String?

    /// A repository's folder in the cache of Hugging Face stands for its snapshot.
    package init(path: String, autoencoder: String?, configuration: String?) {
        self.path = HubRepository.snapshot(at: path)
        self.autoencoder = autoencoder.map(HubRepository.snapshot)
        self.configuration = configuration.map(HubRepository.snapshot)
    }

    /// A model as it is, a folder or a single file.
    package init(_ path: String) {
        self.init(path: path, autoencoder: nil, configuration: nil)
    }

    /// Paths are compared by their bytes, as the kernel does.
    package static func == (a: ModelSource, b: ModelSource) -> Bool {
        func exact(_ source: ModelSource) -> [ExactString?] {
            [source.path, source.autoencoder, source.configuration].map { $0.map { ExactString($0) } }
        }
        return exact(a) == exact(b)
    }

    /// The model's name: that of the folder or file, or of the repository where the folder is a snapshot in the cache
    /// of Hugging Face.
    package var name: String {
        if let repository = HubRepository.containing(path) { return repository.shortName }
        let name = FilePath.lastComponent(path)
        return name.hasSuffix(".safetensors") ? String(name.dropLast(".safetensors".count)) : name
    }

    /// Whether `path` is a file; else it is a folder.
    static func isSingleFile(_ path: String) throws(CheckpointError) -> Bool {
        var state = stat()
        guard unsafe stat(path, &state) == 0 else {
            throw errno == ENOENT ? .nothing(path: path) : .system(path: path, call: "open", code: errno)
        }
        return state.st_mode & S_IFMT != S_IFDIR
    }
}

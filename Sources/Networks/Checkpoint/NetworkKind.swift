import Glibc

/// Which kind of model a folder in transformers' layout must hold, and how others are known.
package struct NetworkKind: Sendable {
    /// The network's name: errors prefix it to tensors' names.
    let component: String
    /// `model_type` of its `config.json`.
    let type: String
    /// The one of `architectures`.
    let architecture: String
    /// For messages: what to name instead.
    let expected: String
    /// What other kinds are called, by a prefix of their tensors' names.
    let others: [(prefix: String, kind: String)]
    /// Files that say how it reads words and pictures, and what it makes of them.
    let companions: [String]

    /// What a folder without a `config.json` is, by how the name of a file in it begins.
    private static let layouts = [
        (file: "open_clip", found: "a folder in open_clip's layout, which is not read"),
        (file: "model_index.json", found: "a model in the diffusers layout"),
        (file: "snapshots", found: "a folder of a Hugging Face cache, whose models lie in its folder snapshots"),
    ]

    private static let tokenizerFiles = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    ]

    /// A BLIP that writes captions.
    package static let captioner = NetworkKind(
        component: "captioner", type: "blip", architecture: "BlipForConditionalGeneration",
        expected: """
            the folder of a BLIP that writes captions, in transformers' layout, such as that of \
            Salesforce/blip-image-captioning-large
            """,
        others: [
            ("text_encoder.", "a BLIP for questions or retrieval"), ("qformer.", "a BLIP-2"),
            ("visual_encoder.", "a BLIP in its authors' layout"), ("text_model.", "a BLIP without a decoder"),
        ],
        companions: [PictureConfiguration.file, GenerationConfiguration.file, "vocab.txt"] + tokenizerFiles)

    /// A CLIP.
    package static let filter = NetworkKind(
        component: "filter", type: "clip", architecture: "CLIPModel",
        expected: """
            the folder of a CLIP, in transformers' layout, such as that of openai/clip-vit-base-patch16
            """,
        others: [("visual.", "a CLIP in open_clip's layout"), ("vision_model.head.", "a SigLIP")],
        companions: [PictureConfiguration.file, PatchConfiguration.file, "vocab.json", "merges.txt"] + tokenizerFiles)

    /// Throws unless the folder's configuration says that it holds this kind, or nothing of it.
    func check(_ folder: ModelFolder) throws(CheckpointError) {
        let present: Set<String>
        let directory = folder.path
        do {
            present = try CheckpointFiles.names(in: directory)
        } catch .system(_, _, ENOTDIR) {
            throw .otherKind(path: directory, found: "a file", expected: expected)
        } catch .system(_, _, ENOENT) {
            throw .otherKind(path: directory, found: "missing", expected: expected)
        }
        guard present.contains("config.json") else {
            let layout = Self.layouts.first { layout in present.contains { $0.hasPrefix(layout.file) } }
            throw .otherKind(
                path: directory, found: layout?.found ?? "a folder without a config.json", expected: expected)
        }
        let file = try ConfigurationFile(folder.file("config.json"))
        let found = try file.string("model_type", absent: type)
        guard found == type else {
            throw .otherKind(path: file.path, found: "that of a model of type \"\(found)\"", expected: expected)
        }
        if case .list(let architectures) = file.value("architectures"), !architectures.isEmpty,
            !architectures.contains(.string(architecture))
        {
            let names = architectures.map(\.text).joined(separator: ", ")
            throw .otherKind(path: file.path, found: "that of \(names)", expected: expected)
        }
    }

    /// Throws where the tensors' names are those of another kind.
    func check(_ checkpoint: Checkpoint, in directory: String) throws(CheckpointError) {
        for (prefix, kind) in others where checkpoint.hasNames(under: prefix) {
            throw .otherKind(
                path: directory, found: "\(kind), by its tensors \"\(prefix)...\"", expected: expected)
        }
    }
}

import Kernels
import Networks
import Support
import Testing

/// A network's folder, how it is loaded, and what a refusal says that another should be named.
struct WordsNetwork: Sendable, CustomTestStringConvertible {
    let folder: String
    let wanted: String
    let load: @Sendable (String) throws(CheckpointError) -> Identity

    /// What is told of a network that is loaded.
    struct Identity {
        let hash, name: String
        let bytes: Int

        init(_ network: Pretrained<some PretrainedNetwork>) {
            (hash, name, bytes) = (network.hash, network.name, network.weightBytes)
        }
    }

    var testDescription: String { folder }

    private static func captioner(_ folder: String) -> WordsNetwork {
        WordsNetwork(
            folder: folder,
            wanted: "; name the folder of a BLIP that writes captions, in transformers' layout, such as that of "
                + "Salesforce/blip-image-captioning-large"
        ) { (directory) throws(CheckpointError) in
            startThreads()
            return Identity(try Pretrained<BLIP>(directory, precision: .f32, cache: nil) { true })
        }
    }

    static let untied = captioner("words/blip-untied")
    static let tied = captioner("words/blip-tied")
    static let clip = WordsNetwork(
        folder: "words/clip",
        wanted: "; name the folder of a CLIP, in transformers' layout, such as that of openai/clip-vit-base-patch16"
    ) { (directory) throws(CheckpointError) in
        startThreads()
        return Identity(try Pretrained<CLIP>(directory, precision: .f32, cache: nil) { true })
    }
    static let all = [untied, tied, clip]

    func copy() throws -> FolderCopy { try FolderCopy(of: folder) }

    /// What a folder is refused with; `DIR` stands for its path.
    func refusal(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) -> String {
        let error = #expect(throws: CheckpointError.self, sourceLocation: sourceLocation) { _ = try load(path) }
        return "\(error, default: "")".replacing(path, with: "DIR")
    }

    /// What a copy is refused with once it is spoiled.
    func refusal(_ spoil: (FolderCopy) throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) throws
        -> String
    {
        let copy = try copy()
        try spoil(copy)
        return withExtendedLifetime(copy) { refusal(copy.path, sourceLocation: sourceLocation) }
    }

    /// What a copy is refused with whose tensors are changed.
    func refusal(
        ofTensors change: (inout [StoredTensor]) throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        try refusal({ try $0.rewrite(change) }, sourceLocation: sourceLocation)
    }
}

extension FolderCopy {
    /// Changes the tensors.
    func rewrite(_ change: (inout [StoredTensor]) throws -> Void) throws {
        var tensors = try StoredTensor.all(of: "\(path)/model.safetensors")
        try change(&tensors)
        try write("model.safetensors", safetensors(tensors))
    }
}

@Suite struct `the folder of a network` {
    @Test(arguments: WordsNetwork.all) func `is read, wherever it lies and however it is named`(
        network: WordsNetwork
    ) throws {
        let copy = try network.copy()
        let (here, there) = (try network.load("\(oracleFolder)/\(network.folder)"), try network.load(copy.path + "//"))
        #expect(here.name == network.folder.split(separator: "/").last ?? "" && there.name == "copy")
        #expect(here.bytes > 0 && here.bytes == there.bytes)
        #expect(here.hash == there.hash && here.hash.count == 64)
    }

    @Test(arguments: WordsNetwork.all) func `that is none is refused, and another one is asked for`(
        network: WordsNetwork
    ) throws {
        #expect(network.refusal("/no/folder") == "DIR is missing\(network.wanted)")
        let file = "\(oracleFolder)/\(network.folder)/model.safetensors"
        #expect(network.refusal(file) == "DIR is a file\(network.wanted)")
        #expect(
            try network.refusal { try $0.remove("config.json") }
                == "DIR is a folder without a config.json\(network.wanted)"
        )
        let isOpen = "DIR is a folder in open_clip's layout, which is not read\(network.wanted)"
        for name in ["open_clip_config.json", "open_clip_pytorch_model.bin", "open_clip_model.safetensors"] {
            let sentence = try network.refusal {
                try $0.remove("config.json")
                try $0.write(name, "{}")
            }
            #expect(sentence == isOpen)
        }
        let model = "\(oracleFolder)/tiny/checkpoint"
        #expect(network.refusal(model) == "DIR is a model in the diffusers layout\(network.wanted)")
    }

    @Test(arguments: ["siglip", "blip-2", "clip", "blip", "clip_text_model", "clip_vision_model", "instructblip", ""])
    func `of another type is refused by the type`(type: String) throws {
        for network in WordsNetwork.all {
            let own = network.folder.contains("blip") ? "blip" : "clip"
            guard type != own else { continue }
            let sentence = try network.refusal {
                try $0.replace("config.json", "\"model_type\": \"\(own)\"", "\"model_type\": \"\(type)\"")
            }
            #expect(sentence == "DIR/config.json is that of a model of type \"\(type)\"\(network.wanted)")
        }
    }

    @Test func `of the other network is refused by its type`() {
        let found = "DIR/config.json is that of a model of type"
        let clip = WordsNetwork.clip.refusal("\(oracleFolder)/words/blip-tied")
        #expect(clip == "\(found) \"blip\"\(WordsNetwork.clip.wanted)")
        let blip = WordsNetwork.tied.refusal("\(oracleFolder)/words/clip")
        #expect(blip == "\(found) \"clip\"\(WordsNetwork.tied.wanted)")
    }

    @Test(arguments: [
        #""BlipForQuestionAnswering""#, #""BlipForImageTextRetrieval""#, #""BlipModel""#,
        #""BlipForQuestionAnswering", "BlipModel""#,
    ])
    func `of another architecture is refused by the architecture`(names: String) throws {
        for network in WordsNetwork.all {
            let own = network.folder.contains("blip") ? "BlipForConditionalGeneration" : "CLIPModel"
            let sentence = try network.refusal { try $0.replace("config.json", "\"\(own)\"", names) }
            #expect(sentence == "DIR/config.json is that of \(names)\(network.wanted)")
        }
    }

    @Test(arguments: [
        ("text_encoder.encoder.layer.0.output.dense.bias", "a BLIP for questions or retrieval", "text_encoder."),
        ("qformer.layernorm.bias", "a BLIP-2", "qformer."),
        ("visual_encoder.cls_token", "a BLIP in its authors' layout", "visual_encoder."),
        ("text_model.embeddings.word_embeddings.weight", "a BLIP without a decoder", "text_model."),
    ])
    func `of another BLIP is refused by its tensors`(tensor: String, kind: String, prefix: String) throws {
        let sentence = try WordsNetwork.tied.refusal {
            try $0.replace("config.json", "\"BlipForConditionalGeneration\"", "\"BlipForConditionalGeneration\", \"A\"")
            try $0.rewrite { $0.append(StoredTensor(tensor, shape: [1], [1])) }
        }
        #expect(sentence == "DIR is \(kind), by its tensors \"\(prefix)...\"\(WordsNetwork.tied.wanted)")
    }

    @Test(arguments: [
        ("visual.conv1.weight", "a CLIP in open_clip's layout", "visual."),
        ("vision_model.head.probe", "a SigLIP", "vision_model.head."),
    ])
    func `of what is not quite a CLIP is refused by its tensors`(tensor: String, kind: String, prefix: String) throws {
        let sentence = try WordsNetwork.clip.refusal {
            try $0.replace("config.json", "\"model_type\": \"clip\",\n \"architectures\"", "\"other\"")
            try $0.rewrite { $0.append(StoredTensor(tensor, shape: [1], [1])) }
        }
        #expect(sentence == "DIR is \(kind), by its tensors \"\(prefix)...\"\(WordsNetwork.clip.wanted)")
    }

    @Test(arguments: WordsNetwork.all) func `without weights that are read says which to fetch, or how to convert`(
        network: WordsNetwork
    ) throws {
        let none = try network.refusal { try $0.remove("model.safetensors") }
        #expect(none == "DIR has neither model.safetensors, nor model.fp16.safetensors, nor shards; fetch one of them")
        for (name, read) in [
            ("pytorch_model.bin", "model"), ("pytorch_model.fp16.bin", "model.fp16"), ("model.pt", "model"),
        ] {
            let pickle = try network.refusal {
                try $0.rename("model.safetensors", to: name)
                for other in ["optimizer.pt", "tf_model.h5"] { try $0.write(other, "") }
            }
            #expect(pickle.hasPrefix("DIR/\(name) is a pickle, which can run code when read; convert it once with: "))
            #expect(pickle.hasSuffix(" 'DIR/\(name)' 'DIR/\(read).safetensors'"))
        }
    }
}

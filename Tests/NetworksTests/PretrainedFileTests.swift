import FoundationEssentials
import Networks
import Support
import Testing

@Suite struct `the weights of a network` {
    @Test(arguments: WordsNetwork.all) func `cut short anywhere are refused by their file`(network: WordsNetwork) throws
    {
        let whole = try network.copy().bytes("model.safetensors")
        let header = whole[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let data = whole.count - 8 - header
        let remedy = "; fetch the file again, whole"
        for count in [1, 7] {
            let sentence = try network.refusal { try $0.write("model.safetensors", Array(whole[..<count])) }
            #expect(sentence == "DIR/model.safetensors: \(count) bytes are too few for a safetensors file\(remedy)")
        }
        for count in [8, 9, 8 + header / 2, 7 + header] {
            let sentence = try network.refusal { try $0.write("model.safetensors", Array(whole[..<count])) }
            #expect(sentence == "DIR/model.safetensors: a header of \(header) bytes in a file of \(count)\(remedy)")
        }
        for left in [0, 1, data / 2, data - 1] {
            let sentence = try network.refusal {
                try $0.write("model.safetensors", Array(whole[..<(8 + header + left)]))
            }
            #expect(
                sentence
                    == "DIR/model.safetensors: tensors cover \(data) bytes of data, the file holds \(left)\(remedy)")
        }
        let longer = try network.refusal { try $0.write("model.safetensors", whole + [0]) }
        #expect(
            longer.hasPrefix("DIR/model.safetensors: tensors cover \(data) bytes of data, the file holds \(data + 1)"))
    }

    /// What git leaves where large files were not fetched.
    @Test func `that are only a pointer to them are refused by their file`() throws {
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:\(String(repeating: "0", count: 64))\n"
        for network in WordsNetwork.all {
            let sentence = try network.refusal { try $0.write("model.safetensors", pointer) }
            #expect(
                sentence
                    == """
                    DIR/model.safetensors is a Git LFS pointer, not the file; \
                    fetch what it points to: git lfs pull, in the folder that was cloned
                    """)
        }
    }

    @Test(arguments: WordsNetwork.all) func `whose header is no header are refused by the byte`(
        network: WordsNetwork
    ) throws {
        var whole = try network.copy().bytes("model.safetensors")
        whole[8] = UInt8(ascii: "[")
        let sentence = try network.refusal { try $0.write("model.safetensors", whole) }
        #expect(sentence.hasPrefix("DIR/model.safetensors: broken JSON at byte 0: expected "), "\(sentence)")
    }

    /// Every tensor is looked for, and none is looked for that need not be there.
    @Test(arguments: WordsNetwork.all) func `that lack a tensor are refused by its name, unless it says nothing`(
        network: WordsNetwork
    ) throws {
        let component = network.folder.contains("blip") ? "captioner" : "filter"
        let tensors = try StoredTensor.all(of: "\(oracleFolder)/\(network.folder)/model.safetensors")
        var spared: [String] = []
        for (place, tensor) in tensors.enumerated() {
            let copy = try network.copy()
            try copy.rewrite { $0.remove(at: place) }
            if tensor.name.hasSuffix("position_ids") || tensor.name.hasSuffix(".predictions.bias")
                || (network.folder.hasSuffix("-tied") && tensor.name.hasSuffix("decoder.bias"))
            {
                _ = try network.load(copy.path)
                spared.append(tensor.name)
                continue
            }
            let sentence = network.refusal(copy.path)
            // Without the first of two spellings the other one is asked for.
            let name = tensor.name.replacing(".gamma", with: ".weight")
                .replacing("predictions.decoder.bias", with: "predictions.bias")
            #expect(sentence == "DIR is not as its config.json says: missing \"\(component).\(name)\"\(network.wanted)")
        }
        #expect(spared.count == ["blip-untied": 1, "blip-tied": 2, "clip": 2][network.folder.split(separator: "/")[1]])
    }

    @Test(arguments: WordsNetwork.all) func `of another shape are refused by their name and both shapes`(
        network: WordsNetwork
    ) throws {
        for tensor in try StoredTensor.all(of: "\(oracleFolder)/\(network.folder)/model.safetensors") {
            guard tensor.type != "I64", !tensor.name.hasSuffix(".predictions.bias") else { continue }
            for shape in [[1] + tensor.shape, tensor.shape + [1]] {
                let sentence = try network.refusal(ofTensors: { tensors in
                    let place = try #require(tensors.firstIndex { $0.name == tensor.name })
                    tensors[place].shape = shape
                })
                let found = "DIR is not as its config.json says: shape \(shape), expected ["
                #expect(sentence.hasPrefix(found), "\(sentence)")
                #expect(sentence.contains("] at \"") && sentence.contains(".\(tensor.name)\"; name "), "\(sentence)")
            }
        }
    }

    @Test(arguments: WordsNetwork.all) func `that are more, or no numbers, are refused by their names`(
        network: WordsNetwork
    ) throws {
        let component = network.folder.contains("blip") ? "captioner" : "filter"
        let more = try network.refusal(ofTensors: { tensors in
            for number in 0..<7 { tensors.append(StoredTensor("lora.\(number)", shape: [1], [1])) }
        })
        let names = (0..<5).map { "\"\(component).lora.\($0)\"" }.joined(separator: ", ")
        #expect(more == "DIR is not as its config.json says: never read: \(names) and 2 more\(network.wanted)")
        let integers = try network.refusal(ofTensors: { tensors in
            let place = try #require(tensors.firstIndex { $0.name.hasSuffix("post_layernorm.bias") })
            tensors[place].type = "I32"
            tensors[place].bytes = [UInt8](repeating: 0, count: 4 * tensors[place].shape[0])
        })
        let name = "\(component).vision_model.post_layernorm.bias"
        #expect(
            integers == "DIR is not as its config.json says: element type I32, expected F32, F16 or BF16 at \"\(name)\""
                + network.wanted)
    }

    @Test func `that score words by their embeddings are refused where both configurations say that they do not`()
        throws
    {
        let name = "captioner.text_decoder.cls.predictions.decoder.weight"
        let untied = try WordsNetwork.tied.refusal {
            try $0.replace("config.json", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false")
        }
        #expect(untied == "DIR is not as its config.json says: missing \"\(name)\"\(WordsNetwork.tied.wanted)")
        for (old, new) in [
            ("\"tie_word_embeddings\": true,\n \"text_config\"", "\"tie_word_embeddings\": false,\n \"text_config\""),
            (
                "\"is_decoder\": true,\n  \"tie_word_embeddings\": true",
                "\"is_decoder\": true,\n  \"tie_word_embeddings\": false"
            ),
            ("\"is_decoder\": true,\n  \"tie_word_embeddings\": true", "\"is_decoder\": true"),
        ] {
            let copy = try WordsNetwork.tied.copy()
            try copy.replace("config.json", old, new)
            #expect(try WordsNetwork.tied.load(copy.path).bytes > 0)
        }
    }
}

@Suite struct `the hash of a network` {
    /// What a folder may have beside weights and `config.json`, and what it may say.
    private static let companions: [String: [(name: String, text: String)]] = [
        "words/blip-tied": [
            ("preprocessor_config.json", "{}"), ("generation_config.json", "{}"), ("vocab.txt", "a\n"),
            ("tokenizer.json", "{}"),
            ("tokenizer_config.json", "{}"), ("special_tokens_map.json", "{}"), ("added_tokens.json", "{}"),
        ],
        "words/clip": [
            ("preprocessor_config.json", "{}"), ("filter.json", "{}"), ("vocab.json", "{}"), ("merges.txt", "\n"),
            ("tokenizer.json", "{}"),
            ("tokenizer_config.json", "{}"), ("special_tokens_map.json", "{}"),
        ],
    ]

    @Test(arguments: [WordsNetwork.tied, .clip]) func `is another one where any file is that decides an answer`(
        network: WordsNetwork
    ) throws {
        let copy = try network.copy()
        var hashes = [try network.load(copy.path).hash]
        for (name, text) in try #require(Self.companions[network.folder]) {
            if FileManager.default.fileExists(atPath: "\(copy.path)/\(name)") {
                try copy.remove(name)
                hashes.append(try network.load(copy.path).hash)
            }
            for text in [text, text + " "] {
                try copy.write(name, text)
                hashes.append(try network.load(copy.path).hash)
            }
        }
        try copy.replace("config.json", "{", "{ ")
        hashes.append(try network.load(copy.path).hash)
        try copy.rewrite { $0[0].bytes[0] ^= 1 }
        hashes.append(try network.load(copy.path).hash)
        #expect(Set(hashes).count == hashes.count)
    }

    @Test(arguments: WordsNetwork.all) func `is the same with any other file beside, and of shards another`(
        network: WordsNetwork
    ) throws {
        let copy = try network.copy()
        let hash = try network.load(copy.path).hash
        for name in ["README.md", "training_args.bin", "tf_model.h5", "pytorch_model.bin", ".gitattributes"] {
            try copy.write(name, "anything")
        }
        #expect(try network.load(copy.path).hash == hash)
        let tensors = try StoredTensor.all(of: "\(copy.path)/model.safetensors")
        let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
        try copy.remove("model.safetensors")
        for (index, name) in shards.enumerated() {
            let part = tensors.indices.filter { $0 % 2 == index }.map { tensors[$0] }
            try copy.write(name, safetensors(part))
        }
        let map = tensors.indices.map { "\"\(tensors[$0].name)\": \"\(shards[$0 % 2])\"" }.joined(separator: ", ")
        try copy.write("model.safetensors.index.json", "{\"weight_map\": {\(map)}}")
        let sharded = try network.load(copy.path).hash
        #expect(sharded != hash && sharded.count == 64)
    }
}

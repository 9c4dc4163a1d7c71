import Networks
import Support
import Testing

/// What a network is refused with where `config.json` says `value`; of CLIP's vision tower, where both of the objects
/// say it that describe the tower.
private func refusal(
    _ network: WordsNetwork, _ key: String, _ value: String, sourceLocation: SourceLocation = #_sourceLocation
) throws -> String {
    try network.refusal(
        { copy in
            try copy.set(key, value)
            guard network.folder == WordsNetwork.clip.folder, key.hasPrefix("vision_config.") else { return }
            try copy.set(key.replacing("config.", with: "config_dict."), value)
        }, sourceLocation: sourceLocation)
}

extension FolderCopy {
    /// Gives `key`, such as `text_config.hidden_size`, which `config.json` has in a line of its own, another value.
    fileprivate func set(_ key: String, _ value: String) throws {
        let parts = key.split(separator: ".").map(String.init)
        let text = String(decoding: try bytes("config.json"), as: UTF8.self)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let indent = String(repeating: " ", count: parts.count)
        var start = 0
        if parts.count == 2 { start = try place(of: "\(indent.dropLast())\"\(parts[0])\":", in: lines, from: 0) }
        let line = try place(of: "\(indent)\"\(parts[parts.count - 1])\":", in: lines, from: start)
        let comma = lines[line].hasSuffix(",") ? "," : ""
        lines[line] = "\(indent)\"\(parts[parts.count - 1])\": \(value)\(comma)"
        try write("config.json", lines.joined(separator: "\n"))
    }

    private func place(of prefix: String, in lines: [String], from start: Int) throws -> Int {
        try #require(lines.indices.first { $0 >= start && lines[$0].hasPrefix(prefix) }, "\(prefix)")
    }
}

@Suite struct `the configuration of a network of words` {
    @Test(arguments: [
        ("hidden_size", "0"), ("hidden_size", "65537"), ("hidden_size", "40.5"), ("hidden_size", "\"40\""),
        ("hidden_size", "null"), ("intermediate_size", "-72"), ("intermediate_size", "1e300"),
        ("num_hidden_layers", "0"), ("num_hidden_layers", "1025"), ("num_attention_heads", "0"),
        ("num_attention_heads", "7"), ("num_attention_heads", "[5]"), ("vocab_size", "0"),
        ("vocab_size", "16777217"), ("max_position_embeddings", "1"), ("max_position_embeddings", "65537"),
        ("layer_norm_eps", "0"), ("layer_norm_eps", "1"), ("layer_norm_eps", "\"1e-12\""),
        ("hidden_act", "\"swish2\""), ("hidden_act", "null"), ("bos_token_id", "-1"), ("bos_token_id", "134"),
        ("sep_token_id", "134"), ("sep_token_id", "102.5"), ("tie_word_embeddings", "1"),
        ("model_type", "\"bert\""),
    ])
    func `of a captioner's text that cannot be is refused by its key`(key: String, value: String) throws {
        let sentence = try refusal(.untied, "text_config.\(key)", value)
        #expect(sentence.hasPrefix("DIR/config.json: text_config.\(key) is \(quoted(value)), expected "), "\(sentence)")
    }

    @Test(arguments: [
        ("hidden_size", "0"), ("intermediate_size", "0"), ("num_hidden_layers", "1e9"), ("num_attention_heads", "8"),
        ("image_size", "0"), ("image_size", "8193"), ("image_size", "[40, 40]"), ("patch_size", "0"),
        ("patch_size", "41"), ("patch_size", "1025"), ("hidden_act", "\"relu6\""), ("layer_norm_eps", "-1e-5"),
    ])
    func `of a vision tower that cannot be is refused by its key`(key: String, value: String) throws {
        for network in [WordsNetwork.untied, .clip] {
            let sentence = try refusal(network, "vision_config.\(key)", value)
            #expect(
                sentence.hasPrefix("DIR/config.json: vision_config.\(key) is \(quoted(value)), expected "),
                "\(sentence)")
        }
    }

    @Test(arguments: [
        ("text_config.hidden_size", "0"), ("text_config.num_attention_heads", "5"), ("text_config.vocab_size", "-1"),
        ("text_config.max_position_embeddings", "2"), ("text_config.hidden_act", "7"),
        ("text_config.layer_norm_eps", "true"), ("text_config.eos_token_id", "-1"),
        ("text_config.eos_token_id", "\"</s>\""), ("text_config.model_type", "\"siglip_text_model\""),
        ("projection_dim", "0"), ("projection_dim", "null"), ("projection_dim", "65537"),
    ])
    func `of a filter that cannot be is refused by its key`(key: String, value: String) throws {
        let sentence = try refusal(.clip, key, value)
        #expect(sentence.hasPrefix("DIR/config.json: \(key) is \(quoted(value)), expected "), "\(sentence)")
    }

    @Test func `of towers that are no objects, or of another kind, is refused`() throws {
        for network in [WordsNetwork.untied, .clip] {
            for key in ["text_config", "vision_config"] {
                let sentence = try network.refusal {
                    try $0.replace("config.json", "\"\(key)\": {", "\"\(key)\": 3, \"b\": {")
                }
                #expect(sentence == "DIR/config.json: \(key) is 3, expected an object")
            }
        }
        let vision = try WordsNetwork.tied.refusal {
            try $0.replace("config.json", "blip_vision_model", "blip_2_vision_model")
        }
        #expect(
            vision == "DIR/config.json: vision_config.model_type is \"blip_2_vision_model\", "
                + "expected \"blip_vision_model\"")
        let channels = try WordsNetwork.clip.refusal {
            try $0.replace("config.json", "\"image_size\": 40", "\"image_size\": 40, \"num_channels\": 4")
        }
        #expect(channels == "DIR/config.json: vision_config.num_channels is 4, expected 3")
    }

    @Test(arguments: [
        ("{", 1), ("{\"model_type\": \"blip\"", 21), ("\u{feff}nothing", 0), ("{} {}", 3), ("[]", nil), ("3", nil),
        ("\"blip\"", nil),
    ])
    func `that is no JSON object is refused by its file, and where it breaks`(text: String, place: Int?) throws {
        for network in WordsNetwork.all {
            let sentence = try network.refusal { try $0.write("config.json", text) }
            let reason = place.map { "broken JSON at byte \($0): expected " } ?? "it is another value; "
            #expect(sentence.hasPrefix("DIR/config.json is not a JSON object: \(reason)"), "\(sentence)")
        }
    }

    /// Legal by itself, but not what the tensors are.
    @Test(arguments: [
        "text_config.hidden_size": "60", "text_config.intermediate_size": "73", "text_config.num_hidden_layers": "3",
        "text_config.vocab_size": "135", "text_config.max_position_embeddings": "38", "vision_config.hidden_size": "42",
        "vision_config.intermediate_size": "61", "vision_config.num_hidden_layers": "4",
        "vision_config.image_size": "48", "vision_config.patch_size": "4",
    ])
    func `that is not that of the tensors is refused by a tensor's name`(key: String, value: String) throws {
        for network in [WordsNetwork.untied, .clip] {
            let sentence = try refusal(network, key, value)
            #expect(sentence.hasPrefix("DIR is not as its config.json says: "), "\(sentence)")
            #expect(sentence.contains(key.hasPrefix("text") ? ".text_" : ".vision_"), "\(sentence)")
            #expect(sentence.hasSuffix(network.wanted), "\(sentence)")
        }
        let fewer = try refusal(.clip, "vision_config.num_hidden_layers", "2")
        #expect(fewer.contains("never read: \"filter.vision_model.encoder.layers.2."), "\(fewer)")
        let projection = try refusal(.clip, "projection_dim", "21")
        #expect(projection.contains("expected [21, 24] at \"filter.text_projection.weight\""), "\(projection)")
    }

    @Test func `of sizes that fit no address space is refused by the tensor that has others`() throws {
        let copy = try WordsNetwork.tied.copy()
        for (key, value) in [
            ("vocab_size", "16777216"), ("hidden_size", "65536"), ("num_attention_heads", "65536"),
        ] { try copy.set("text_config.\(key)", value) }
        let sentence = WordsNetwork.tied.refusal(copy.path)
        #expect(sentence.contains("expected [16777216, 65536] at \"captioner.text_decoder."), "\(sentence)")
    }

    /// A value as a refusal quotes it.
    private func quoted(_ value: String) -> String {
        ["-1e-5": "-1e-05", "1e9": "1000000000", "1e300": "1e+300"][value] ?? value
    }
}

import RPC
import Support
import Testing

/// Networks that read and choose words, beside the model.
@Suite struct BesideTests {
    private static let words = "\(Repository.fixtures)/words"
    private static let beside = ["--captioner", "\(words)/blip-tied", "--filter", "\(words)/clip"]

    @Test(arguments: ["f32", "int16"]) func `both load, and status tells what each is and takes`(
        precision: String
    ) throws {
        let daemon = try Daemon(answering: Self.beside + ["--precision", precision])
        let models = try daemon.client().status().models
        #expect(models.map(\.role) == ["segmenter", "captioner", "filter"])
        #expect(models.map(\.name) == ["demo", "blip-tied", "clip"])
        #expect(models.allSatisfy { $0.precision == precision && $0.hash.count == 64 })
        #expect(Set(models.map(\.hash)).count == 3)
        // Half as much as in F32 and more are the files, which are in BF16 and F32.
        let files = try [
            bytes("\(Self.words)/blip-tied/model.safetensors"), bytes("\(Self.words)/clip/model.safetensors"),
        ]
        for (model, file) in zip(models.dropFirst(), files) {
            #expect(Int(model.bytes) > file.count / 2 && Int(model.bytes) < 6 * file.count, "\(model.name)")
        }
        let ending = try daemon.dseg(["status"])
        #expect(ending.code == 0)
        let lines = ending.text.split(separator: "\n").dropFirst().prefix(3)
        for (line, (name, model)) in zip(
            lines, zip(["model     demo", "captioner blip-tied", "filter    clip"], models))
        {
            #expect(
                line.hasPrefix("\(name), ") && line.hasSuffix(" MiB, \(precision), \(model.hash.prefix(12))"), "\(line)"
            )
        }
    }

    /// Only the demo model brings both with it.
    @Test func `either loads alone beside a model that is named`() throws {
        for (options, roles) in [
            (Self.beside.prefix(2), ["segmenter", "captioner"]), (Self.beside.suffix(2), ["segmenter", "filter"]),
        ] {
            let daemon = try Daemon(answering: ["--model", Repository.demoModel] + options)
            #expect(try daemon.client().status().models.map(\.role) == roles)
            let ending = try daemon.dseg(["status"])
            let lines = ending.text.split(separator: "\n").prefix { !$0.hasPrefix("USER ") }
            #expect(ending.code == 0 && lines.count == 6, "\(ending.text)")
        }
    }

    /// The kinds of refusals are NetworksTests' and SegmentationTests': here is what the daemon makes of one.
    @Test func `one that cannot be loaded ends the daemon with one sentence`() throws {
        let (blip, clip, model) = (
            "\(Self.words)/blip-tied", "\(Self.words)/clip", "\(Repository.fixtures)/tiny/checkpoint"
        )
        let captioner =
            "; name the folder of a BLIP that writes captions, in transformers' layout, such as that of "
            + "Salesforce/blip-image-captioning-large"
        let filter =
            "; name the folder of a CLIP, in transformers' layout, such as that of openai/clip-vit-base-patch16"
        for (options, sentence) in [
            (["--captioner", "/no/folder"], "/no/folder is missing\(captioner)"),
            (["--captioner", clip], "\(clip)/config.json is that of a model of type \"clip\"\(captioner)"),
            (["--filter", blip], "\(blip)/config.json is that of a model of type \"blip\"\(filter)"),
            (["--captioner", blip, "--filter", model], "\(model) is a model in the diffusers layout\(filter)"),
        ] {
            let daemon = try Daemon(starting: options)
            #expect(daemon.child.exitCode == 78)
            #expect(daemon.log == "dsegd: error: \(sentence)\n")
        }
        let spoiled = try FolderCopy(of: "words/blip-tied")
        try spoiled.remove("preprocessor_config.json")
        let daemon = try Daemon(starting: ["--captioner", spoiled.path])
        #expect(daemon.child.exitCode == 78)
        #expect(daemon.log.hasPrefix("dsegd: error: \(spoiled.path) has no preprocessor_config.json, which says "))
        #expect(daemon.log.split(separator: "\n").count == 1)
    }

    @Test func `an option without a folder is a usage error`() throws {
        for option in ["--captioner", "--filter"] {
            for command in [["serve"], ["mask", Repository.picture, "boat", "-o", "-"]] {
                let ending = try run([Repository.dsegd] + command + [option])
                #expect(ending.code == 64 && ending.errors.contains(option), "\(ending.errors)")
            }
        }
    }

    @Test(arguments: ["f32", "int16"]) func `masks are the same with them as without, byte by byte`(
        precision: String
    ) throws {
        func mask(_ options: [String]) throws -> Program.Ending {
            try run(
                [Repository.dsegd, "mask", Repository.picture, "boat,sheep", "-o", "-", "--precision", precision]
                    + options)
        }
        let alone = try mask([])
        #expect(alone.code == 0 && alone.output.count > 100, "\(alone.errors)")
        for options in [Self.beside, Array(Self.beside.prefix(2)), Array(Self.beside.suffix(2))] {
            let beside = try mask(options)
            #expect(beside.code == 0)
            #expect(beside.output == alone.output)
            #expect(beside.errors == alone.errors)
        }
        let daemon = try Daemon(answering: Self.beside + ["--precision", precision])
        let served = try daemon.dseg(["mask", Repository.picture, "boat,sheep", "-o", "-"])
        #expect(served.code == 0 && served.output == alone.output)
        let bad = try mask(["--captioner", "\(Self.words)/clip"])
        #expect(bad.code == 65 && bad.output.isEmpty)
        #expect(bad.errors.contains("the model cannot be loaded: \(Self.words)/clip/config.json is that of a model"))
        #expect(bad.errors.split(separator: "\n").count == 1, "\(bad.errors)")
    }
}

import FoundationEssentials
import Glibc
import Models
import Support
import Testing

private let commit = String(repeating: "4", count: 40)

private func find(_ roots: String...) -> [Finding] {
    Discovery.findings(under: roots, avoiding: ForeignHomes(own: nil, account: nil))
}

@Suite struct `what lies in folders` {
    @Test func `every layout is found by the name that people know, with what its files tell`() throws {
        let shelf = try Shelf()
        try shelf.writePipeline("diffusers/dreams", variant: ".fp16")
        try shelf.write(
            "diffusers/dreams/README.md", "---\nlicense: creativeml-openrail-m\ntags:\n- a\n---\nlicense: no\n")
        try shelf.write("diffusers/dreams/whole.safetensors", safetensors(Stored.whole(channels: 4, autoencoder: true)))
        try shelf.write("blip/config.json", "{}")
        try shelf.write("blip/model.safetensors", safetensors(Stored.blip))
        try shelf.write("clip/config.json", "{}")
        try shelf.write("clip/model.safetensors", safetensors(Stored.clip))
        try shelf.write("vae/config.json", "{}")
        try shelf.write("vae/diffusion_pytorch_model.safetensors", safetensors(Stored.autoencoder))
        let found = find(shelf.path)
        #expect(found.map(\.name) == ["blip", "clip", "dreams", "whole.safetensors", "vae"])
        #expect(found.map(\.kind) == ["blip", "clip", "sd1", "sd1", "vae"])
        #expect(found.map(\.precision) == ["fp32", "fp32", "fp16", "fp16", "fp32"])
        #expect(found.map(\.layout) == [.transformers, .transformers, .diffusers, .oneFile, .diffusers])
        #expect(found.map(\.licence) == [nil, nil, "creativeml-openrail-m", nil, nil])
        #expect(found.allSatisfy { $0.isUsable && $0.commit == nil && $0.path.hasPrefix(shelf.path) })
        #expect(found[0].bytes == safetensors(Stored.blip).count + 2)
    }

    @Test func `a snapshot of a cache is found under its repository's name, whatever of the cache is named`() throws {
        let shelf = try Shelf()
        try shelf.writePipeline("made")
        let names = try FileManager.default.subpathsOfDirectory(atPath: "\(shelf.path)/made")
        var files: [String: [UInt8]] = [:]
        for name in names where !name.hasSuffix("/") {
            files[name] = try? Repository.bytes("\(shelf.path)/made/\(name)")
        }
        files["whole.safetensors"] = safetensors(Stored.whole(channels: 4, autoencoder: true))
        try shelf.writeRepository("hub/models--org--dreams", commit: commit, isMain: true, files)
        let repository = "\(shelf.path)/hub/models--org--dreams"
        for root in ["\(shelf.path)/hub", repository, "\(repository)/snapshots/\(commit)"] {
            let found = find(root)
            #expect(found.map(\.name) == ["dreams", "whole.safetensors"])
            #expect(found.map(\.kind) == ["sd1", "sd1"])
            #expect(found.allSatisfy { $0.commit == commit && $0.isUsable })
            #expect(found[0].path == "\(repository)/snapshots/\(commit)")
        }
        #expect(find("\(repository)/snapshots/\(commit)/whole.safetensors").map(\.name) == ["whole.safetensors"])
    }

    @Test func `the same file under two names is found once, and loops of links end`() throws {
        let shelf = try Shelf()
        try shelf.write("a/one.safetensors", safetensors(Stored.whole(channels: 4, autoencoder: true)))
        try shelf.link("a/two.safetensors", to: "one.safetensors")
        try shelf.link("a/loop", to: "..")
        try shelf.link("b", to: "a")
        try shelf.link("self.safetensors", to: "self.safetensors")
        try shelf.link("no/end", to: "end")
        let found = find(shelf.path, shelf.path, "\(shelf.path)/b")
        #expect(found.map(\.name) == ["one.safetensors", "self.safetensors"])
        #expect(found.map(\.isUsable) == [true, false])
    }

    @Test func `a blob's name has no ending, and what it holds is looked at`() throws {
        let shelf = try Shelf()
        try shelf.write("copy", safetensors(Stored.whole(channels: 4, autoencoder: true)))
        try shelf.write("LICENSE", "Permission is hereby granted")
        try shelf.write("short", [1])
        #expect(find(shelf.path).map(\.name) == ["copy"])
        #expect(find("\(shelf.path)/copy").map(\.kind) == ["sd1"])
    }

    @Test func `the licence in a file's own metadata is told, and numbers of two sizes are mixed`() throws {
        let shelf = try Shelf()
        let json = #"""
            {"__metadata__":{"modelspec.license":"openrail++"},
             "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
              "b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]}}
            """#
        try shelf.write("a.safetensors", safetensors(header: json, data: [UInt8](repeating: 0, count: 12)))
        let found = try #require(find(shelf.path).first)
        #expect((found.licence, found.precision, found.kind) == ("openrail++", "mixed", "other"))
    }

    @Test func `ten thousand entries of a cache are all found`() throws {
        let shelf = try Shelf()
        let file = safetensors(Stored.whole(channels: 4, autoencoder: true))
        for index in 0..<10_000 {
            let snapshot = "\(shelf.path)/hub/models--org--m\(index)/snapshots/\(commit)"
            try FileManager.default.createDirectory(atPath: snapshot, withIntermediateDirectories: true)
            try Data(file).write(to: URL(filePath: "\(snapshot)/m\(index).safetensors"))
        }
        let found = find("\(shelf.path)/hub")
        #expect(found.count == 10_000 && found.allSatisfy { $0.kind == "sd1" && $0.isUsable })
        #expect(Set(found.map(\.name)) == Set((0..<10_000).map { "m\($0).safetensors" }))
    }

    @Test func `files of one header are told apart by nothing but it`() throws {
        let shelf = try Shelf()
        for name in ["a", "b", "c"] {
            try shelf.write("\(name).safetensors", safetensors(Stored.whole(channels: 4, autoencoder: true)))
        }
        let whole = safetensors(Stored.whole(channels: 4, autoencoder: true))
        try shelf.write("cut.safetensors", Array(whole.dropLast()))
        try shelf.write("nine.safetensors", safetensors(Stored.whole(channels: 9, autoencoder: true)))
        #expect(find(shelf.path).map(\.kind) == ["sd1", "sd1", "sd1", "", "sd inpainting"])
    }

    @Test func `the places of programs are known, and ComfyUI's list of more`() throws {
        let shelf = try Shelf()
        let home = "\(shelf.path)/me"
        for folder in [
            "me/ComfyUI/models", "me/.cache/huggingface/hub", "me/models", "cache/huggingface/hub", "hf/hub",
        ] {
            try shelf.makeFolder(folder)
        }
        for folder in ["me/extra/checkpoints", "me/extra/vae", "me/other", "me/listed", "her/models", "far/a b"] {
            try shelf.makeFolder(folder)
        }
        try shelf.write(
            "me/ComfyUI/extra_model_paths.yaml",
            """
            # a comment
            comfyui:
                base_path: ~/extra/
                is_default: true
                checkpoints: checkpoints/   # where they are
                vae: |
                    vae
                    \(home)/other
                unknown: gone
            second:
                checkpoints: "\(home)/far"
                loras:
                    - ../listed
                    - '\(shelf.path)/her/models'
            """)
        var variables = ["HOME": home]
        func roots() -> [String] {
            DiscoveryRoots.standard({ variables[$0] }, avoiding: ForeignHomes(own: home, account: home))
                .map { String($0.dropFirst(shelf.path.count + 1)) }
        }
        let extra = ["me/extra/checkpoints", "me/extra/vae", "me/other", "me/ComfyUI/../listed"]
        let rest = ["me/ComfyUI/models", "me/models"] + extra
        #expect(roots() == ["me/.cache/huggingface/hub"] + rest)
        variables["XDG_CACHE_HOME"] = "\(shelf.path)/cache"
        #expect(roots() == ["cache/huggingface/hub"] + rest)
        variables["HF_HOME"] = "\(shelf.path)/hf"
        #expect(roots() == ["hf/hub"] + rest)
        variables["HF_HUB_CACHE"] = "\(shelf.path)/far"
        #expect(roots() == ["far"] + rest)
        #expect(DiscoveryRoots.standard({ _ in nil }, avoiding: ForeignHomes(own: nil, account: nil)) == [])
    }

    @Test func `no link leads into the home of another user`() throws {
        let shelf = try Shelf()
        try shelf.write("homes/her/a.safetensors", safetensors(Stored.clip))
        try shelf.write("disk/b.safetensors", safetensors(Stored.whole(channels: 4, autoencoder: true)))
        try shelf.link("homes/me/models/hers", to: "../../her")
        try shelf.link("homes/me/models/disk", to: "\(shelf.path)/disk")
        func found(_ account: String) -> [String] {
            let homes = ForeignHomes(own: "\(shelf.path)/homes/me", account: account)
            return Discovery.findings(under: ["\(shelf.path)/homes/me/models"], avoiding: homes).map(\.name)
        }
        #expect(found("\(shelf.path)/homes/me") == ["b.safetensors"])
        // $HOME may lie anywhere, among folders that are nobody's home.
        #expect(found("\(shelf.path)/elsewhere/me") == ["b.safetensors", "a.safetensors"])
    }
}

@Suite struct `what cannot be used` {
    @Test func `what is not what it seems is named for what it is`() throws {
        let shelf = try Shelf()
        let whole = safetensors(Stored.whole(channels: 4, autoencoder: true))
        let cases: [(name: String, bytes: [UInt8], words: String)] = [
            (
                "a.safetensors", Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".utf8),
                "Git LFS"
            ),
            ("b.safetensors", Array("<!DOCTYPE html>\n<html>".utf8), "a web page"),
            ("c.safetensors", Array(whole.dropLast()), "fetch the file again"),
            ("d.safetensors", [], "empty"),
            ("e.ckpt", [0x50, 0x4b, 3, 4] + Array("archive/data.pkl".utf8), "pickle"),
            ("f.bin", [0x80, 2], "pickle"),
            ("g.gguf", Array("GGUF".utf8) + [3, 0, 0, 0], "GGUF"),
            ("h.pt", Array("<html>".utf8), "a web page"),
            ("i.safetensors", safetensors(Stored.whole(channels: 9, autoencoder: true)), "9 channels"),
            ("j.safetensors", safetensors(Stored.whole(channels: 4, autoencoder: false)), "--vae"),
            ("k.safetensors", safetensors(Stored.blip), "config.json"),
            ("l.safetensors", safetensors([Stored.half("lora_unet_a.lora_down.weight", [1])]), "LoRA"),
        ]
        for file in cases { try shelf.write(file.name, file.bytes) }
        let found = find(shelf.path)
        #expect(found.map(\.name) == cases.map(\.name))
        for (finding, expected) in zip(found, cases) {
            #expect(finding.refusal?.contains(expected.words) == true, "\(finding)")
            #expect(finding.bytes == expected.bytes.count)
        }
    }

    @Test func `pipes, devices, folders called like files and odd names do no harm`() throws {
        let shelf = try Shelf()
        try shelf.makeFolder("folder.safetensors/inner.ckpt")
        let made = unsafe mkfifo("\(shelf.path)/pipe.safetensors", 0o600)
        #expect(made == 0)
        let unnamed = unsafe mkfifo("\(shelf.path)/pipe", 0o600)
        #expect(unnamed == 0)
        try shelf.link("device.safetensors", to: "/dev/zero")
        try shelf.link("null", to: "/dev/null")
        try shelf.write("two\nlines \u{1b}[2J.ckpt", "x")
        let found = find(shelf.path)
        #expect(found.map(\.name) == ["device.safetensors", "pipe.safetensors", "two\nlines \u{1b}[2J.ckpt"])
        #expect(found.allSatisfy { !$0.isUsable })
        #expect(find("\(shelf.path)/pipe.safetensors").map(\.isUsable) == [false])
        #expect(find("\(shelf.path)/gone").map(\.refusal) == ["No such file or directory"])
    }

    @Test func `a folder that cannot be read is told, and the search goes on`() throws {
        let shelf = try Shelf()
        try shelf.write("closed/a.safetensors", safetensors(Stored.clip))
        try shelf.write("open.safetensors", safetensors(Stored.whole(channels: 4, autoencoder: true)))
        _ = unsafe chmod("\(shelf.path)/closed", 0)
        defer { _ = unsafe chmod("\(shelf.path)/closed", 0o700) }
        let found = find(shelf.path)
        #expect(found.last?.name == "open.safetensors" && found.count == 2)
        // The superuser reads it all the same.
        if geteuid() != 0 { #expect(found.first?.refusal?.contains("Permission denied") == true) }
    }

    @Test(arguments: ["unet", "vae", "text_encoder"])
    func `a pipeline without one of its networks names it`(network: String) throws {
        let shelf = try Shelf()
        try shelf.writePipeline("a")
        try FileManager.default.removeItem(atPath: "\(shelf.path)/a/\(network)")
        let found = find("\(shelf.path)/a")
        #expect(found.map(\.name) == ["a"])
        #expect(found.first?.refusal?.contains(network) == true)
    }

    @Test func `a pipeline of another class is refused by its class, one without an index is not`() throws {
        let shelf = try Shelf()
        try shelf.writePipeline("a", index: "AltDiffusionPipeline")
        try shelf.writePipeline("b", index: nil)
        try shelf.write("c/model_index.json", #"{"_class_name": "FluxPipeline"}"#)
        try shelf.write("c/transformer/config.json", "{}")
        try shelf.write(
            "c/transformer/diffusion_pytorch_model-00001-of-00001.safetensors",
            safetensors([Stored.half("single_transformer_blocks.0.norm.weight", [1])]))
        let found = find(shelf.path)
        #expect(found.map(\.kind) == ["sd1", "sd1", "flux"])
        #expect(found[0].refusal?.contains("AltDiffusionPipeline") == true)
        #expect(found.map(\.isUsable) == [false, true, false])
    }

    @Test func `only a pickle, a missing shard and a file that has not arrived are told`() throws {
        let shelf = try Shelf()
        try shelf.writePipeline("a")
        try shelf.write("a/unet/diffusion_pytorch_model.bin", [0x80, 2])
        #expect(find("\(shelf.path)/a").map(\.isUsable) == [true])
        let weights = "\(shelf.path)/a/unet/diffusion_pytorch_model.safetensors"
        let whole = try Repository.bytes(weights)
        try FileManager.default.removeItem(atPath: weights)
        #expect(find("\(shelf.path)/a").first?.refusal?.contains("diffusion_pytorch_model.bin") == true)
        try FileManager.default.removeItem(atPath: "\(shelf.path)/a/unet/diffusion_pytorch_model.bin")
        try shelf.write("a/unet/diffusion_pytorch_model-00002-of-00002.safetensors", whole)
        #expect(find("\(shelf.path)/a").first?.refusal?.contains("1 of 2 shards") == true)
        try shelf.link("a/unet/diffusion_pytorch_model-00001-of-00002.safetensors", to: "gone")
        #expect(find("\(shelf.path)/a").first?.refusal?.contains("00001-of-00002") == true)
    }

    @Test func `a download that is under way names the file and the command that ends it`() throws {
        let shelf = try Shelf()
        try shelf.writePipeline("models--org--half/snapshots/\(commit)")
        let weights = "models--org--half/snapshots/\(commit)/vae/diffusion_pytorch_model.safetensors"
        try FileManager.default.removeItem(atPath: "\(shelf.path)/\(weights)")
        try shelf.link(weights, to: "../../../blobs/gone")
        try shelf.write("models--org--none/blobs/x.incomplete", [1])
        try shelf.write("models--org--words/snapshots/\(commit)/tokenizer.json", "{}")
        let found = find(shelf.path)
        #expect(found.map(\.name) == ["half", "none"])
        #expect(found[0].refusal?.contains("vae/diffusion_pytorch_model.safetensors") == true)
        #expect(found.allSatisfy { $0.refusal?.contains("hf download org/") == true })
    }
}

import FoundationEssentials
@testable import Images
@testable import Models
@testable import Networks
@testable import RPC
@testable import Results
@testable import Texts

extension FuzzTarget {
    /// What `redo` reads: JSON, a COCO document, or a PNG file with either.
    ///
    /// 16 KiB: a picture with a handful of labels; texts are compared in quadratic time, which the time limit shows.
    static let provenance = FuzzTarget(
        name: "provenance", longest: 16 << 10, mebibytes: 1024, words: Records.provenanceWords,
        seeds: { Records.provenances }, run: { Records.redo($0) })

    /// A registry of models, of 16 KiB: some ten models.
    static let registry = FuzzTarget(
        name: "registry", longest: 16 << 10, mebibytes: 1024, words: Records.registryWords,
        seeds: { Records.registries }, run: { Records.list($0) })
}

enum Records {
    static let provenanceWords = [
        "\"dseg\":", "\"info\":", "\"schema\":1", "\"output\":{\"kind\":\"cut\"", "\"choice\":{", "\"weight\":",
        "\"maps\":\"sized\"",
        "\"latent\":{", "\"caption\":", "\"region\":", "\\u0301", "\\ud834\\udd65", "1e400", "-0.0", "\"frames\":",
        "\"captioner\":", "\"filter\":",
    ].map { Array($0.utf8) }

    /// What is read is written so that it is read as the same, and a request is made of it.
    static func redo(_ bytes: [UInt8]) {
        guard let mode = bytes.first else { return }
        let content = Array(bytes.dropFirst())
        guard let file = mode % 2 == 0 ? content : wrapped(content) else { return }
        let record: Provenance
        do throws(ProvenanceError) {
            record = try Provenance(reading: file)
        } catch {
            require(!error.description.isEmpty, "a refusal has words")
            return
        }
        let json = Array(record.json.utf8)
        require(StreamSafe.isSafe(json: json), "no text of a record has too many marks")
        guard let back = try? Provenance(reading: json) else { return require(false, "\(record.json) is read") }
        require(back == record && back.json == record.json, "\(record.json) became \(back.json)")
        require(!record.picturePaths(from: "folder/file.png").isEmpty, "a picture has a path")
        // The files of vocabularies are read again, which lie on this machine.
        guard record.choice == nil || !record.words.contains(where: { $0.contains("@") }) else { return }
        guard let request = try? record.request(.handle("0"), requestID: "") else { return }
        // Texts that are too long for the wire are refused there.
        if let sent = try? SegmentRequest(decoding: request.encoded()) {
            require(sent == request, "a request comes as it was sent")
        }
    }

    /// A PNG file with a text; `nil` of what is none.
    private static func wrapped(_ text: [UInt8]) -> [UInt8]? {
        guard let value = String(validating: text, as: UTF8.self), !text.contains(0) else { return nil }
        let texts = [PNGFile.Text(key: "dseg", value: value)]
        return try? PNGFile(width: 1, height: 1, .grey([0]), texts: texts).encoded()
    }

    static var provenances: [[UInt8]] {
        let json = Fixtures.file("Tests/Fixtures/redo/pond.json")
        let png = Fixtures.file("Tests/Fixtures/redo/pond.mask.png")
        let text = (try? PNGFile.texts(in: png))?["dseg"].map { Array($0.utf8) } ?? []
        let document = Array(#"{"info":{"dseg":"#.utf8) + json + Array("}}".utf8)
        return [[0] + json, [1] + json, [1] + text, [0] + document, [0] + png.prefix(16000), [0] + Array("{}".utf8)]
    }

    static let registryWords = [
        "\"version\":1", "\"models\":[", "\"default\":\"", "\"files\":[", "\"bytes\":9223372036854775807",
        "\"modified\":", "\"captioner\":\"/", "\"captionerHash\":", "\"added\":\"2026-01-01T00:00:00Z\"",
        String(repeating: "0f", count: 32), "\\u0301", "\\ud834\\udd65", "\u{301}",
    ].map { Array($0.utf8) }

    private static let file = MemoryBackedFile()

    /// What is read is written so that it is read as the same, and told in words.
    static func list(_ bytes: [UInt8]) {
        guard let contents = read(bytes) else { return }
        for model in contents.models {
            require(contents[model.name] != nil, "\(model.name) is found")
            require(model.size >= 0 && !model.files.isEmpty, "\(model.size) bytes")
            require(model.commandToAdd.hasPrefix("dseg model add "), "\(model.commandToAdd)")
            require(
                model.addedSeconds < Int.max && model.hashAliases.allSatisfy { $0.count == 64 }, "aliases are hashes")
            require(
                model.source == ModelSource(path: model.path, autoencoder: model.vae, configuration: model.config),
                "a source stays")
            let texts =
                [model.path, model.vae, model.config, model.captioner, model.filter, model.licence]
                .compactMap(\.self) + model.files.flatMap { [$0.name, $0.path, $0.state.realPath] }
            require(texts.allSatisfy(StreamSafe.isSafe), "no text has too many marks")
        }
        require((contents.defaultName == nil) == (contents.defaultModel == nil), "the default is there")
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        guard let json = try? encoder.encode(contents) else { return require(false, "a registry is written") }
        require(read(Array(json)) == contents, "a registry comes back")
    }

    private static func read(_ bytes: [UInt8]) -> RegistryContents? {
        file.hold(bytes, zeros: 0)
        do throws(RegistryError) {
            return try Registry(file: file.path, folderMode: 0o700).contents()
        } catch {
            require(!error.description.isEmpty, "a refusal has words")
            return nil
        }
    }

    static var registries: [[UInt8]] {
        let hash = String(repeating: "0f", count: 32)
        let file = #"""
            {"name":"unet/config.json","path":"/m/unet/config.json","realPath":"/m/unet/config.json","device":1,
            "inode":2,"bytes":3,"modified":4,"sha256":"\#(hash)"}
            """#
        let model = #"""
            {"name":"tiny","path":"/m","hash":"\#(hash)","files":[\#(file),\#(file)],"added":"2026-01-01T00:00:00Z"}
            """#
        let whole = #"""
            {"name":"v1.5","path":"/m","vae":"/v.safetensors","config":"/c","captioner":"/b","filter":"/f",
            "licence":"MIT","hash":"\#(hash)","captionerHash":"\#(hash)","filterHash":"\#(hash)","files":[\#(file)],
            "added":"2026-01-01T00:00:00Z"}
            """#
        return [
            #"{"version":1,"models":[]}"#, #"{"version":1,"models":[\#(model)],"default":"tiny"}"#,
            #"{"version":1,"models":[\#(model),\#(whole)]}"#,
        ].map { Array($0.utf8) }
    }
}

import FoundationEssentials
@testable import Networks
import Texts

extension FuzzTarget {
    /// Headers of safetensors files.
    ///
    /// 8 KiB: some sixty tensors. That no number sizes an allocation unchecked shows in the memory limit.
    static let safetensors = FuzzTarget(
        name: "safetensors", longest: 8192, mebibytes: 1024, words: Checkpoints.words,
        seeds: { Checkpoints.headers },
        run: { bytes in
            Checkpoints.length(bytes)
            if let header = Checkpoints.header(Array(bytes.dropFirst())) { Checkpoints.tile(header) }
        })

    /// A single file with names of LDM, as `model add` and the daemon read it up to the first weight.
    ///
    /// 16 KiB: the names and shapes of a small Stable Diffusion.
    static let singleFile = FuzzTarget(
        name: "single-file", longest: 16 << 10, mebibytes: 1024, words: Checkpoints.words,
        seeds: { Checkpoints.models }, run: { Checkpoints.read($0) })
}

enum Checkpoints {
    static let words =
        ([
            "\"dtype\":", "\"F32\"", "\"BF16\"", "\"I64\"", "\"BOOL\"", "\"shape\":[", "\"data_offsets\":[",
            "\"__metadata__\":{", "\\ud83d\\ude00", "9223372036854775807", "18446744073709551615",
            "\"modelspec.resolution\":\"512x512\"",
        ] + [
            "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model.",
            "cond_stage_model.model.", "input_blocks.", "output_blocks.", "middle_block.", "in_layers.",
            "encoder.down.",
            "transformer.resblocks.", ".op.weight", ".attn.in_proj_weight", "module.", "_orig_mod.", "-1",
        ]).map { Array($0.utf8) }

    /// The length that a file's first bytes state lies in the file and below the limit.
    static func length(_ bytes: [UInt8]) {
        let fileBytes = bytes.count << Int(bytes.last ?? 0) % 40
        guard let length = try? SafetensorsHeader.length(from: Array(bytes.prefix(8)), fileBytes: fileBytes) else {
            return
        }
        require(length >= 0 && length + 8 <= fileBytes, "\(length) bytes in a file of \(fileBytes)")
        require(length <= SafetensorsHeader.lengthLimit, "\(length) bytes are over the limit")
    }

    /// The header of a file that has as many bytes of data as its tensors cover.
    static func header(_ json: [UInt8]) -> SafetensorsHeader? {
        do throws(SafetensorsFault) {
            return try SafetensorsHeader(parsing: json, dataBytes: 0)
        } catch {
            require(!"\(error)".isEmpty, "a fault has words")
            guard case .wrongDataSize(let covered, 0) = error else { return nil }
            return try? SafetensorsHeader(parsing: json, dataBytes: covered)
        }
    }

    /// Tensors have names of their own and lie one behind the other.
    static func tile(_ header: SafetensorsHeader) {
        var end = 0
        for tensor in header.tensors {
            require(tensor.bytes.lowerBound == end, "\(tensor.name) begins at \(tensor.bytes.lowerBound), not \(end)")
            end = tensor.bytes.upperBound
            require(tensor.shape.count <= SafetensorsHeader.dimensionLimit, "\(tensor.shape)")
            require(tensor.shape.reduce(1, *) == tensor.count, "\(tensor.shape) has \(tensor.count) elements")
            require(tensor.count * tensor.type.size == tensor.bytes.count, "elements fill their bytes")
        }
        require(Set(header.tensors.map { ExactString($0.name) }).count == header.tensors.count, "names are unique")
        let kept = header.metadata.reduce(0) { $0 + $1.key.text.utf8.count + $1.value.utf8.count }
        require(kept <= SafetensorsHeader.metadataBytesLimit, "\(kept) bytes of metadata")
        named(header)
    }

    /// Whatever tensors are called, each network's lie where they lay in the file.
    static func named(_ header: SafetensorsHeader) {
        let (kind, _) = CheckpointKind.contents(of: header.unwrapped)
        require(!kind.label.isEmpty, "each kind has a label")
        let names = LDMNames(header.unwrapped)
        let end = header.tensors.last?.bytes.upperBound ?? 0
        for tensor in names.unet + names.autoencoder + names.textEncoder {
            require(tensor.bytes.lowerBound >= 0 && tensor.bytes.upperBound <= end, "\(tensor.name) lies in the file")
            require(tensor.bytes.count == tensor.shape.reduce(tensor.type.size, *), "\(tensor.name) fills its bytes")
        }
        for family in [LDMFamily.first, .second] {
            _ = try? UNetConfiguration(
                family.unet(TensorShapes(names.unet, of: "unet"), pictureSide: header.pictureSide))
            _ = try? TextEncoderConfiguration(family.textEncoder(TensorShapes(names.textEncoder, of: "text")))
        }
        _ = try? AutoencoderConfiguration(LDMFamily.autoencoder(TensorShapes(names.autoencoder, of: "vae")))
        require(names.textEncoder(layers: 1).count <= names.textEncoder.count, "layers are left out, none is made")
    }

    private static let file = MemoryBackedFile()

    /// A file with this header and as much data as it covers: it is read, or refused in words.
    static func read(_ json: [UInt8]) {
        guard let header = header(json) else { return }
        tile(header)
        let data = header.tensors.last?.bytes.upperBound ?? 0
        // A file in memory can be no larger than this; what is beyond, `length(_:)` looks at.
        guard data < 1 << 40 else { return }
        file.hold(little(json.count) + json, zeros: data)
        do throws(CheckpointError) {
            let files = try StableDiffusionFiles(ModelSource(file.path))
            require(files.unetConfiguration.latentUnit > 0, "a latent has a unit")
            require(files.unet.contents.tensors == 0, "nothing is claimed before weights are read")
            require(files.hashed.map(\.name) == ["model.safetensors"], "one file is hashed: \(files.hashed.count)")
        } catch {
            require("\(error)".utf8.count < 65536, "a refusal is a sentence")
        }
    }

    private static func little(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    private static let tensor = #"{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}"#

    static var headers: [[UInt8]] {
        [
            "{}", #"{"a":\#(tensor)}"#,
            #"{ "a" : \#(tensor) , "b":{"shape":[],"dtype":"BOOL","data_offsets":[24,25]}}"#,
            #"{"__metadata__":{"format":"pt","n":[1,{"a":null}],"t":"\u00e9\ud83d\ude00"},"a":\#(tensor)}"#,
            #"{"__metadata__":null,"a":{"dtype":"F16","shape":[0,9223372036854775807],"data_offsets":[0,0]}}"#,
        ].map { [7] + Array($0.utf8) } + [little(16) + Array(#"{}              "#.utf8)]
    }

    /// Headers of whole models with the tensors of one block of each kind.
    static var models: [[UInt8]] {
        ["tiny", "sd2"].map { name in
            let parsed = try? JSONDecoder().decode(
                [Entry].self, from: Data(Fixtures.file("Tests/Fixtures/single/\(name).json")))
            let entries = (parsed ?? []).filter { entry in
                !entry.name.contains("decoder") && (entry.name.hasSuffix("weight") || entry.name.contains("embedding"))
            }
            var end = 0
            let tensors = entries.prefix(110).map { entry in
                let bytes = entry.shape.reduce(2, *)
                defer { end += bytes }
                return """
                    "\(entry.name)":{"dtype":"F16","shape":[\(entry.shape.map(String.init).joined(separator: ","))],\
                    "data_offsets":[\(end),\(end + bytes)]}
                    """
            }
            return Array("{\(tensors.joined(separator: ","))}".utf8)
        } + headers.map { Array($0.dropFirst()) }
    }

    /// `[name, shape, ...]`.
    private struct Entry: Decodable {
        let name: String
        let shape: [Int]

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            name = try list.decode(String.self)
            shape = try list.decode([Int].self)
        }
    }
}

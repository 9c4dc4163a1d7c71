import Glibc
package import Kernels

/// Why a model folder could not be loaded: what was found, what was expected, and where.
package enum CheckpointError: Error, Equatable {
    /// A system call on `path` failed with this `errno`.
    case system(path: String, call: String, code: Int32)
    /// `path` is a folder, a pipe, a device: anything but a file.
    case notAFile(path: String)
    /// There is nothing at `path`, where a model's folder should be.
    case noFolder(path: String)
    /// `path` is a file where a model's folder should be.
    case singleFile(path: String)
    /// A model's folder lacks that of a network; `singleFile` is a whole checkpoint in it.
    case noNetwork(directory: String, network: String, singleFile: String?)
    /// What lies at `path` is another kind of model than is `expected`.
    case otherKind(path: String, found: String, expected: String)
    /// The tensors in `directory` are not those that its configuration asks for: `fault` names one.
    indirect case otherTensors(directory: String, fault: CheckpointError, expected: String)
    /// A file of `bytes` bytes is over the `limit` for its kind.
    case tooLarge(path: String, bytes: Int, limit: Int)
    /// The header of a safetensors file breaks a rule of the format.
    case header(file: String, fault: SafetensorsFault)
    /// The folder has no weights under any accepted name.
    case noWeights(directory: String, stem: String)
    /// The folder has weights only as a Python pickle.
    case pickled(file: String)
    /// The index of shards is malformed.
    case index(file: String, reason: String)
    /// Two shards hold the tensor.
    case inTwoShards(tensor: String, first: String, second: String)
    /// A shard holds a tensor that the index does not place there.
    case notInIndex(tensor: String, shard: String)
    /// The index places the tensor in a shard that does not hold it.
    case notInShard(tensor: String, shard: String)
    case missing(tensor: String)
    case shape(tensor: String, found: [Int], expected: [Int])
    /// The tensor is stored in a type that weights are not read from.
    case elementType(tensor: String, found: String)
    /// Two layers claim the tensor.
    case readTwice(tensor: String)
    /// No layer claims `count` tensors of the checkpoint; `first` names up to five.
    case neverRead(first: [String], count: Int)
    /// The file ends inside the tensor, at `offset` bytes from the file's start.
    case shortRead(file: String, tensor: String, offset: Int)
    /// The file was written to since it was opened.
    case changed(file: String, sizeBefore: Int, sizeNow: Int)
    case addressSpace(AddressSpaceError)
    case region(WeightRegionError)
    /// The caller cancelled the loading.
    case interrupted
    /// A configuration's value for `key` cannot be used.
    case configuration(file: String, key: String, found: String, expected: String)
    /// A configuration is not a JSON object.
    case notJSON(file: String, reason: String)
}

extension CheckpointError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let tensor):
            "missing \"\(tensor)\""
        case .shape(let tensor, let found, let expected):
            "shape \(found), expected \(expected) at \"\(tensor)\""
        case .elementType(let tensor, let found):
            "element type \(found), expected F32, F16 or BF16 at \"\(tensor)\""
        case .readTwice(let tensor):
            "read twice: \"\(tensor)\""
        case .neverRead(let first, let count):
            "never read: \(first.map { "\"\($0)\"" }.joined(separator: ", "))"
                + (count > first.count ? " and \(count - first.count) more" : "")
        case .inTwoShards(let tensor, let first, let second):
            "\"\(tensor)\" is in two shards, \(first) and \(second)"
        case .notInIndex(let tensor, let shard):
            "\"\(tensor)\" is in \(shard), but the index does not place it there"
        case .notInShard(let tensor, let shard):
            "the index places \"\(tensor)\" in \(shard), which does not hold it"
        case .system(let path, let call, let code):
            "\(call) \(path): \(unsafe String(cString: strerror(code)))"
        case .notAFile(let path):
            "\(path) is not a regular file"
        case .noFolder(let path):
            "there is no folder \(path)"
        case .singleFile(let path):
            "\(path) is a file: single-file checkpoints are not read; make a folder of it once with diffusers "
                + "(StableDiffusionPipeline.from_single_file, then save_pretrained) and name that"
        case .noNetwork(let directory, let network, let singleFile):
            "there is no folder \(directory)/\(network): a model is a folder in the diffusers layout, "
                + "with unet, vae, text_encoder and scheduler in it"
                + (singleFile.map { "; \(CheckpointError.singleFile(path: "\(directory)/\($0)"))" } ?? "")
        case .otherKind(let path, let found, let expected):
            "\(path) is \(found); name \(expected)"
        case .otherTensors(let directory, let fault, let expected):
            "\(directory) is not as its config.json says: \(fault); name \(expected)"
        case .tooLarge(let path, let bytes, let limit):
            "\(path) has \(bytes) bytes, the limit is \(limit)"
        case .header(let file, let fault):
            "\(file): \(fault); fetch the file again, whole"
        case .noWeights(let directory, let stem):
            "\(directory) has neither \(stem).safetensors, nor \(stem).fp16.safetensors, nor shards; fetch one of them"
        case .pickled(let file):
            "\(file) is a pickle, which can run code when read; convert it once with:\n"
                + CheckpointError.conversion(of: file)
        case .index(let file, let reason):
            "\(file): \(reason)"
        case .shortRead(let file, let tensor, let offset):
            "\(file) ends at byte \(offset), inside \"\(tensor)\""
        case .changed(let file, let sizeBefore, let sizeNow):
            "\(file) was written to while it was read: \(sizeBefore) bytes then, \(sizeNow) now"
        case .addressSpace(let error):
            "\(error)"
        case .region(let error):
            "\(error)"
        case .interrupted:
            "the loading was interrupted"
        case .configuration(let file, let key, let found, let expected):
            "\(file): \(key) is \(found), expected \(expected)"
        case .notJSON(let file, let reason):
            "\(file) is not a JSON object: \(reason)"
        }
    }

    /// The shell command that turns a pickle into a safetensors file beside it, under the name that is read:
    /// transformers calls a pickle of `model` `pytorch_model`.
    private static func conversion(of file: String) -> String {
        let (folder, name) = file.lastIndex(of: "/").map { (file[...$0], file[$0...].dropFirst()) } ?? ("", file[...])
        let stem = name.split(separator: ".", omittingEmptySubsequences: false).dropLast().joined(separator: ".")
        let read = stem.hasPrefix("pytorch_model") ? stem.dropFirst("pytorch_".count) : stem[...]
        let quoted = [file, "\(folder)\(read).safetensors"].map { path in
            "'"
                + path.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''") + "'"
        }
        return """
            python3 -c "import sys, torch; from safetensors.torch import save_file; \
            w = torch.load(sys.argv[1], map_location='cpu', weights_only=True); \
            save_file({k: v.clone().contiguous() for k, v in w.get('state_dict', w).items()}, \
            sys.argv[2])" \(quoted.joined(separator: " "))
            """
    }
}

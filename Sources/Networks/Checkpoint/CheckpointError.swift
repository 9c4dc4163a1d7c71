import Glibc
package import Kernels

/// Why a model folder could not be loaded: what was found, what was expected, and where.
package enum CheckpointError: Error, Equatable {
    /// A system call on `path` failed with this `errno`.
    case system(path: String, call: String, code: Int32)
    /// `path` is a folder, a pipe, a device: anything but a file.
    case notAFile(path: String)
    /// What `path` names in a model's folder is a link that leads out of it, to `target`.
    case leadsOut(path: String, target: String)
    /// There is nothing at `path`, where a model should be.
    case nothing(path: String)
    /// What the file or folder holds is nothing that this program uses there.
    case unusable(path: String, reason: String)
    /// A single file holds no autoencoder.
    case noAutoencoder(file: String)
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
    /// The folder has weights, under another name than the one that is read.
    case otherName(directory: String, name: String, expected: String)
    /// The folder has a shard of the weights, and nothing that says which tensors lie in which.
    case noIndex(directory: String, shard: String, index: String)
    /// The file is in a format that is not read, or is none at all.
    case otherFormat(file: String, FileFormat)
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
            "\(call) \(path): \(unsafe String(cString: strerror(code)))" + Self.advice(code)
        case .notAFile(let path):
            "\(path) is a folder, a pipe or a device, no regular file; name the file itself"
        case .leadsOut(let path, let target):
            "\(path) is a link out of its model's folder, to \(target): put the file itself there, if you trust it"
        case .nothing(let path):
            "there is no file or folder \(path); name the one that the model lies in"
        case .unusable(let path, let reason):
            "\(path) cannot be used: \(reason)"
        case .noAutoencoder(let file):
            "\(file) holds no autoencoder; name the file or folder of one with --vae"
        case .noNetwork(let directory, let network, let singleFile):
            "there is no folder \(directory)/\(network): a model is a folder in the diffusers layout, "
                + "with unet, vae and text_encoder in it"
                + (singleFile.map { ", or a single file: name \(directory)/\($0)" } ?? "")
        case .otherKind(let path, let found, let expected):
            "\(path) is \(found); name \(expected)"
        case .otherTensors(let directory, let fault, let expected):
            "\(directory) is not as its config.json says: \(fault); name \(expected)"
        case .tooLarge(let path, let bytes, let limit):
            "\(path) has \(bytes) bytes, the limit is \(limit); take the file that the model was published with"
        case .header(let file, let fault):
            "\(file): \(fault); fetch the file again, whole"
        case .noWeights(let directory, let stem):
            "\(directory) has neither \(stem).safetensors, nor \(stem).fp16.safetensors, nor shards; fetch one of them"
        case .otherName(let directory, let name, let expected):
            "\(directory) has no \(expected), but \(name), another variant of the weights; to use that, type: ln -s "
                + "\(FileFormat.quoted(name)) \(FileFormat.quoted("\(directory)/\(expected)"))"
        case .noIndex(let directory, let shard, let index):
            "\(directory) has \(shard) and no \(index), which says what lies in each shard: fetch that too"
        case .otherFormat(let file, let format):
            "\(file) is \(format.name); \(format.remedy(for: file))"
        case .index(let file, let reason):
            "\(file): \(reason)"
        case .shortRead(let file, let tensor, let offset):
            "\(file) ends at byte \(offset), inside \"\(tensor)\"; fetch the file again, whole"
        case .changed(let file, let sizeBefore, let sizeNow):
            "\(file) was written to while it was read: \(sizeBefore) bytes then, \(sizeNow) now; "
                + "try again when it is whole"
        case .addressSpace(let error): "\(error)"
        case .region(let error): "\(error)"
        case .interrupted:
            "the loading was interrupted"
        case .configuration(let file, let key, let found, let expected):
            "\(file): \(key) is \(found), expected \(expected)"
        case .notJSON(let file, let reason):
            "\(file) is not a JSON object: \(reason)"
        }
    }

    /// What to do about an error of the system.
    private static func advice(_ code: Int32) -> String {
        switch code {
        case EACCES, EPERM: "; let this user read it, with chmod or setfacl, and enter the folders above it"
        case ENOENT: "; fetch it, or name where it lies"
        case ELOOP: "; its symbolic links lead in a circle: name the file itself"
        case EMFILE, ENFILE: "; raise the limit of open files, with ulimit -n"
        case EIO, ESTALE: "; look to the disk or the network that it lies on"
        default: ""
        }
    }
}

import Networks
import Support
import Testing

/// What stands in a file's place, how it begins, and what its sentence must say.
private let impostors: [(start: [UInt8], found: String, remedy: String)] = [
    ([], " is empty; ", "fetch the file again"),
    (
        Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n".utf8), " is a Git LFS pointer, ",
        "pull"
    ),
    (Array("<!DOCTYPE html>\n<html><body>Sign in</body></html>".utf8), " is a web page, ", "download the file itself"),
    (Array("\u{feff}\n <HTML lang=en>".utf8), " is a web page, ", "download the file itself"),
    (Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>".utf8), " is an XML document, ", "download"),
    (
        Array("PK\u{3}\u{4}\0\0\u{8}\u{8}".utf8) + zeros(18) + Array("v1-5/data.pkl".utf8), " is a pickle, ",
        "python3 -c"
    ),
    ([0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20], " is a pickle, ", "python3 -c"),
    (Array("PK\u{3}\u{4}\u{14}\0".utf8) + zeros(22) + Array("unet/config.json".utf8), " is a zip archive; ", "unpack"),
    ([0x1f, 0x8b, 0x08, 0x00, 0x00], " is compressed; ", "gunzip"),
    (Array("GGUF\u{3}\0\0\0".utf8), " is a GGUF file; ", "python3 -c"),
    ([0x89] + Array("HDF\r\n\u{1a}\n".utf8), " is a file of Keras (HDF5); ", "safetensors"),
]

private func zeros(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }

@Suite struct `what is not what it seems` {
    @Test(arguments: impostors.indices) func `is named for what it is, as weights and as a text`(index: Int) throws {
        let folder = try TemporaryDirectory()
        let (start, found, remedy) = impostors[index]
        let weights = try folder.write("model.safetensors", start)
        let text = try folder.write("config.json", start)
        let vocabulary = try folder.write("vocab.txt", start)
        for (path, read) in [
            (weights, { _ = try TensorFile(path: weights) }),
            (text, { _ = try UNetConfiguration(RegularFile(path: text)) }),
            (vocabulary, { _ = try WordPieceTokenizer(ModelFolder(folder.path)) }),
        ] as [(String, () throws -> Void)] {
            let sentence = "\(try #require(throws: (any Error).self) { try read() })"
            #expect(sentence.hasPrefix(path + found) && sentence.contains(remedy), "\(sentence)")
        }
    }

    @Test func `a server's answer in words is quoted, where weights should be`() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("model.safetensors", "Access to model x/y is restricted.\nYou must log in.")
        let sentence = "\(try #require(throws: CheckpointError.self) { try TensorFile(path: path) })"
        #expect(
            sentence.hasPrefix("\(path) is a text that begins \"Access to model x/y is restricted.\", not weights; "))
    }

    /// The first bytes of a header are its length: 640 is how a pickle begins.
    @Test func `weights that begin like another format are read, and broken ones are still weights`() throws {
        let folder = try TemporaryDirectory()
        let name = String(repeating: "n", count: 640 - #"{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.count)
        let bytes = safetensors([StoredTensor(name, shape: [1], [1])])
        try #require(bytes[0] == 0x80 && bytes[1] == 0x02)
        #expect(try TensorFile(path: folder.write("a.safetensors", bytes)).header.tensors.count == 1)
        let path = try folder.write("b.safetensors", Array(bytes.dropLast()))
        #expect(throws: CheckpointError.header(file: path, fault: .wrongDataSize(covered: 4, found: 3))) {
            try TensorFile(path: path)
        }
    }

    @Test(arguments: [
        ("model.ckpt", "a pickle"), ("flax_model.msgpack", "a file of Flax"), ("model.onnx", "a file of ONNX"),
        ("openvino_model.bin", "a file of OpenVINO"), ("tf_model.h5", "a file of Keras"), ("unet.gguf", "a GGUF file"),
    ])
    func `a folder that has weights in no format that is read names the one it has`(name: String, found: String) throws
    {
        let folder = try TemporaryDirectory()
        try folder.write(name, [1, 2, 3])
        try folder.write("config.json", "{}")
        let error = try #require(throws: CheckpointError.self) {
            try Checkpoint(directory: folder.path, stem: "model", component: "unet")
        }
        #expect("\(error)".hasPrefix("\(folder.path)/\(name) is \(found)"), "\(error)")
    }

    @Test func `a command quotes its paths for a shell`() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("it's a.ckpt", "GGUF")
        let sentence = "\(try #require(throws: CheckpointError.self) { try TensorFile(path: path) })"
        let quoted = path.replacing("'", with: #"'\''"#)
        #expect(sentence.hasSuffix(" '\(quoted)' '\(quoted.replacing(".ckpt", with: ".safetensors"))'"), "\(sentence)")
        #expect(sentence.split(separator: "\n").count == 1)
    }
}

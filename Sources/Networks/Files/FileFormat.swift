/// What weights come in beside safetensors, and what stands where a download failed: known by a file's first bytes, or
/// by the end of its name. None of it is read; each has a sentence that says what it is and what to do.
package struct FileFormat: Sendable, Equatable {
    /// Behind "is", in a sentence.
    let name: String
    private let remedy: Remedy
    /// Ways in which such a file begins.
    private let starts: [Start]
    /// How its name ends.
    package let endings: [String]

    /// What to do with such a file.
    private enum Remedy: Sendable, Equatable {
        case advice(String)
        /// A program in Python that writes its second argument from the first.
        case conversion(advice: String, program: String)
    }

    /// The first bytes of a file.
    fileprivate struct Start: Sendable, Equatable {
        let bytes: [UInt8]
        /// Whether letters of any case count, and what is blank before them does not.
        var isLoose = false
        /// A text behind the first bytes, somewhere within ``FileFormat/looked``.
        var further: String?
    }

    /// How many bytes of a file are looked at.
    package static let looked = 160

    /// What it is and what to do on one line, behind a file's name.
    package var sentence: String {
        switch remedy {
        case .advice(let advice): "is \(name): \(advice)"
        case .conversion: "is \(name): convert it to safetensors once, with the command that dseg model add prints"
        }
    }

    /// The commands for a file.
    func remedy(for file: String) -> String {
        switch remedy {
        case .advice(let advice): advice
        case .conversion(let advice, let program):
            "\(advice): python3 -c \"\(program)\" \(Self.quoted(file)) \(Self.quoted(Self.converted(file)))"
        }
    }

    /// A path as a shell reads it.
    static func quoted(_ path: String) -> String {
        "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    /// The name of the file to write, beside the one that is read: transformers calls a pickle of `model`
    /// `pytorch_model`.
    private static func converted(_ file: String) -> String {
        let (folder, name) = file.lastIndex(of: "/").map { (file[...$0], file[$0...].dropFirst()) } ?? ("", file[...])
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let stem = (parts.count > 1 ? parts.dropLast() : parts).joined(separator: ".")
        let read = stem.hasPrefix("pytorch_model") ? stem.dropFirst("pytorch_".count) : stem[...]
        return "\(folder)\(read).safetensors"
    }
}

extension FileFormat {
    /// An empty file.
    static let empty = FileFormat(
        name: "empty", remedy: .advice("fetch the file again, whole"), starts: [], endings: [])

    package static let pickle = FileFormat(
        name: "a pickle, which can run code when read",
        remedy: .conversion(
            advice: "convert it once with",
            program: """
                import sys, torch; from safetensors.torch import save_file; \
                w = torch.load(sys.argv[1], map_location='cpu', weights_only=True); \
                save_file({k: v.clone().contiguous() for k, v in w.get('state_dict', w).items() \
                if torch.is_tensor(v)}, sys.argv[2])
                """),
        starts: [
            Start(bytes: Array("PK\u{3}\u{4}".utf8), further: "data.pkl"),
            // The number that torch's older format begins with, as a pickle of protocol 2.
            Start(bytes: [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46]),
        ],
        endings: [".bin", ".ckpt", ".pt", ".pth"])

    package static let gguf = FileFormat(
        name: "a GGUF file",
        remedy: .conversion(
            advice: "convert it once with (pip install gguf safetensors)",
            program: """
                import sys; from gguf import GGUFReader, dequantize; from safetensors.numpy import save_file; \
                save_file({t.name: dequantize(t.data, t.tensor_type).astype('float16') \
                for t in GGUFReader(sys.argv[1]).tensors}, sys.argv[2])
                """),
        starts: [Start(bytes: Array("GGUF".utf8))], endings: [".gguf"])

    /// Those that are known by their first bytes or their name, the first that fits.
    private static let all = [
        FileFormat(
            name: "a Git LFS pointer, not the file",
            remedy: .advice("fetch what it points to: git lfs pull, in the folder that was cloned"),
            starts: [Start(bytes: Array("version https://git-lfs".utf8))], endings: []),
        FileFormat(
            name: "a web page, not the file",
            remedy: .advice("download the file itself, which no page or login stands before"),
            starts: ["<!doctype html", "<html"].map { Start(bytes: Array($0.utf8), isLoose: true) }, endings: []),
        FileFormat(
            name: "an XML document, not the file",
            remedy: .advice("download the file itself, whose server may have answered with an error"),
            starts: [Start(bytes: Array("<?xml".utf8), isLoose: true)], endings: []),
        pickle, gguf,
        FileFormat(
            name: "a zip archive", remedy: .advice("unpack it and name what is in it"),
            starts: [Start(bytes: Array("PK\u{3}\u{4}".utf8))], endings: [".zip"]),
        FileFormat(
            name: "compressed", remedy: .advice("decompress it, with gunzip, and name what comes out"),
            starts: [Start(bytes: [0x1f, 0x8b, 0x08])], endings: [".gz", ".tgz"]),
        FileFormat(
            name: "a file of Keras (HDF5)", remedy: .advice("fetch the model as safetensors"),
            starts: [Start(bytes: [0x89] + Array("HDF\r\n".utf8))], endings: [".h5"]),
        FileFormat(
            name: "a file of Flax", remedy: .advice("fetch the model as safetensors"), starts: [],
            endings: [".msgpack"]),
        FileFormat(
            name: "a file of ONNX", remedy: .advice("fetch the model that it was exported from, as safetensors"),
            starts: [], endings: [".onnx", ".onnx_data", ".pb"]),
        FileFormat(
            name: "a file of OpenVINO", remedy: .advice("fetch the model that it was exported from, as safetensors"),
            starts: [], endings: ["openvino_model.xml", "openvino_model.bin"]),
    ]

    /// The format of a file that begins so; `nil` where these bytes may be anything.
    package init?(start: some Collection<UInt8>) {
        guard !start.isEmpty else {
            self = .empty
            return
        }
        let start = Array(start.prefix(Self.looked))
        guard let format = Self.all.first(where: { $0.starts.contains { $0.fits(start) } }) else { return nil }
        self = format
    }

    /// The format of a file by its name, the longest ending first.
    package init?(name: String) {
        let fitting = Self.all.compactMap { format in
            format.endings.filter { name.utf8.reversed().starts(with: $0.utf8.reversed()) }.map(\.utf8.count).max()
                .map { (length: $0, format: format) }
        }
        guard let format = fitting.max(by: { $0.length < $1.length })?.format else { return nil }
        self = format
    }

    /// A text in the place of weights: what a server answers where it has no such file, or wants a token.
    private init?(text start: [UInt8]) {
        guard start.allSatisfy({ (0x20...0x7e).contains($0) || (0x09...0x0d).contains($0) }) else { return nil }
        let line = String(decoding: start.prefix { $0 >= 0x20 }.prefix(60), as: UTF8.self)
        self.init(
            name: "a text that begins \"\(line)\", not weights",
            remedy: .advice("download the file itself, whose server may have answered with an error"), starts: [],
            endings: [])
    }

    /// The error for a file that cannot be read as what it was taken for, if it is something else that is known.
    ///
    /// - Parameter isText: whether a text was expected
    package static func mistaken(_ file: RegularFile, isText: Bool) throws(CheckpointError) -> CheckpointError? {
        let start = try file.bytes(in: 0..<min(looked, file.size))
        let format = FileFormat(start: start) ?? FileFormat(name: file.path) ?? (isText ? nil : FileFormat(text: start))
        return format.map { .otherFormat(file: file.path, $0) }
    }
}

extension RegularFile {
    /// All bytes of a text of at most `limit`; what is known to be something else is refused as that.
    func text(limit: Int) throws(CheckpointError) -> [UInt8] {
        if let other = try FileFormat.mistaken(self, isText: true) { throw other }
        return try contents(limit: limit)
    }
}

extension FileFormat.Start {
    fileprivate func fits(_ start: [UInt8]) -> Bool {
        var start = start[...]
        if isLoose {
            if start.starts(with: [0xef, 0xbb, 0xbf]) { start = start.dropFirst(3) }
            start = start.drop { $0 <= 0x20 }
            start = start.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }[...]
        }
        guard start.starts(with: bytes) else { return false }
        guard let further else { return true }
        return start.indices.contains { start[$0...].starts(with: further.utf8) }
    }
}

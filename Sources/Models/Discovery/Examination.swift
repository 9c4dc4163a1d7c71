import Glibc
import Networks
import Texts

/// A look into a candidate, no further than its headers.
struct Examination {
    private let candidate: Candidate
    private let headers: KnownHeaders

    init(_ candidate: Candidate, _ headers: KnownHeaders) {
        self.candidate = candidate
        self.headers = headers
    }

    private var path: String { candidate.path }

    /// What was found; `nil` where it is no checkpoint.
    var finding: Finding? {
        switch candidate.form {
        case .file(let real): file(real)
        case .network: network()
        case .pipeline: PipelineExamination(candidate, name: folderName).finding
        case .fault(let reason):
            finding(fileName, Contents(kind: "", precision: "", refusal: reason), .other, bytes: 0, licence: nil)
        case .bare: bare()
        }
    }

    /// What the headers tell.
    struct Contents {
        var kind: String
        var precision: String
        var refusal: String?
    }

    private func finding(
        _ name: String, _ contents: Contents, _ layout: Finding.Layout, bytes: Int, licence: String?
    ) -> Finding {
        Finding(
            name: name, kind: contents.kind, layout: layout, precision: contents.precision, bytes: bytes,
            licence: licence, path: path, commit: candidate.repository?.commit, refusal: contents.refusal)
    }

    /// The last part of the path, of where it leads if it has no name.
    private var fileName: String {
        let last = FilePath.lastComponent(path)
        let isName = !last.isEmpty && ExactString(last) != "." && ExactString(last) != ".."
        return isName ? last : FilePath.lastComponent(FilePath.real(path) ?? path)
    }

    /// A snapshot's folder is called as a commit is, so that its repository's name stands for it.
    private var folderName: String {
        guard let repository = candidate.repository, let snapshot = repository.snapshot else { return fileName }
        let isWhole =
            ExactString(snapshot) == ExactString(path) || ExactString(fileName) == ExactString(repository.commit ?? "")
        return isWhole ? repository.shortName : fileName
    }

    private func bare() -> Finding? {
        guard let repository = candidate.repository else { return nil }
        let arriving = repository.arriving
        guard arriving > 0 || repository.commit == nil else { return nil }
        let what = arriving > 0 ? "\(arriving) of its files are incomplete" : "nothing of it is downloaded"
        let refusal = "\(what): finish with hf download \(repository.name)"
        let contents = Contents(kind: "", precision: "", refusal: refusal)
        return finding(repository.shortName, contents, .other, bytes: 0, licence: nil)
    }

    private func file(_ real: RealFile) -> Finding? {
        switch WeightFormat(fileName) ?? .unnamed {
        case .safetensors: return tensorFile(real)
        case .unnamed:
            let start = FirstBytes(path)
            return start.isSafetensors ? tensorFile(real) : start.format == .gguf ? foreign(real, "gguf", .gguf) : nil
        case .gguf: return foreign(real, "gguf", .gguf)
        case .pickle: return foreign(real, "pickle", .pickle)
        }
    }

    /// A file in a format that is not read, or what lies in its place.
    private func foreign(_ real: RealFile, _ kind: String, _ format: FileFormat) -> Finding {
        let refusal = "it \((FirstBytes(path).format ?? format).sentence)"
        let contents = Contents(kind: kind, precision: "", refusal: refusal)
        return finding(fileName, contents, .oneFile, bytes: real.size, licence: nil)
    }

    private func tensorFile(_ real: RealFile) -> Finding {
        do throws(NetworkExamination.Fault) {
            let told = try headers.told(by: path)
            let refusal = told.kind.refusal ?? Examination.lack(of: told.kind, told.hasAutoencoder)
            let contents = Contents(kind: told.kind.label, precision: told.precision, refusal: refusal)
            return finding(fileName, contents, .oneFile, bytes: real.size, licence: told.licence)
        } catch {
            let reason = FirstBytes(path).format.map { "it \($0.sentence)" } ?? error.reason
            let contents = Contents(kind: "", precision: "", refusal: reason)
            return finding(fileName, contents, .oneFile, bytes: real.size, licence: nil)
        }
    }

    /// What a single file of a usable kind still needs.
    private static func lack(of kind: CheckpointKind, _ hasAutoencoder: Bool) -> String? {
        switch kind {
        case .stableDiffusion1, .stableDiffusion2:
            hasAutoencoder ? nil : "it has no autoencoder: name one beside it with --vae FILE"
        case .blip, .clip:
            "it lies without its config.json: name the whole folder, as transformers saves it"
        default: nil
        }
    }

    static func reason(_ error: CheckpointError) -> String {
        switch error {
        case .header(_, let fault): "\(fault): fetch the file again, whole"
        case .system(_, _, let code): "it cannot be read: \(unsafe String(cString: strerror(code)))"
        default: "\(error)"
        }
    }

    private func network() -> Finding? {
        guard let listing = try? FolderListing(path) else { return nil }
        let (contents, layout) = NetworkExamination(path, listing, candidate.repository).contents
        return finding(
            folderName, contents, layout, bytes: FolderSize.bytes(in: path), licence: Licence.stated(in: path))
    }
}

/// The start of a file.
struct FirstBytes {
    private let bytes: [UInt8]

    /// Empty where the file cannot be read.
    init(_ path: String) {
        let file = try? RegularFile(path: path)
        bytes = file.flatMap { try? $0.bytes(in: 0..<min(FileFormat.looked, $0.size)) } ?? []
    }

    /// What it is if it is no safetensors file, where that is known.
    var format: FileFormat? { FileFormat(start: bytes) }

    /// Whether a header of a possible length begins.
    var isSafetensors: Bool {
        bytes.count > 8 && bytes[8] == UInt8(ascii: "{") && bytes[4..<8].allSatisfy { $0 == 0 }
    }
}

/// How most of a checkpoint's numbers are stored.
struct StoredPrecision {
    let label: String

    /// How the names of a single file's U-Net begin.
    private static let network = "model.diffusion_model."
    /// A few numbers of another type, such as a schedule, make no mixture.
    private static let fewPercent = 1

    /// A U-Net's tensors alone count where there is one among others, since it is the largest network.
    init(_ tensors: [SafetensorsHeader.Tensor]) {
        var bytes: [ElementType: Int] = [:]
        let network = tensors.filter { $0.name.utf8.starts(with: Self.network.utf8) }
        for tensor in network.isEmpty ? tensors : network where tensor.type.storedFloats != nil || tensor.type == .f64 {
            bytes[tensor.type, default: 0] += tensor.bytes.count
        }
        let total = bytes.values.reduce(0, +)
        guard total > 0, let most = bytes.max(by: { $0.value < $1.value }) else {
            label = ""
            return
        }
        let isMixed = (total - most.value) * 100 > total * Self.fewPercent
        let names: [ElementType: String] = [.f16: "fp16", .bf16: "bf16", .f32: "fp32", .f64: "fp64"]
        label = isMixed ? "mixed" : names[most.key] ?? ""
    }
}

/// What the files of a folder take on disk.
enum FolderSize {
    private static let depthLimit = 4

    /// Bytes, each real file counted once; folders that links lead to are not entered.
    static func bytes(in folder: String) -> Int {
        var seen: Set<RealFile> = []
        add(folder, to: &seen, depth: 0)
        return seen.reduce(0) { $0 + $1.size }
    }

    private static func add(_ folder: String, to seen: inout Set<RealFile>, depth: Int) {
        guard depth <= depthLimit, let listing = try? FolderListing(folder) else { return }
        for item in listing.items where item.name.utf8.first != UInt8(ascii: ".") {
            let path = "\(folder)/\(item.name)"
            if item.kind == .file, let real = RealFile(path) { seen.insert(real) }
            if item.kind == .folder { add(path, to: &seen, depth: depth + 1) }
        }
    }
}

/// The licence that the front matter of a folder's `README.md` states, as model cards do.
enum Licence {
    private static let limit = 16 << 10

    static func stated(in folder: String) -> String? {
        guard let file = try? RegularFile(path: "\(folder)/README.md"),
            let bytes = try? file.bytes(in: 0..<min(limit, file.size))
        else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first.hasPrefix("---") else { return nil }
        let matter = lines.dropFirst().prefix { !$0.hasPrefix("---") }
        func value(_ key: String) -> String? {
            guard let line = matter.first(where: { $0.hasPrefix("\(key):") }) else { return nil }
            let text = line.dropFirst(key.utf8.count + 1).filter { !"\"'\r".contains($0) }
            let words = text.split(separator: " ").joined(separator: " ")
            return words.isEmpty ? nil : words
        }
        guard let licence = value("license") else { return nil }
        return licence == "other" ? value("license_name") ?? licence : licence
    }
}

import Glibc
import Networks
import Texts

/// Something that may be a checkpoint, to be looked into.
struct Candidate {
    enum Form {
        /// A single file.
        case file(RealFile)
        /// A folder with a folder for each network.
        case pipeline
        /// A folder of one network.
        case network
        /// Nothing that can be read, for this reason.
        case fault(String)
        /// A snapshot without weights.
        case bare
    }

    let form: Form
    let path: String
    /// The repository in whose snapshot it lies.
    let repository: HubRepository?
}

/// The search for candidates through folders. Each real folder is entered once and each real file taken once, so that
/// loops of links end.
struct DiscoveryWalk {
    /// How the names of the folders begin that a pipeline consists of, and that are no models by themselves.
    private static let components = [
        "unet", "vae", "vqvae", "text_encoder", "tokenizer", "scheduler", "safety_checker", "feature_extractor",
        "image_encoder", "image_processor", "image_normalizer", "transformer", "prior", "decoder", "controlnet",
        "motion_adapter",
    ]
    /// How deep folders are followed below a root.
    private static let depthLimit = 16

    private(set) var candidates: [Candidate] = []
    private var folders: Set<RealFile> = []
    private var files: Set<RealFile> = []
    private let homes: ForeignHomes

    init(homes: ForeignHomes) {
        self.homes = homes
    }

    /// Looks at `path`, whatever it is.
    mutating func enter(root path: String) {
        let path = FilePath.withoutTrailingSlashes(path)
        let repository = HubRepository.containing(path)
        guard let real = RealFile(path) else {
            return add(.fault(DiscoveryWalk.text(of: errno)), path, repository)
        }
        switch real.kind {
        case .folder: visit(path, repository: repository, depth: 0)
        case .file: if files.insert(real).inserted { add(.file(real), path, repository) }
        case .other: add(.fault("it is neither a file nor a folder"), path, repository)
        }
    }

    private static func text(of code: Int32) -> String { unsafe String(cString: strerror(code)) }

    private mutating func add(_ form: Candidate.Form, _ path: String, _ repository: HubRepository?) {
        candidates.append(Candidate(form: form, path: path, repository: repository))
    }

    private mutating func visit(_ path: String, repository: HubRepository?, depth: Int) {
        guard depth <= DiscoveryWalk.depthLimit, let real = RealFile(path), folders.insert(real.unsized).inserted else {
            return
        }
        let listing: FolderListing
        do throws(FolderListing.Fault) {
            listing = try FolderListing(path)
        } catch {
            return add(.fault("it cannot be read: \(DiscoveryWalk.text(of: error.code))"), path, repository)
        }
        if let found = HubRepository(at: path), listing.hasFolder("snapshots") || listing.hasFolder("blobs") {
            return visit(found, depth: depth)
        }
        let isPipeline = DiscoveryWalk.isPipeline(listing)
        let isNetwork = !isPipeline && DiscoveryWalk.isNetwork(listing)
        if isPipeline { add(.pipeline, path, repository) }
        if isNetwork { add(.network, path, repository) }
        for item in listing.items where !(isNetwork && ComponentWeights.isNetwork(item.name)) {
            look(at: item, in: path, repository: repository, depth: depth, isPipeline: isPipeline)
        }
        if listing.hasFile("extra_model_paths.yaml") {
            for root in ExtraModelPaths(file: "\(path)/extra_model_paths.yaml", home: homes.own).folders
            where homes.allow(root) {
                visit(root, repository: nil, depth: depth + 1)
            }
        }
    }

    private mutating func look(
        at item: FolderListing.Item, in folder: String, repository: HubRepository?, depth: Int, isPipeline: Bool
    ) {
        let path = folder == "/" ? "/\(item.name)" : "\(folder)/\(item.name)"
        switch item.kind {
        case .folder, .linkedFolder:
            guard item.name.utf8.first != UInt8(ascii: ".") else { return }
            if isPipeline, Self.components.contains(where: { item.name.utf8.starts(with: $0.utf8) }) { return }
            if item.kind == .linkedFolder, !homes.allow(path) { return }
            visit(path, repository: repository, depth: depth + 1)
        case .file:
            guard WeightFormat(item.name) != nil, item.name.utf8.first != UInt8(ascii: ".") else { return }
            guard let real = RealFile(path), files.insert(real).inserted else { return }
            add(.file(real), path, repository)
        case .dangling, .other:
            guard let format = WeightFormat(item.name), format != .unnamed else { return }
            let isGone = item.kind == .dangling
            add(
                .fault(
                    isGone
                        ? "the file that its link leads to is not there: fetch it again"
                        : "it is neither a file nor a folder"
                ), path, repository)
        }
    }

    /// A repository is read at one snapshot; its blobs have no names of their own.
    private mutating func visit(_ repository: HubRepository, depth: Int) {
        guard let snapshot = repository.snapshot else { return add(.bare, repository.path, repository) }
        let before = candidates.count
        visit(snapshot, repository: repository, depth: depth + 1)
        if candidates.count == before { add(.bare, snapshot, repository) }
    }

    /// With or without an index: copies often lack it, and it is not needed.
    private static func isPipeline(_ listing: FolderListing) -> Bool {
        listing.has("model_index.json", [.file, .dangling])
            || listing.hasFolder("unet") && (listing.hasFolder("vae") || listing.hasFolder("text_encoder"))
    }

    private static func isNetwork(_ listing: FolderListing) -> Bool {
        listing.has("config.json", [.file, .dangling]) && listing.items.contains { ComponentWeights.isNetwork($0.name) }
    }
}

extension RealFile {
    /// A folder's size changes while files are written into it.
    var unsized: RealFile { RealFile(device: device, inode: inode, size: 0, kind: kind) }

    init(device: UInt64, inode: UInt64, size: Int, kind: Kind) {
        self.device = device
        self.inode = inode
        self.size = size
        self.kind = kind
    }
}

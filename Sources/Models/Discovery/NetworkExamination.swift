import Networks
import Texts

/// A look into the folder of one network.
struct NetworkExamination {
    private let folder: String
    private let listing: FolderListing
    private let repository: HubRepository?

    init(_ folder: String, _ listing: FolderListing, _ repository: HubRepository?) {
        self.folder = folder
        self.listing = listing
        self.repository = repository
    }

    /// What a folder that stands alone holds, and in whose layout.
    var contents: (Examination.Contents, Finding.Layout) {
        switch weights {
        case .success(let tensors):
            let kind = CheckpointKind(tensors)
            let isTransformers = ![.autoencoder, .otherAutoencoder, .unet1, .unet2].contains(kind)
            let gone = listing.items.first { $0.kind == .dangling }.map { self.incomplete($0.name) }
            let contents = Examination.Contents(
                kind: kind.label, precision: StoredPrecision(tensors).label, refusal: kind.refusal ?? gone)
            return (contents, isTransformers ? .transformers : .diffusers)
        case .failure(let fault):
            return (Examination.Contents(kind: "", precision: "", refusal: fault.reason), .transformers)
        }
    }

    /// Why a network cannot be read.
    struct Fault: Error {
        let reason: String
    }

    /// The tensors of the network's files together, from their headers.
    var weights: Result<[SafetensorsHeader.Tensor], Fault> {
        let weights = ComponentWeights(listing)
        if let pickle = weights.pickle {
            return .failure(Fault(reason: "only \(pickle) is there, and it \(FileFormat.pickle.sentence)"))
        }
        if weights.files.isEmpty { return .failure(Fault(reason: incomplete(weights.absent ?? "its weights"))) }
        var tensors: [SafetensorsHeader.Tensor] = []
        for name in weights.files {
            let path = "\(folder)/\(name)"
            do throws(CheckpointError) {
                tensors += try TensorFile(path: path).header.tensors
            } catch {
                let look = FirstBytes(path).format
                return .failure(
                    Fault(reason: look.map { "\(name) \($0.sentence)" } ?? "\(name): \(Examination.reason(error))"))
            }
        }
        return .success(tensors)
    }

    /// The sentence for a file that is not there whole.
    func incomplete(_ name: String) -> String {
        let where_ = name.isEmpty ? FilePath.lastComponent(folder) : name
        guard let repository else { return "\(where_) is not there: fetch it, or name another copy" }
        return "\(where_) is not downloaded: finish with hf download \(repository.name)"
    }
}

/// A look into a folder in the diffusers layout.
struct PipelineExamination {
    private let candidate: Candidate
    private let name: String

    init(_ candidate: Candidate, name: String) {
        self.candidate = candidate
        self.name = name
    }

    private var path: String { candidate.path }

    var finding: Finding {
        let contents = contents
        return Finding(
            name: name, kind: contents.kind, layout: .diffusers, precision: contents.precision,
            bytes: FolderSize.bytes(in: path), licence: Licence.stated(in: path), path: path,
            commit: candidate.repository?.commit, refusal: contents.refusal)
    }

    /// The folders that the largest network lies in, whatever the family.
    private static let largest: [ExactString] = ["unet", "transformer", "prior"]
    /// What a model needs besides its U-Net. A scheduler may be missing: 1.x and 2.x have one noise schedule.
    private static let others: [(folder: String, kinds: Set<CheckpointKind>)] = [
        ("vae", [.autoencoder]), ("text_encoder", [.textEncoder, .clip]),
    ]
    private static let whole: [CheckpointKind: CheckpointKind] = [.unet1: .stableDiffusion1, .unet2: .stableDiffusion2]

    private var contents: Examination.Contents {
        var contents = Examination.Contents(kind: "", precision: "", refusal: nil)
        guard let listing = try? FolderListing(path) else { return contents }
        guard let main = Self.largest.first(where: listing.hasFolder) else {
            contents.refusal =
                isPartial ? partial("unet") : "it has no folder unet: \(otherClass ?? "name a whole model")"
            return contents
        }
        switch part(main.text) {
        case .failure(let fault): contents.refusal = fault.reason
        case .success(let tensors):
            let kind = CheckpointKind(tensors)
            let whole = Self.whole[kind] ?? kind
            contents.kind = whole.label
            contents.precision = StoredPrecision(tensors).label
            contents.refusal = whole == kind ? kind.refusal : otherClass ?? lack(listing)
        }
        return contents
    }

    /// The tensors of the network in `folder`.
    private func part(_ folder: String) -> Result<[SafetensorsHeader.Tensor], NetworkExamination.Fault> {
        let place = "\(path)/\(folder)"
        guard let listing = try? FolderListing(place) else {
            return .failure(NetworkExamination.Fault(reason: "its folder \(folder) cannot be read"))
        }
        let network = NetworkExamination(place, listing, candidate.repository)
        guard listing.hasFile("config.json") else {
            return .failure(NetworkExamination.Fault(reason: "\(folder)/\(network.incomplete("config.json"))"))
        }
        return network.weights.mapError { NetworkExamination.Fault(reason: "\(folder)/\($0.reason)") }
    }

    /// What keeps a model with a good U-Net from being whole; `nil`: nothing.
    private func lack(_ listing: FolderListing) -> String? {
        for (folder, kinds) in Self.others {
            guard listing.hasFolder(ExactString(folder)) else { return partial(folder) }
            switch part(folder) {
            case .failure(let fault): return fault.reason
            case .success(let tensors):
                let kind = CheckpointKind(tensors)
                guard !kinds.contains(kind) else { continue }
                return "its \(folder) is none of Stable Diffusion 1.x or 2.x (\(kind.label)): name a whole model"
            }
        }
        return nil
    }

    private var isPartial: Bool { (candidate.repository?.arriving ?? 0) > 0 }

    private func partial(_ folder: String) -> String {
        guard let repository = candidate.repository else {
            return "it has no folder \(folder): fetch it, or name another copy"
        }
        return "its folder \(folder) is not downloaded: finish with hf download \(repository.name)"
    }

    /// The sentence for a pipeline that its index calls something else than Stable Diffusion; `nil` for one, and where
    /// there is no index.
    private var otherClass: String? {
        guard let name = PipelineIndex.otherClass(in: path) else { return nil }
        return "its model_index.json says \(name): name a model that says StableDiffusionPipeline"
    }
}

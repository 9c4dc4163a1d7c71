import FoundationEssentials
import Images
import Kernels
import Networks
import Segmentation

/// Holds the published method as a whole against `golden/published`, where there is such a folder: what the captioner
/// writes, the prompts made of that, their weighted states, and the map of each label's pass.
struct PublishedChecks {
    let model: Model
    let stages: GoldenFolder
    private let checkpoint: String

    /// - Parameter checkpoint: holds `blip`
    init(_ model: Model, checkpoint: String, _ stages: GoldenFolder) {
        self.model = model
        self.checkpoint = checkpoint
        self.stages = stages
    }

    func run(_ table: inout VerifyTable) throws {
        let goldens = GoldenFolder(directory: stages.path("published"))
        guard FileManager.default.fileExists(atPath: goldens.directory) else { return }
        let golden = try goldens.json("labels", as: GoldenPublished.self)
        let file = try goldens.tensors("labels")
        let captioner = try Captioner(
            directory: "\(checkpoint)/blip", precision: model.precision, cache: nil, while: { true })
        var arena = try Arena(reserving: captioner.scratchBytes)
        let picture = try stages.bytes("image.png")
        let states = try captioner.states(of: Image(decoding: picture), cancellation: .never, &arena)
        let caption = try captioner.caption(of: states, beginning: "", cancellation: .never, &arena)
        table.compareExactly(caption, golden.caption, as: "published.caption")
        let segmenter = try Segmenter(
            Pipeline(model: model, captioner: captioner, filter: nil), workspace: Workspace(limits: .standard))
        for (recipe, name) in [(Recipe.published, "published"), (.publishedAsShipped, "shipped")] {
            try contexts(recipe, name, golden, file, &table)
            try answer(recipe, name, golden, file, picture, segmenter, &table)
        }
        table.expectAll(of: file, as: "published", except: [])
    }

    /// The text encoder's states of the golden's prompts. Of a label of one word there are none as shipped: they are
    /// those of every word.
    private func contexts(
        _ recipe: Recipe, _ name: String, _ golden: GoldenPublished, _ file: TensorFile, _ table: inout VerifyTable
    ) throws {
        var arena = try model.scratch()
        for label in golden.labels where file.has("\(label.label).\(name).context") {
            let prompt = ReadPrompt(
                label.prompt, enhancing: recipe.enhancement.words == .all ? label.words : label.last_word,
                by: recipe.enhancement.factor, from: .emptyPrompt)
            let text = try EncodedText.reading([prompt], model, cancellation: .never, &arena)[0]
            try table.compare(text.context.array, file, "\(label.label).\(name).context", as: "published")
        }
    }

    /// The answer to all labels, from the picture on.
    private func answer(
        _ recipe: Recipe, _ name: String, _ golden: GoldenPublished, _ file: TensorFile, _ picture: [UInt8],
        _ segmenter: Segmenter, _ table: inout VerifyTable
    ) throws {
        let request = try SegmentationRequest(
            picture: .file(picture), labels: golden.labels.map { Label(name: $0.label, phrases: []) }, recipe: recipe,
            forwardPrompt: nil, seed: golden.seed, timestep: golden.timestep, threshold: nil, maps: .latent,
            wantsMask: false, model: "")
        var phrases: [UnderstoodPhrase] = []
        var maps: [[Float]] = []
        try segmenter.answer(request) { event in
            switch event {
            case .header(let header): phrases = header.labels.flatMap(\.phrases)
            case .scores(let scores): maps.append(scores.scores)
            case .mask, .probed, .report: break
            }
        }
        for ((label, phrase), map) in zip(zip(golden.labels, phrases), maps) {
            let row = "published.\(label.label).\(name)"
            table.compareExactly(phrase.caption, label.caption, as: "\(row).caption")
            table.compareExactly(phrase.prompt, label.prompt, as: "\(row).prompt")
            table.compareExactly(phrase.positions, label.read, as: "\(row).read")
            if file.has("\(label.label).\(name).map") {
                try table.compare(map, file, "\(label.label).\(name).map", as: "published")
            }
        }
    }
}

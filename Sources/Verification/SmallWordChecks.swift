import FoundationEssentials
import Images
import Kernels
import LocalEngine
import Networks
import Segmentation

/// Holds what reads and chooses words to a small checkpoint's goldens, those that there are.
struct SmallWordChecks {
    let model: Model
    let goldens: GoldenFolder
    private let checkpoint: String

    /// - Parameter checkpoint: holds `blip` and `clip`
    init(_ model: Model, checkpoint: String, _ goldens: GoldenFolder) {
        self.model = model
        self.checkpoint = checkpoint
        self.goldens = goldens
    }

    func run(_ table: inout VerifyTable) throws {
        let picture = try Image(decoding: goldens.bytes("image.png"))
        if goldens.has("weighted_prompts.safetensors") { try weightedPrompts(&table) }
        if goldens.has("blip.safetensors") { try captioner(picture, &table) }
        if goldens.has("clip.safetensors") { try filter(picture, &table) }
    }

    private func captioner(_ picture: Image, _ table: inout VerifyTable) throws {
        let captioner = try Captioner(
            directory: "\(checkpoint)/blip", precision: model.precision, cache: nil, while: { true })
        let tokens = try goldens.json("bert_tokens", as: [String: [Token]].self)
        for (index, text) in tokens.keys.sorted().enumerated() {
            table.compareExactly(
                captioner.tokenizer.encode(text), tokens[text] ?? [], as: "bert_tokens.\(index)")
        }
        var arena = try Arena(reserving: captioner.scratchBytes)
        let words = try words("blip", picture)
        try CaptionerChecks(pretrained: captioner.blip, pictures: captioner.pictures, goldens: words)
            .run(&table, &arena)
        table.expectAll(of: words.file, as: "blip", except: ["prompt_ids"])
    }

    private func filter(_ picture: Image, _ table: inout VerifyTable) throws {
        let filter = try LabelFilter(
            directory: "\(checkpoint)/clip", clipMerges: Resources.clipMerges, precision: model.precision, cache: nil,
            while: { true })
        var arena = try Arena(reserving: filter.scratchBytes)
        let words = try words("clip", picture)
        let labels = try goldens.json("per_label", as: GoldenLabels.self).labels
        let length = filter.clip.network.configuration.text.positions
        table.compareExactly(
            labels.map { filter.tokenizer.encode("a photo of a \($0)", length: length).tokens },
            try words.tokens("text_ids"), as: "clip.text_ids")
        try FilterChecks(pretrained: filter.clip, pictures: filter.pictures, goldens: words).run(&table, &arena)
        table.expectAll(of: words.file, as: "clip", except: [])
    }

    private func words(_ name: String, _ picture: Image) throws -> WordGoldens {
        WordGoldens(
            file: try goldens.tensors(name), rows: name, prefix: "", picture: picture, steps: (1, 1, 1))
    }

    /// The text encoder's states of prompts, with weights as compel writes them.
    private func weightedPrompts(_ table: inout VerifyTable) throws {
        let file = try goldens.tensors("weighted_prompts")
        var arena = try model.scratch()
        for name in file.header.tensors.map(\.name) {
            let read = try EncodedText.reading([prompt(weighted: name)], model, cancellation: .never, &arena)[0]
            try table.compare(read.context.array, file, name, as: "weighted_prompts")
        }
    }

    /// A prompt of which a word, or a group in parentheses, has "++" behind it.
    private func prompt(weighted text: String) -> ReadPrompt {
        guard let end = text.firstRange(of: "++")?.lowerBound else { return ReadPrompt(text) }
        let head = text[..<end]
        let isGroup = head.hasSuffix(")")
        let start = head.lastIndex(of: isGroup ? "(" : " ").map(head.index(after:)) ?? head.startIndex
        let (before, words) = (head[..<start].filter { $0 != "(" }, head[start...].filter { $0 != ")" })
        let first = 1 + model.tokenizer.tokens(of: before).count
        let positions = first..<first + model.tokenizer.tokens(of: words).count
        return ReadPrompt(
            before + words + text[end...].dropFirst(2), enhancing: positions.map(Int32.init), by: 1.1 * 1.1,
            from: .emptyPrompt)
    }
}

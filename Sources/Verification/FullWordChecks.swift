import Images
import Kernels
import Networks
import Segmentation

/// Holds full-size networks of words to `words.safetensors`, whose tensors are called after the folders of their
/// networks; ``SmallWordChecks`` does so for small ones.
struct FullWordChecks {
    /// Holds the networks' folders.
    let directory: String
    let goldens: GoldenFolder
    let precision: Precision

    /// How far PyTorch's bfloat16 is from its f32 on these networks' random weights, at least: the limits of int16.
    private static let limits: (captioner: Float, filter: Float) = (0.2, 1.5e-2)

    func run(_ table: inout VerifyTable) throws {
        let file = try goldens.tensors("words")
        let picture = try Image(decoding: goldens.bytes("image.png"))
        let names = file.header.tensors.map(\.name)
        let networks = Set(names.compactMap { name in name.lastIndex(of: ".").map { String(name[..<$0]) } })
        for network in networks.sorted() {
            let words = WordGoldens(
                file: file, rows: "words", prefix: "\(network).", picture: picture, steps: (48, 16, 16))
            let folder = "\(directory)/\(network)"
            if words.has("prompt_ids") {
                if precision == .int16 { table.limit = Self.limits.captioner }
                try captioner(folder, words, &table)
            }
            if words.has("text_ids") {
                if precision == .int16 { table.limit = Self.limits.filter }
                try filter(folder, words, &table)
            }
        }
        table.expectAll(of: file, as: "words", except: networks.flatMap { ["\($0).prompt_ids", "\($0).text_ids"] })
    }

    private func captioner(_ folder: String, _ words: WordGoldens, _ table: inout VerifyTable) throws {
        let blip = try Pretrained<BLIP>(folder, precision: precision, cache: nil) { true }
        var arena = try Arena(reserving: Captioner.scratchBytes(blip.network.configuration, .unstated))
        try CaptionerChecks(pretrained: blip, pictures: pictures(folder, .blip), goldens: words)
            .run(&table, &arena)
    }

    private func filter(_ folder: String, _ words: WordGoldens, _ table: inout VerifyTable) throws {
        let clip = try Pretrained<CLIP>(folder, precision: precision, cache: nil) { true }
        var arena = try Arena(reserving: LabelFilter.scratchBytes(clip.network.configuration, precision))
        try FilterChecks(pretrained: clip, pictures: pictures(folder, .clip), goldens: words).run(&table, &arena)
    }

    private func pictures(
        _ folder: String, _ processor: PictureConfiguration.Processor
    ) throws -> PictureConfiguration {
        try PictureConfiguration(RegularFile(path: "\(folder)/\(PictureConfiguration.file)"), processor)
    }
}

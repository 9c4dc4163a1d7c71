import FoundationEssentials
import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

/// What transformers says of one scene.
private struct Golden: Decodable {
    let scene, caption, prefix, prefix_caption: String
    let labels, filter_b, phrases: [String]
    let caption_ids, prefix_caption_ids: [Token]
    let logit_scale: Float
    let filter_c: FilterC

    struct FilterC: Decodable {
        let threshold, lower: Float
        let labels: [String]
    }

    static func read() throws -> (json: Golden, file: TensorFile, picture: Image) {
        let bytes = try Repository.bytes("\(DemoWords.folder)/golden.json")
        let json = try JSONDecoder().decode(Golden.self, from: Data(bytes))
        return (
            json, try TensorFile(path: "\(DemoWords.folder)/golden.safetensors"),
            try DemoWords.scene("\(DemoWords.folder)/\(json.scene).jpg")
        )
    }
}

/// What the reference says of a scene of the fixtures.
private struct Row: Decodable {
    let name, caption, continued: String
    let prefix: Int
    let truth, b, b_syn, c, c_without_caption: [Int]

    static func all() throws -> [Row] {
        try JSONDecoder().decode(
            [Row].self, from: Data(Repository.bytes("\(DemoWords.folder)/labels.json")))
    }

    func picture() throws -> Image {
        try DemoWords.scene("\(Repository.root)/Tests/Fixtures/scenes/JPEGImages/\(name).jpg")
    }
}

/// The largest difference.
private func error(_ found: [Float], _ file: TensorFile, _ name: String) throws -> Float {
    let expected = try file.values(of: name)
    try #require(found.count == expected.count, "\(name): \(found.count) of \(expected.count)")
    return zip(found, expected).map { ($0 - $1).magnitude }.max() ?? .infinity
}

private let names = DemoWords.candidates.map(\.label.name)

@Suite struct `the demo's words` {
    @Test func `are what transformers makes of a scene, stage by stage`() throws {
        let (golden, file, picture) = try Golden.read()
        let filter = try DemoWords.filter(.f32)
        var arena = try Arena(reserving: filter.scratchBytes)
        let pixels = try picture.map(as: filter.pictures, .never).matrix.planes
        #expect(try error(pixels, file, "clip.pixel_values") < 1e-5)
        let all = try Filter(named: "published", settings: ["patches=hidden"])
        let embedding = try filter.embedding(of: picture, for: all)
        #expect(try error(#require(embedding.picture).array, file, "clip.image_embeds") < 1e-3)
        let texts = try filter.bank(
            golden.labels.map { [$0] }, [PromptTemplate(before: "a photo of a ", after: "")], for: 1,
            cancellation: .never, &arena
        ).embeddings
        #expect(try error(texts.array, file, "clip.text_embeds") < 1e-3)
        for (made, name) in [(PatchConfiguration.States.hidden, "patch"), (.values, "maskclip")] {
            let parts = PictureEmbedding.Parts(picture: false, patches: made)
            let prepared = try filter.prepare(picture, cancellation: .never)
            let patches = try #require(
                try filter.look(at: prepared, for: parts, cancellation: .never, &arena).patches)
            let cosines = Matrix(stored: golden.labels.count, by: patches.grid.pixels)
            cosines.setDotProducts(patches.embeddings, texts)
            #expect(try error(cosines.planes, file, "clip.\(name)_cosines") < 1e-3, "\(made)")
        }
        let captioner = try DemoWords.captioner(.f32)
        let states = try captioner.states(of: picture)
        #expect(try error(states.array, file, "blip.vision.last_hidden_state") < 1e-3)
        #expect(try captioner.caption(of: states, beginning: "") == golden.caption)
        #expect(try captioner.caption(of: states, beginning: golden.prefix) == golden.prefix_caption)
        let text = captioner.blip.network.configuration.text
        for (beginning, ids) in [("", golden.caption_ids), (golden.prefix, golden.prefix_caption_ids)] {
            var scratch = try Arena(reserving: captioner.scratchBytes)
            #expect(
                try captioner.blip.network.caption(
                    continuing: [text.start] + captioner.tokenizer.tokens(of: beginning), of: states,
                    limit: captioner.generation.limit, end: text.end, cancellation: .never, &scratch) == ids)
        }
    }

    @Test func `choose the labels that the reference chooses, by the same scores`() throws {
        let (golden, file, picture) = try Golden.read()
        let filter = try DemoWords.filter(.f32)
        #expect(filter.patches.threshold == golden.filter_c.threshold && filter.patches.lower == golden.filter_c.lower)
        var arena = try Arena(reserving: filter.scratchBytes)
        let part = try #require(Filter.best.patches)
        let labels = try filter.bank(names.map { [$0] }, part.templates, for: 1, cancellation: .never, &arena)
            .embeddings
        #expect(try error(labels.array, file, "filter.label_bank") < 1e-3)
        let words = try filter.bank(
            filter.patches.background.map { [$0] }, part.surroundings, for: 1, cancellation: .never, &arena
        ).embeddings
        #expect(try error(words.array, file, "filter.background_bank") < 1e-3)
        let nouns = DemoWords.nouns(golden.caption)
        #expect(nouns.map(\.words) == golden.phrases)
        let best = try filter.verdicts(DemoWords.candidates, nouns, picture, .best)
        #expect(try error(best.map(\.score), file, "filter.label_scores") < 1e-3)
        #expect(Set(best.kept.map { names[$0] }) == Set(golden.filter_c.labels))
        let published = try filter.verdicts(
            DemoWords.candidates, nouns, picture, Filter(named: "published", settings: ["synonyms=off"]))
        #expect(Set(published.kept.map { names[$0] }) == Set(golden.filter_b))
    }

    @Test func `say of every scene what the reference says`() throws {
        let (captioner, filter) = (try DemoWords.captioner(.f32), try DemoWords.filter(.f32))
        for row in try Row.all() {
            let picture = try row.picture()
            let states = try captioner.states(of: picture)
            let caption = try captioner.caption(of: states, beginning: "")
            #expect(caption == row.caption, "\(row.name)")
            let beginning = "a photograph of \(names[row.prefix])"
            #expect(try captioner.caption(of: states, beginning: beginning) == row.continued, "\(row.name)")
            let nouns = Nouns.all(in: caption)
            func kept(_ name: String, _ settings: [String]) throws -> [Int] {
                try filter.verdicts(DemoWords.candidates, nouns, picture, Filter(named: name, settings: settings)).kept
            }
            #expect(try kept("best", []) == row.c, "\(row.name)")
            #expect(try kept("best", ["lower=off"]) == row.c_without_caption, "\(row.name)")
            #expect(try kept("published", ["synonyms=off"]) == row.b, "\(row.name)")
            #expect(try kept("published", []) == row.b_syn, "\(row.name)")
        }
    }

    /// Of labels that fixed point may move over a threshold there are few, of captions one in twenty.
    @Test func `are nearly the same in fixed point`() throws {
        let (captioner, filter) = (try DemoWords.captioner(.int16), try DemoWords.filter(.int16))
        let rows = try Row.all()
        var (captions, right, found, there) = (0, 0, 0, 0)
        for row in rows {
            let picture = try row.picture()
            let caption = try captioner.caption(of: captioner.states(of: picture), beginning: "")
            captions += caption == row.caption ? 1 : 0
            let kept = try filter.verdicts(DemoWords.candidates, Nouns.all(in: caption), picture, .best).kept
            right += Set(kept).intersection(row.truth).count
            (found, there) = (found + kept.count, there + row.truth.count)
        }
        #expect(20 * captions >= 19 * rows.count, "\(captions) of \(rows.count) captions")
        let reference = rows.reduce(into: (0, 0)) {
            $0.0 += Set($1.c).intersection($1.truth).count
            $0.1 += $1.c.count
        }
        let (ours, theirs) = (
            2 * Double(right) / Double(found + there), 2 * Double(reference.0) / Double(reference.1 + there)
        )
        #expect(abs(ours - theirs) <= 0.01 && ours > 0.8, "F1 \(ours), the reference's \(theirs)")
    }
}

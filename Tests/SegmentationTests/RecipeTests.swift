import Images
import Kernels
import Networks
import Testing

@testable import Segmentation

extension SelfAttentionCaptures {
    /// What the recipes of today capture.
    static let finest = SelfAttentionCaptures(level: 0, layers: .all, heads: nil)
    /// The first two layers of the way up, at the latent's size.
    static let firstUp = SelfAttentionCaptures(
        level: 0, layers: LayerSelection(down: .none, middle: .none, up: .first(2)), heads: nil)
    static let coarser = SelfAttentionCaptures(
        level: 1, layers: LayerSelection(down: .first(1), middle: .none, up: .all), heads: nil)
    /// Of a U-Net of four levels, whose coarsest has attention in the middle alone.
    static let middle = SelfAttentionCaptures(
        level: 3, layers: LayerSelection(down: .none, middle: .all, up: .none), heads: nil)
    static let oneHead = SelfAttentionCaptures(level: 0, layers: .all, heads: [1])
}

extension Recipe {
    /// All recipes, but of CLIPer's one: in the others only numbers and lists of texts differ.
    static let tested = all.filter { $0.dense == nil || $0 == .cliperVOC }

    /// A recipe that has the name of another.
    static func variant(
        template: PromptTemplate = .photograph, captions: Bool = false, forwardPrompt: ForwardPrompt = .fixed(""),
        enhancement: Enhancement = .none,
        timestep: Int = 100, geometry: Geometry = .square, resampling: Resampling = .bilinear,
        captures: SelfAttentionCaptures = .finest, softmax: Softmax = .own,
        weights: [[Float]] = [[0.3, 0.5, 0.1, 0.1], [0.3, 0.5, 0.2]], maps: Aggregation.Maps = .ofPhrases,
        affinity: AffinityRule = .mean, rounds: Int = 1, normalizes: Bool = false, scales: Bool = false,
        share: Share? = nil, sizing: Sizing = .direct, edges: Edges? = nil, presence: Float? = nil,
        background: Float = 0.5, labelsTakeTies: Bool = false
    ) -> Recipe {
        Recipe(
            name: "shared", about: .shared, template: template, captions: captions, forwardPrompt: forwardPrompt,
            enhancement: enhancement,
            timestep: timestep, geometry: geometry, resampling: resampling, captures: captures, softmax: softmax,
            aggregation: Aggregation(weights: weights, maps: maps),
            refinement: Refinement(affinity: affinity, rounds: rounds, normalizes: normalizes, scales: scales),
            share: share, sizing: sizing, edges: edges, presence: presence, background: background,
            labelsTakeTies: labelsTakeTies)
    }

    /// All tokens' maps, of all layers and heads.
    static func tokens(
        layers: [Int: LayerSelection] = [:], heads: [Int: [Int]] = [:], clustering: Clustering? = nil
    ) -> Aggregation.Maps {
        .ofTokens(TokenMaps(layers: layers, heads: heads, clustering: clustering))
    }

    static let doubled = Enhancement(factor: 2, origin: .zero, words: .all)
    static let list = PhraseList(before: "a photograph of ", between: " and ", after: "")
}

@Suite struct `A recipe` {
    @Test func `is what it says, not its name: nothing that another one computed is taken for its own`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let question = try RequestBuilder("dog", "grass")
        var seen = [try segmenter.ask(question).bits]
        for recipe: Recipe in [
            .variant(rounds: 2), .variant(rounds: 0), .variant(affinity: .weighed(.standard)),
            .variant(affinity: .weighed(ColourKernel(colour: 0.2, position: 0.3))), .variant(share: Share(gamma: 1)),
            .variant(share: Share(gamma: 8)), .variant(softmax: .joint),
            .variant(weights: [[0.1, 0.1, 0.3, 0.5], [0.2, 0.3, 0.5]]),
            .variant(captures: .firstUp), .variant(captures: .coarser), .variant(captures: .middle),
            .variant(template: PromptTemplate(before: "", after: " in a street")),
            .variant(geometry: Geometry(shape: .sized(Grid(height: 64, width: 192)), detail: 1)),
            .variant(resampling: .nearest),
            .variant(forwardPrompt: .fixed("a street")), .variant(forwardPrompt: .own), .variant(timestep: 200),
            .variant(forwardPrompt: .joined(Recipe.list)),
            .variant(forwardPrompt: .joined(Recipe.list), enhancement: Recipe.doubled),
            .variant(enhancement: Recipe.doubled), .variant(captures: .oneHead), .variant(maps: Recipe.tokens()),
            .variant(maps: Recipe.tokens(layers: [1: LayerSelection(down: .all, middle: .all, up: .none)])),
            .variant(maps: Recipe.tokens(heads: [1: [0, 5]])), .variant(maps: Recipe.tokens(clustering: .standard)),
            .variant(maps: Recipe.tokens(clustering: Clustering(count: 4, rounds: 3))),
            .variant(affinity: .sharpened(EntropyKernel(entropy: 0))),
            .variant(affinity: .sharpened(EntropyKernel(entropy: 0.1))), .variant(normalizes: true),
            .variant(affinity: .heads(HeadRule(threshold: 0.1, combination: .product))),
            .variant(affinity: .heads(HeadRule(threshold: 0.3, combination: .product))),
            .variant(affinity: .heads(HeadRule(threshold: 0.1, combination: .mean))), .variant(scales: true),
        ] {
            let answer = try segmenter.ask(question.with(\.recipe, recipe))
            #expect(answer.header.recipe == recipe && !seen.contains(answer.bits))
            #expect(try Fixture.segmenter(Fixture.tiny).ask(question.with(\.recipe, recipe)).bits == answer.bits)
            seen.append(answer.bits)
        }
        #expect(try segmenter.ask(question.with(\.recipe, .variant())).bits == seen[0])
    }

    @Test func `shares the passes of those that capture the same, and of no others`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let question = try RequestBuilder("dog")
        func passes(_ recipe: Recipe) throws -> Int {
            try segmenter.ask(question.with(\.recipe, recipe)).report.passes
        }
        #expect(try passes(.shared) == 1)
        #expect(try passes(.variant(rounds: 2)) == 0)
        #expect(try passes(.variant(weights: [[0.4, 0.3, 0.2, 0.1]])) == 0)
        #expect(try passes(.variant(share: Share(gamma: 8), edges: .standard)) == 0)
        #expect(try passes(.variant(softmax: .joint)) == 0)
        #expect(try passes(.variant(weights: [[0, 0, 0, 1]])) == 1, "queries without a weight are not kept")
        #expect(try passes(.variant(weights: [[0, 0, 0, 0.5]])) == 0)
        #expect(try passes(.variant(affinity: .weighed(.standard))) == 1)
        #expect(try passes(.variant(affinity: .weighed(.standard), rounds: 2)) == 0)
        #expect(try passes(.variant(captures: .firstUp)) == 1)
        #expect(try passes(.variant(captures: .firstUp, rounds: 3)) == 0)
        #expect(try passes(.variant(captures: .coarser)) == 1)
        #expect(try passes(.variant(captures: .finest, rounds: 3)) == 0)
        #expect(try passes(.variant(normalizes: true)) == 0)
        #expect(try passes(.variant(scales: true)) == 0)
        #expect(try passes(.variant(presence: 0.3)) == 0)
        #expect(try passes(.variant(captures: .oneHead)) == 1)
        #expect(try passes(.variant(affinity: .sharpened(EntropyKernel(entropy: 0.1)))) == 1)
        #expect(try passes(.variant(maps: Recipe.tokens())) == 0)
        #expect(try passes(.variant(maps: Recipe.tokens(clustering: .standard))) == 0)
        #expect(try passes(.variant(forwardPrompt: .joined(Recipe.list))) == 1)
    }

    @Test func `scores the background where a request does not`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let question = try RequestBuilder("dog", "grass").with(\.wantsMask, true)
        let expected = try segmenter.ask(question.with(\.threshold, 0.8))
        let found = try segmenter.ask(question.with(\.recipe, .variant(background: 0.8)))
        #expect((found.header.threshold, found.bits) == (0.8, expected.bits))
        #expect(found.mask?.indices == expected.mask?.indices)
        #expect(try segmenter.ask(question).mask?.indices != expected.mask?.indices)
    }

    @Test func `without weights for the resolutions of a U-Net is refused`() throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        let error = #expect(throws: SegmentationError.self) {
            try segmenter.ask(RequestBuilder("dog").with(\.recipe, .variant(weights: [[1], [0.5, 0.5]])))
        }
        #expect("\(error, default: "")".contains("no weights"))
    }

    @Test(arguments: [
        SelfAttentionCaptures(level: 5, layers: .all, heads: nil),
        SelfAttentionCaptures(
            level: 0, layers: LayerSelection(down: .none, middle: .all, up: .none), heads: nil),
        SelfAttentionCaptures(
            level: 0, layers: LayerSelection(down: .none, middle: .none, up: .only(9)), heads: nil),
    ])
    func `that captures no layer of a U-Net is refused, whatever it does with them`(
        captures: SelfAttentionCaptures
    ) throws {
        let segmenter = try Fixture.segmenter(Fixture.tiny)
        for rounds in 0...1 {
            let recipe = Recipe.variant(captures: captures, rounds: rounds)
            let error = #expect(throws: SegmentationError.self) {
                try segmenter.ask(RequestBuilder("dog").with(\.recipe, recipe))
            }
            #expect("\(error, default: "")".contains("self-attention at level \(captures.level)"))
        }
    }
}

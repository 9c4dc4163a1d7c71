package import Kernels
package import Networks
import Texts

/// Labels scored at each patch of a picture, as seeds of their maps (Sun et al., "CLIPer", 2024, 3.2).
///
///     texts      labels F, background words, and the mean of F                              [T, projection]
///     s_k        softmax over texts of scale · cosine, of the labels, in each layer k       [labels, patches]
///     s_l        of the chosen layer: weak ones become 0, also in the mean                  [labels, patches]
///     seeds      s_l B + mean of s_k over k, B the links between patches                    [labels, patches]
///
/// Seeds exceed 1. A label's depend on the other labels, but not on their order.
extension LabelFilter {
    /// Seeds of labels, and the grid of patches that they lie on.
    ///
    /// - Parameters:
    ///   - picture: as ``reading(by:)`` says
    ///   - classes: the wordings of each label, at least one of each
    ///   - rule: what the CLIP is taken for
    ///   - owner: the user who asks
    /// - Returns: `[H·W]` for each label
    /// - Throws: `Interruption` between layers and between labels
    package func seeds(
        of picture: PreparedPixels, classes: [[String]], by rule: DenseRule, for owner: UInt32,
        cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> (grid: Grid, maps: [[Float]]) {
        let vision = clip.network.configuration.vision
        let map = picture.map
        let grid = vision.patches(of: Grid(height: map.height, width: map.width))
        guard !classes.isEmpty else { return (grid, []) }
        let order = classes.indices.sorted { Self.key(classes[$0]).lexicographicallyPrecedes(Self.key(classes[$1])) }
        let texts = try texts(of: order.map { classes[$0] }, by: rule, for: owner, cancellation: cancellation, &arena)
        let layers = vision.sizes.layers
        return try arena.scope { (arena) throws(Interruption) in
            let scores = arena.matrix(rows: layers * classes.count, columns: grid.pixels)
            let links = arena.matrix(rows: grid.pixels, columns: grid.pixels)
            try arena.scope { (arena) throws(Interruption) in
                let embeddings = arena.matrix(
                    rows: layers * grid.pixels, columns: clip.network.configuration.projection)
                try clip.network.embedLayers(
                    of: map, into: embeddings, links: links, cancellation: cancellation, &arena)
                Self.score(embeddings, against: texts, by: rule, into: scores, layers: layers, &arena)
            }
            let seeds = arena.matrix(rows: classes.count, columns: grid.pixels)
            Self.spread(scores, along: links, by: rule, into: seeds, layers: layers)
            var maps = [[Float]](repeating: [], count: classes.count)
            for (row, place) in order.enumerated() { maps[place] = seeds.rows(row..<row + 1).array }
            return (grid, maps)
        }
    }

    /// How pictures are read by a rule.
    func reading(by rule: DenseRule) -> PictureConfiguration {
        rule.reading(pictures, clip.network.configuration.vision)
    }

    /// By the bytes of its wordings.
    private static func key(_ wordings: [String]) -> [ExactString] { wordings.map { ExactString($0) } }

    /// The embeddings of labels, of background words, both of length 1, and the mean of the labels': `[T, projection]`.
    ///
    /// A text's is the mean over the templates, and over its wordings.
    func texts(
        of classes: [[String]], by rule: DenseRule, for owner: UInt32, cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) -> Matrix {
        let all = classes + rule.background.map { [$0] }
        let texts = Matrix(stored: all.count + 1, by: clip.network.configuration.projection)
        for (row, wordings) in all.enumerated() {
            let prompts = wordings.flatMap { words in rule.templates.map { $0.prompt(for: words) } }
            let embeddings = try embeddings(of: prompts, for: owner, cancellation: cancellation, &arena)
            texts.rows(row..<row + 1).setMean(of: embeddings, &arena)
        }
        texts.rows(0..<all.count).setUnitRows()
        texts.rows(all.count..<texts.rows).setMean(of: texts.rows(0..<classes.count), &arena)
        return texts
    }

    /// The scores of labels in each layer.
    ///
    /// - Parameters:
    ///   - embeddings: of patches, `[layers · patches, projection]`; of length 1 afterwards
    ///   - texts: `[T, projection]`, those of the labels first; of length 1 afterwards
    ///   - scores: `[layers · labels, patches]`
    static func score(
        _ embeddings: Matrix, against texts: Matrix, by rule: DenseRule, into scores: Matrix, layers: Int,
        _ arena: inout Arena
    ) {
        let (classes, patches) = (scores.rows / layers, scores.columns)
        embeddings.setUnitRows()
        texts.setUnitRows()
        arena.scope { arena in
            let cosines = arena.matrix(rows: patches, columns: texts.rows)
            for layer in 0..<layers {
                cosines.setDotProducts(texts, embeddings.rows(layer * patches..<(layer + 1) * patches))
                cosines.setSoftmax(scale: rule.scale)
                scores.rows(layer * classes..<(layer + 1) * classes).fill(cosines.columns(0..<classes).planes)
            }
        }
    }

    /// The seeds of labels' scores.
    ///
    /// - Parameters:
    ///   - scores: `[layers · labels, patches]`, of the chosen layer cut afterwards
    ///   - links: `[patches, patches]`
    ///   - seeds: `[labels, patches]`
    static func spread(
        _ scores: Matrix, along links: Matrix, by rule: DenseRule, into seeds: Matrix, layers: Int
    ) {
        func part(_ layer: Int) -> Matrix { scores.rows(layer * seeds.rows..<(layer + 1) * seeds.rows) }
        let chosen = part(max(layers - rule.layer, 0))
        chosen.cut(below: rule.cut)
        seeds.setMatrixProduct(chosen, links)
        for layer in 0..<layers { seeds.blend(part(layer), times: 1 / Float(layers), keeping: 1) }
    }
}

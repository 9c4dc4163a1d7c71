import Images
import Kernels
import Networks

extension Segmenter {
    /// The maps of one step of probing.
    ///
    /// - Parameter sharing: the maps of all labels, where they have shared each pixel
    func probed(
        _ step: ProbeStep, _ understanding: Understanding, _ picture: AskedPicture, _ fusion: AttentionFusion,
        sharing: [[Float]], _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> [ProbedMap] {
        let labels = understanding.groups[step.group]
        let name: String
        let grid: Grid
        let maps: [[Float]]
        switch step.view {
        case .attention(let x, let y):
            name = "self-attention"
            let pixel = (x: x, y: y, of: understanding.picture)
            (grid, maps) = try attention(of: pixel, labels, picture, fusion, &answer)
        case .layer(let layer):
            name = model.layerName(layer)
            (grid, maps) = try attention([layer], fusion.cross.level(of: layer), labels, picture, fusion, &answer)
        case .stage(.resolution(let level)):
            (grid, maps) = try attention(
                fusion.cross.layers(at: level), level, labels, picture, fusion, &answer)
            name = "cross-attention \(grid.width) x \(grid.height)"
        case .stage(.fused):
            name = answer.request.recipe.dense == nil ? "fused" : "patches"
            (grid, maps) = try fused(rounds: nil, labels, picture, fusion, &answer)
        case .stage(.completed(let rounds)):
            name = "completed \(rounds)"
            (grid, maps) = try fused(rounds: rounds, labels, picture, fusion, &answer)
        case .stage(.shared):
            name = "shared"
            (grid, maps) = (understanding.grid, Array(sharing[labels.indices]))
        }
        return zip(labels.indices, maps).map { label, map in
            ProbedMap(
                probe: step.probe, name: name, label: label, width: grid.width, height: grid.height, scores: map)
        }
    }

    /// Maps of labels: the means of what `body` gives for those of their phrases that share a pass.
    private func means(
        _ labels: ArraySlice<UnderstoodLabel>, _ picture: AskedPicture, _ fusion: AttentionFusion,
        _ answer: inout AnswerInProgress,
        _ body: (_ labels: [[AskedPhrase]], [AttentionFeatures], inout Arena) throws(Interruption) -> [[Float]]
    ) throws(SegmentationError) -> [[Float]] {
        let keys = scoreKeys(labels, picture, fusion, answer.request)
        var maps: [[Float]] = []
        for batch in batches(keys.flatMap(\.self), of: keys, atMost: answer.request.recipe.groupPhrases) {
            let (asked, features) = try read(batch, picture, &answer)
            maps += try answer.timing(.maps) { () throws(SegmentationError) in
                do throws(Interruption) {
                    return try body(asked, features, &workspace.arena)
                } catch {
                    throw SegmentationError(error)
                }
            }
        }
        var rest = maps[...]
        return keys.map { phrases in
            defer { rest = rest.dropFirst(phrases.count) }
            return Self.mean(of: Array(rest.prefix(phrases.count)))
        }
    }

    /// The cross-attention of some layers of one level to labels.
    private func attention(
        _ layers: [Int], _ level: Int, _ labels: ArraySlice<UnderstoodLabel>, _ picture: AskedPicture,
        _ fusion: AttentionFusion, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> (Grid, [[Float]]) {
        let maps = try means(labels, picture, fusion, &answer) { asked, features, arena in
            fusion.cross.attention(to: asked, in: features, layers, level, &arena)
        }
        return (picture.layout.grid.level(level), maps)
    }

    /// The fused maps of labels, or where CLIP scores them its scores, and what some rounds of completion make of them.
    ///
    /// - Parameter rounds: `nil`: before completion
    private func fused(
        rounds: Int?, _ labels: ArraySlice<UnderstoodLabel>, _ picture: AskedPicture, _ fusion: AttentionFusion,
        _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> (Grid, [[Float]]) {
        let cancellation = answer.cancellation
        let grid = picture.layout.grid
        guard let rule = answer.request.recipe.dense else {
            let maps = try means(labels, picture, fusion, &answer) {
                (asked, features, arena) throws(Interruption) in
                let fused = fusion.fused(asked, in: features, &arena)
                guard let rounds else { return fused }
                return try fusion.completed(
                    fused, rounds: rounds, in: features, cancellation: cancellation, &arena)
            }
            return (grid, maps)
        }
        let seeds = try seeds(of: labels, by: rule, picture, &answer)
        guard let rounds else { return seeds }
        let keys = scoreKeys(labels, picture, fusion, answer.request)
        let features = try features(of: picture, keys[0][0].features, &answer)
        do throws(Interruption) {
            let maps = try fusion.scores(
                of: seeds.maps, on: seeds.grid, rounds: rounds, in: features, cancellation: cancellation,
                &workspace.arena)
            return (grid, maps)
        } catch {
            throw SegmentationError(error)
        }
    }

    /// Where the cell of a pixel looks, in the pass of the first label's first phrase: that depends on the prompt only
    /// where each phrase has a pass of its own, and there but little.
    private func attention(
        of pixel: (x: Int, y: Int, of: LookedAt), _ labels: ArraySlice<UnderstoodLabel>, _ picture: AskedPicture,
        _ fusion: AttentionFusion, _ answer: inout AnswerInProgress
    ) throws(SegmentationError) -> (Grid, [[Float]]) {
        let keys = scoreKeys(labels.prefix(1), picture, fusion, answer.request)
        let features = try features(of: picture, keys[0][0].features, &answer)
        let tiling = Tiling(picture.layout, level: fusion.captured.level)
        let (row, column) = (
            pixel.y * tiling.grid.height / pixel.of.height, pixel.x * tiling.grid.width / pixel.of.width
        )
        let (tile, cell) = tiling.cell(row: row, column: column)
        guard case .matrix(let affinity) = features[tile].affinity else {
            preconditionFailure("a probe of one affinity of all heads")
        }
        return (tiling.grid, [tiling.whole(affinity.row(cell), of: tile, &workspace.arena)])
    }
}

extension Model {
    /// A cross-attention layer's name, but for the module within its block: "down_blocks.0.attentions.1".
    fileprivate func layerName(_ layer: Int) -> String {
        let cross = unet.attentionLayers.filter { $0.kind == .crossAttention }
        let name = cross[layer].name
        return name.firstRange(of: ".transformer_blocks").map { String(name[..<$0.lowerBound]) } ?? name
    }
}

import RPC
import Texts

/// The outputs that options ask for, whatever labels an answer has.
struct WantedOutputs: Sendable {
    let mask: Output
    let overlay: Bool
    /// Of each label.
    let heat: Bool
    /// The cut-outs and the masks for inpainting.
    let ofRegions: [Output]
    let formats: [FileFormat]

    /// - Parameter labels: the names of the labels, or candidates, of which there are regions
    init(_ options: MaskOptions, among labels: [String]) throws(RegionError) {
        mask = options.maskValues == .grey ? .greyMask : .mask
        overlay = options.overlay
        heat = options.heat
        let edits = try options.editing.edits()
        let cuts = try Self.regions(options.editing.cuts, among: labels)
        let inpaints = try Self.regions(options.editing.inpaints, among: labels)
        ofRegions = cuts.map { .cut($0) } + inpaints.map { .inpaint($0, edits) }
        formats = options.formats.formats
    }

    /// The regions, each once.
    private static func regions(
        _ texts: [String], among labels: [String]
    ) throws(RegionError) -> [RegionExpression] {
        var regions: [RegionExpression] = []
        for text in texts {
            let region = try WrittenRegion(text).region(among: labels)
            if !regions.contains(region) { regions.append(region) }
        }
        return regions
    }

    /// Those beside the mask.
    func extras(of labels: [String]) -> [Output] {
        let names = Set(labels.map { ExactString($0) })
        return (overlay ? [.overlay] : []) + (heat ? labels.map { .heat(label: $0) } : [])
            + ofRegions.filter { $0.isThere(among: names) }
            + formats.flatMap { format in
                format.isOfEachLabel
                    ? labels.map { .format(format, label: $0) } : [.format(format, label: nil)]
            }
    }

    /// The regions that have no label of an answer, each once.
    func missing(among labels: [String]) -> [RegionExpression] {
        let names = Set(labels.map { ExactString($0) })
        return ofRegions.filter { !$0.isThere(among: names) }.compactMap(\.region).reduce(into: []) { missing, region in
            if !missing.contains(region) { missing.append(region) }
        }
    }

    /// Whether there are as many files of some output as there are labels.
    var hasFilesOfEachLabel: Bool { heat || formats.contains(where: \.isOfEachLabel) }

    /// How many files there are beside the mask and those of each label.
    var count: Int { (overlay ? 1 : 0) + ofRegions.count + formats.count { !$0.isOfEachLabel } }

    /// The kinds of score maps that are needed, one for each question; the first answer gives all that needs none.
    var maps: [SegmentRequest.Maps] {
        let needed = (heat ? [.sized] : []) + formats.map(\.maps)
        let kinds = [SegmentRequest.Maps.sized, .latent].filter(needed.contains)
        return kinds.isEmpty ? [.none] : kinds
    }
}

extension Output {
    /// Whether an answer with these labels has something to show in it.
    func isThere(among labels: Set<ExactString>) -> Bool {
        subjects?.contains { labels.contains(ExactString($0)) } ?? true
    }
}

import Texts

/// A mean IoU that a publication reports.
struct PublishedFigure: Sendable, Equatable {
    /// Where its labels of each picture are from.
    enum Labels: String, Sendable {
        /// The method finds them itself.
        case found
        /// From the truth.
        case given
    }

    let method: String
    /// The networks it reads pictures by, beside what it was trained for.
    let networks: String
    let set: String
    let split: String
    let background: EvaluationProtocol.Background
    let labels: Labels
    /// In percent, over all classes.
    let meanIoU: Double
    /// Where the number stands.
    let source: String
    /// The names of the recipes that follow this method, up to a colon.
    let recipes: [String]

    /// Those of a set, split and protocol, the anchor's first.
    static func all(of set: String, split: String, _ background: EvaluationProtocol.Background) -> [PublishedFigure] {
        all.filter {
            ExactString($0.set) == ExactString(set) && ExactString($0.split) == ExactString(split)
                && $0.background == background
        }
    }
}

extension PublishedFigure {
    /// A set under the protocol of a column of figures.
    private typealias Column = (set: String, split: String, background: EvaluationProtocol.Background, labels: Labels)

    private static let voc: Column = ("voc2012", "val", .isClass, .found)
    private static let context: Column = ("context", "val", .isClass, .found)
    private static let object: Column = ("coco-object", "val", .isClass, .found)

    /// What is published of a method, where its numbers stand, and its recipe.
    private typealias Row = (method: String, networks: String, figures: [Double?], source: String, recipes: [String])

    private static let quoted = "arXiv 2309.02773, as T2S and iSeg quote it"
    private static let diffSegmenter = ["published", "published-as-shipped", "diffsegmenter"]

    /// VOC with 21 classes, PASCAL Context with 60, COCO-Object with 81. Where sources differ, the number is that of
    /// T2S's table. Thresholds are tuned on the set by most.
    private static let openVocabulary: [Row] = [
        ("DiffSegmenter", "SD 1.5, BLIP, CLIP", [60.1, 27.5, 37.9], quoted, diffSegmenter),
        ("iSeg", "SD 2.1, TagCLIP", [68.2, 30.9, 38.4], "arXiv 2409.03209", ["iseg"]),
        ("CLIPer B/16", "CLIP B/16, SD 2.1", [66.4, 37.5, 39.2], "its repository", ["cliper-b16"]),
        ("CLIPer L/14", "CLIP L/14, SD 2.1", [72.2, 39.5, 44.7], "its repository", ["cliper"]),
        ("ReCo", "CLIP, retrieval", [25.1, 19.9, 15.7], "T2S's table", []),
        ("MaskCLIP", "CLIP B/16", [38.8, 23.6, 20.6], "T2S's table", []),
        ("SCLIP", "CLIP B/16", [43.8, 23.5, 24.6], "T2S's table", []),
        ("SegCLIP", "trained", [52.6, 24.7, 26.5], "T2S's table", []),
        ("FreeSeg-Diff", "SD, BLIP, CLIP", [53.3, nil, 31.1], "T2S's table", []),
        ("OVSegmentor", "trained", [53.8, 20.4, 25.1], "T2S's table", []),
        ("TCL", "trained", [55.0, 30.4, 31.6], "T2S's table", []),
        ("FreeDA", "SD, DINOv2", [55.4, 39.2, 37.4], "T2S's table", []),
        ("SAM-CLIP", "trained", [60.6, 29.2, 31.5], "T2S's table", []),
        ("ResCLIP", "CLIP B/16", [61.1, 33.5, 35.0], "ComCD's table", []),
        ("ProxyCLIP", "CLIP, DINO", [61.2, 38.3, 39.1], "T2S's table", []),
        ("LPOSS", "CLIP, DINO", [62.4, 34.3, 35.4], "ComCD's table", []),
        ("NACLIP", "CLIP B/16", [64.1, 35.0, 36.2], "ComCD's table", []),
        ("TagCLIP", "CLIP B/16", [64.8, nil, nil], "ComCD's table", []),
        ("CASS", "CLIP, DINO", [65.8, 36.7, 37.8], "ComCD's table", []),
        ("OVDiff", "SD, DINO, CLIP", [67.4, 29.1, 40.6], "T2S's table", []),
        ("CaR", "CLIP", [67.5, 31.5, 37.5], "T2S's table", []),
        ("NERVE", "CLIP, SD", [69.7, 37.7, 43.3], "ComCD's table", []),
        ("Trident", "CLIP, DINO, SAM", [70.8, 40.1, 42.2], "ComCD's table", []),
        // Its figure for PASCAL Context looks like one of 59 classes.
        ("ComCD", "CLIP B/16, SD 2.1, TagCLIP", [74.2, nil, 39.3], "its own table", []),
        ("T2S", "SD 1.4, SAM, CLIP", [74.2, 41.7, 45.6], "its own table", []),
        ("RIM", "SD, DINO, SAM", [77.8, 34.3, 44.5], "T2S's table", []),
    ]

    private static let contextWithout: Column = ("context", "val", .isIgnored, .given)
    private static let ade: Column = ("ade20k", "validation", .isIgnored, .given)

    /// PASCAL Context with 59 classes, ADE20K with 150; all with SD 1.5 but the last.
    private static let withoutBackground: [Row] = [
        ("DiffSegmenter", "SD 1.5", [45.9, 24.2], "Seg4Diff, which ran it again", diffSegmenter),
        ("iSeg", "SD 1.5", [39.2, 24.2], "Seg4Diff, which ran it again", ["iseg"]),
        ("Seg4Diff", "SD 3", [49.0, nil], "its own table", []),
    ]

    private static let vocTrain: Column = ("voc2012", "train", .isClass, .given)
    private static let objectTrain: Column = ("coco-object", "train", .isClass, .given)

    /// Pseudo-masks of the training split, from image labels.
    private static let pseudoMasks: [Row] = [
        ("DiffSegmenter", "SD 1.5, BLIP", [70.5, nil], quoted, diffSegmenter),
        ("iSeg", "SD 2.1", [75.2, 45.5], "arXiv 2409.03209", ["iseg"]),
        ("T2M", "SD 1.4", [72.7, 43.7], "its repository", []),
        ("ComCD", "CLIP B/16, SD 2.1", [82.1, 51.3], "its own table", []),
    ]

    private static let all =
        figures(of: openVocabulary, under: [voc, context, object])
        + figures(of: withoutBackground, under: [contextWithout, ade])
        + figures(of: pseudoMasks, under: [vocTrain, objectTrain])

    private static func figures(of rows: [Row], under columns: [Column]) -> [PublishedFigure] {
        rows.flatMap { row in
            zip(columns, row.figures).compactMap { column, figure in
                figure.map { figure in
                    PublishedFigure(
                        method: row.method, networks: row.networks, set: column.set, split: column.split,
                        background: column.background, labels: column.labels, meanIoU: figure, source: row.source,
                        recipes: row.recipes)
                }
            }
        }
    }
}

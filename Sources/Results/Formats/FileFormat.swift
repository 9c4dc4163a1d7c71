import RPC

/// A format of other programs, in which `--format` writes what an answer has.
package enum FileFormat: String, CaseIterable, Sendable, Codable {
    /// Each label's scores on the latent grid, for attention control such as Prompt-to-Prompt's local blend.
    case soft
    /// COCO's JSON with boxes alone.
    case boxes
    /// COCO's JSON with run-length encoded masks.
    case rle
    /// COCO's JSON with polygons.
    case polygons
    /// Ultralytics' lines of polygons.
    case yolo

    private struct Traits {
        let suffix: String
        let about: String
        let isOfEachLabel: Bool
        let maps: SegmentRequest.Maps
        let saysHowItWasMade: Bool
    }

    private var traits: Traits {
        func coco(_ about: String) -> Traits {
            Traits(
                suffix: "\(rawValue).json", about: about, isOfEachLabel: false, maps: .none, saysHowItWasMade: true)
        }
        return switch self {
        case .soft:
            Traits(
                suffix: "soft.npy",
                about: "each label's scores on the latent grid, float32 in 0 to 1 (.LABEL.soft.npy)",
                isOfEachLabel: true, maps: .latent, saysHowItWasMade: false)
        case .boxes: coco("COCO's JSON with a box for each label (.boxes.json)")
        case .rle: coco("the same with masks as run lengths (.rle.json)")
        case .polygons: coco("the same with polygons (.polygons.json)")
        case .yolo:
            Traits(
                suffix: "txt", about: "Ultralytics' polygons, of classes from 0 (.txt)", isOfEachLabel: false,
                maps: .none, saysHowItWasMade: false)
        }
    }

    /// What follows the picture's name, or the label's, and a full stop.
    var suffix: String { traits.suffix }
    /// For users.
    var about: String { traits.about }
    /// Whether each label has a file of its own.
    var isOfEachLabel: Bool { traits.isOfEachLabel }
    /// The score maps that it is made from.
    var maps: SegmentRequest.Maps { traits.maps }
    /// Whether it has room for a ``Provenance``.
    var saysHowItWasMade: Bool { traits.saysHowItWasMade }
}

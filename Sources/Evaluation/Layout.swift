/// Where the files of a data set lie below its folder, and what its truth says.
///
/// In paths `{split}` is the split's folder or list, and `{id}` the picture's identifier.
struct Layout: Sendable {
    /// As the set is asked for.
    let name: String
    /// Where the set's own folder may be below the one that was named, "" being that itself, in the order they are
    /// tried.
    let folders: [String]
    /// Folders of which the set's own has at least one.
    let marks: [String]
    /// The vocabulary with the truth's classes in its order; `nil`: `classes.txt` in the set's folder.
    let vocabulary: String?
    /// What the splits are called, each with the words for it that may be typed, the one that publications report
    /// first; none: the split is the name of a list.
    let splits: [(name: String, words: [String])]
    /// Where the identifiers come from: the first that is there.
    let lists: [IdentifierList]
    /// The identifier is the last so many characters of what a list says, all of them digits.
    let digits: Int?
    /// Where the pictures may be.
    let pictures: [String]
    let truths: [TruthFolder]
    let backgrounds: [EvaluationProtocol.Background]
    /// What is to be known about the truth.
    let note: String?

    static func named(_ name: String) -> Layout? { all.first { $0.name == name } }

    static let all = [voc2012, context, cocoObject, ade20k, folder]
}

/// Where a set's identifiers come from.
enum IdentifierList: Sendable, Equatable {
    /// A file with one a line.
    case lines(String)
    /// A file with one a line, and indices of classes behind it, which are another file's business here.
    case columns(String)
    /// The names of the truth's files, in the order of their bytes.
    case truths
    /// The names of a folder's files with an ending, in the order of their bytes.
    case folder(String, ending: String)
}

/// One truth of a set, which may have several.
struct TruthFolder: Sendable {
    let name: String
    /// Where its files may be, the folder first that counts where there are several.
    let folders: [String]
    /// What follows the identifier in a file's name.
    let ending: String
    let coding: TruthCoding
}

/// What a value of a truth's file means.
enum TruthCoding: Sendable, Equatable {
    /// The index of its class.
    case indices
    /// The index of its class, and 0 is ignored, as `reduce_zero_label` of mmsegmentation has it.
    case withoutBackground
    /// One less than the index of its class; values beyond the last class are the background.
    case fromZero

    /// By a file's value: what it means, or `nil` for what no such file holds. 255 is ignored in all.
    func meanings(classes: Int) -> [UInt8?] {
        (0...255).map { value -> UInt8? in
            if value == 255 { return Truth.ignored }
            switch self {
            case .indices: return value <= classes ? UInt8(value) : nil
            case .withoutBackground: return value == 0 ? Truth.ignored : value <= classes ? UInt8(value) : nil
            case .fromZero: return value < classes ? UInt8(value + 1) : 0
            }
        }
    }
}

extension Layout {
    private static let vocTruths = [
        TruthFolder(
            name: "SegmentationClass", folders: ["SegmentationClass"], ending: ".png", coding: .indices),
        TruthFolder(
            name: "SegmentationClassAug", folders: ["SegmentationClassAug"], ending: ".png", coding: .indices),
    ]
    private static let vocList = [IdentifierList.lines("ImageSets/Segmentation/{split}.txt")]

    /// The challenge's own (http://host.robots.ox.ac.uk/pascal/VOC/voc2012), and the masks of SBD beside it.
    static let voc2012 = Layout(
        name: "voc2012", folders: ["", "VOC2012", "VOCdevkit/VOC2012"], marks: ["JPEGImages"], vocabulary: "voc",
        splits: [], lists: vocList, digits: nil, pictures: ["JPEGImages/{id}.jpg"], truths: vocTruths,
        backgrounds: [.isClass], note: nil)

    /// As mmsegmentation prepares it.
    static let context = Layout(
        name: "context", folders: ["", "VOC2010", "VOCdevkit/VOC2010"], marks: ["SegmentationClassContext"],
        vocabulary: "context", splits: [], lists: [.lines("ImageSets/SegmentationContext/{split}.txt")], digits: nil,
        pictures: ["JPEGImages/{id}.jpg"],
        truths: [
            TruthFolder(
                name: "SegmentationClassContext", folders: ["SegmentationClassContext"], ending: ".png",
                coding: .indices)
        ],
        backgrounds: [.isClass, .isIgnored],
        note: "the truth is read in the alphabetical order of classes that mmsegmentation writes; where another "
            + "program made it (iSeg's puts the classes of VOC first), name its classes by --classes FILE")

    /// The folders of DiffSegmenter, iSeg and CLIPer, and those that GroupViT and TCL prepare from COCO-Stuff.
    static let cocoObject = Layout(
        name: "coco-object", folders: ["", "coco_object", "coco_stuff164k", "coco2014", "coco"],
        marks: ["coco_seg_anno", "stuffthingmaps", "annotations"], vocabulary: "coco",
        splits: [("val", ["val", "val2017", "val2014"]), ("train", ["train", "train2017", "train2014"])],
        lists: [
            .columns("{split}_5k.txt"), .columns("{split}_5k_id.txt"), .columns("ImageSets/{split}_5k.txt"),
            .columns("ImageSets/{split}_5k_id.txt"), .columns("ImageSets/{split}.txt"), .truths,
        ],
        digits: 12,
        pictures: [
            "{split}2017/{id}.jpg", "images/{split}2017/{id}.jpg", "{split}2014/COCO_{split}2014_{id}.jpg",
            "images/{split}2014/COCO_{split}2014_{id}.jpg",
        ],
        truths: [
            TruthFolder(name: "coco_seg_anno", folders: ["coco_seg_anno"], ending: ".png", coding: .indices),
            TruthFolder(
                name: "instanceTrainIds", folders: ["annotations/{split}2017", "stuffthingmaps/{split}2017"],
                ending: "_instanceTrainIds.png", coding: .indices),
            TruthFolder(
                name: "labelTrainIds", folders: ["annotations/{split}2017", "stuffthingmaps/{split}2017"],
                ending: "_labelTrainIds.png", coding: .fromZero),
        ],
        backgrounds: [.isClass], note: nil)

    /// The scene parsing benchmark (http://sceneparsing.csail.mit.edu).
    static let ade20k = Layout(
        name: "ade20k", folders: ["", "ADEChallengeData2016", "ade/ADEChallengeData2016"],
        marks: ["images/validation", "images/training"], vocabulary: "ade",
        splits: [("validation", ["validation", "val"]), ("training", ["training", "train"])],
        lists: [.folder("images/{split}", ending: ".jpg")], digits: nil, pictures: ["images/{split}/{id}.jpg"],
        truths: [
            TruthFolder(
                name: "annotations", folders: ["annotations/{split}"], ending: ".png", coding: .withoutBackground)
        ],
        backgrounds: [.isIgnored], note: nil)

    /// Anyone's pictures in the folders of VOC.
    static let folder = Layout(
        name: "folder", folders: [""], marks: ["JPEGImages"], vocabulary: nil, splits: [], lists: vocList, digits: nil,
        pictures: ["jpg", "jpeg", "png", "webp", "JPG", "JPEG", "PNG", "WEBP"].map { "JPEGImages/{id}.\($0)" },
        truths: vocTruths, backgrounds: [.isClass], note: nil)
}

import Evaluation
import FoundationEssentials
import Support
import Testing

/// A small imitation of a data set's folders, made by `Tests/Readers/imitate.py`, to be spoiled; removed with its
/// owner.
final class Imitation: Sendable {
    /// The folders of a program that prepares or reads a set.
    struct Layout: Sendable, CustomTestStringConvertible {
        /// Of the script.
        let name: String
        let set: String
        /// Of the script's pictures, in the order of the set.
        let ids: [String]
        let classes: Int
        /// What the files that belong to the split begin with; others are not missed.
        let files: [String]
        /// Of them those that another file does not name: nothing can tell that they are gone.
        let unknowable: [String]

        var testDescription: String { name }

        static let all = [
            Layout(
                name: "voc2012", set: "voc2012", ids: ["2007_000033", "2007_000042", "2011_003271"], classes: 20,
                files: [
                    "VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt", "VOCdevkit/VOC2012/JPEGImages/20",
                    "VOCdevkit/VOC2012/SegmentationClass/20",
                ], unknowable: ["2007_000032"]),
            Layout(
                name: "context", set: "context", ids: ["2008_000002", "2008_000003"], classes: 59, files: ["VOC2010"],
                unknowable: []),
            Layout(
                name: "iseg_coco", set: "coco-object", ids: ["000000000073", "000000000042"], classes: 80,
                files: ["val2014", "coco_seg_anno"], unknowable: ["000000000074"]),
            Layout(
                name: "tcl_coco", set: "coco-object", ids: ["000000000139", "000000000285"], classes: 80,
                files: ["coco_stuff164k/images"], unknowable: []),
            Layout(
                name: "ade20k", set: "ade20k", ids: ["ADE_val_00000001", "ADE_val_00000002"], classes: 150,
                files: ["ADEChallengeData2016/annotations/validation"], unknowable: []),
            Layout(
                name: "folder", set: "folder", ids: ["a cat", "b", "Grüße"], classes: 3,
                files: ["classes.txt", "ImageSets", "JPEGImages", "SegmentationClass"], unknowable: []),
        ]

        static func named(_ name: String) -> Layout { all.first { $0.name == name } ?? all[0] }
    }

    let layout: Layout
    private let place: TemporaryDirectory
    var path: String { place.path }

    init(_ layout: Layout) throws {
        self.layout = layout
        place = try TemporaryDirectory()
        _ = try read(by: "imitate.py", [layout.name, place.path])
    }

    convenience init(_ name: String) throws { try self.init(.named(name)) }

    /// The files that the set needs, relative to ``path``.
    var needed: [String] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
        return names.sorted().filter { name in
            name.contains(".") && layout.files.contains { name.hasPrefix($0) }
                && !layout.unknowable.contains { name.contains($0) }
        }
    }

    func set(
        split: String? = nil, truth: String? = nil, classes: String? = nil, needsTruth: Bool = true, first: Int? = nil
    ) throws(DataSetError) -> DataSet {
        try DataSet(
            named: layout.set, root: path, split: split, truth: truth, classes: classes, needsTruth: needsTruth,
            first: first)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

    func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: "\(path)/\(name)", toPath: "\(path)/\(other)")
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
    }

    func bytes(_ name: String) throws -> [UInt8] { try Repository.bytes("\(path)/\(name)") }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
    }
}

import Evaluation
import FoundationEssentials
import Images
import RPC
import Support
import Testing

@Suite struct DataSetTests {
    // MARK: What is there

    @Test(arguments: Imitation.Layout.all)
    func `each published layout is found below its parent, with its pictures in order`(layout: Imitation.Layout) throws
    {
        let imitation = try Imitation(layout)
        let set = try imitation.set()
        #expect(set.pictures.map(\.id) == layout.ids)
        #expect(set.classes.map(\.index) == (1...layout.classes).map { UInt8($0) })
        #expect(set.splitCount == layout.ids.count)
        for picture in set.pictures {
            #expect(FileManager.default.fileExists(atPath: picture.path))
            let truth = try set.truth(of: picture)
            #expect((truth.width, truth.height) == (6, 4))
            let last = UInt8(layout.classes)
            let background: UInt8 = set.protocols[0].background == .isClass ? 0 : Truth.ignored
            #expect(
                truth.classes == [background, background, 1, 1, last, last]
                    + [UInt8](repeating: Truth.ignored, count: 6) + [UInt8](repeating: 2, count: 12))
            #expect(truth.present == [1, 2, last])
        }
    }

    @Test(arguments: [
        ("voc2012", "VOCdevkit"), ("voc2012", "VOCdevkit/VOC2012"), ("context", "VOC2010"),
        ("tcl_coco", "coco_stuff164k"), ("ade20k", "ADEChallengeData2016"),
    ])
    func `a set is the same from its own folder`(name: String, folder: String) throws {
        let imitation = try Imitation(name)
        let own = try DataSet(
            named: imitation.layout.set, root: "\(imitation.path)/\(folder)", split: nil, truth: nil, classes: nil,
            needsTruth: true, first: nil)
        #expect(own.pictures.map(\.id) == imitation.layout.ids)
    }

    @Test(arguments: [
        ("voc2012", ["21 classes"]), ("context", ["60 classes", "59 classes, without background"]),
        ("iseg_coco", ["81 classes"]), ("ade20k", ["150 classes, without background"]), ("folder", ["4 classes"]),
    ])
    func `protocols are named as tables name them`(name: String, protocols: [String]) throws {
        #expect(try Imitation(name).set().protocols.map(\.name) == protocols)
    }

    /// The orders of the truths' indices, as the data sets publish them.
    @Test(arguments: [
        (
            "voc2012",
            "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike "
                + "person pottedplant sheep sofa train tvmonitor"
        ),
        (
            "context",
            "aeroplane bag bed bedclothes bench bicycle bird boat book bottle building bus cabinet car "
                + "cat ceiling chair cloth computer cow cup curtain dog door fence floor flower food grass "
                + "ground horse keyboard light motorbike mountain mouse person plate platform pottedplant road "
                + "rock sheep shelves sidewalk sign sky snow sofa table track train tree truck tvmonitor wall "
                + "water window wood"
        ),
        (
            "iseg_coco",
            "person bicycle car motorcycle airplane bus train truck boat trafficlight firehydrant "
                + "stopsign parkingmeter bench bird cat dog horse sheep cow elephant bear zebra giraffe "
                + "backpack umbrella handbag tie suitcase frisbee skis snowboard sportsball kite baseballbat "
                + "baseballglove skateboard surfboard tennisracket bottle wineglass cup fork knife spoon bowl "
                + "banana apple sandwich orange broccoli carrot hotdog pizza donut cake chair couch "
                + "pottedplant bed diningtable toilet tv laptop mouse remote keyboard cellphone microwave oven "
                + "toaster sink refrigerator book clock vase scissors teddybear hairdrier toothbrush"
        ),
    ])
    func `classes stand in the order of the truth's indices`(name: String, order: String) throws {
        let names = try Imitation(name).set().classes.map { $0.name.replacing(" ", with: "") }
        #expect(names == order.split(separator: " ").map(String.init))
    }

    @Test func `a class file gives phrases, synonyms and words that compete`() throws {
        let set = try Imitation("folder").set()
        #expect(set.classes.map(\.name) == ["cat", "dog", "tree"])
        #expect(set.classes.map { $0.phrases.map(\.words) } == [["cat", "kitten"], [], ["tree"]])
        #expect(set.classes[2].phrases.first?.weight == 1.2)
        #expect(set.classes[1].synonyms == ["puppy"])
        #expect(set.background == ["sky"])
    }

    @Test func `the demo's scenes are a folder of their own`() throws {
        let root = "\(Repository.root)/Tests/Fixtures/scenes"
        let set = try DataSet(
            named: "folder", root: root, split: nil, truth: nil, classes: nil, needsTruth: true, first: nil)
        #expect(set.pictures.count == 40 && set.classes.count == 64)
        for picture in set.pictures {
            let truth = try set.truth(of: picture)
            let file = try Image(decoding: Repository.bytes(picture.path))
            #expect((truth.width, truth.height) == (file.width, file.height))
            #expect(!truth.present.isEmpty)
        }
    }

    @Test func `other splits, first pictures and pictures without truth can be asked for`() throws {
        let voc = try Imitation("voc2012")
        #expect(try voc.set(split: "train").pictures.map(\.id) == ["2007_000032"])
        let two = try voc.set(first: 2)
        #expect(two.pictures.map(\.id) == Array(voc.layout.ids.prefix(2)) && two.splitCount == 3)
        try voc.remove("VOCdevkit/VOC2012/SegmentationClass")
        try voc.remove("VOCdevkit/VOC2012/SegmentationClassAug")
        let blind = try voc.set(needsTruth: false)
        #expect(blind.pictures.map(\.truth) == [nil, nil, nil] && blind.truth == nil)
        let ade = try Imitation("ade20k")
        for word in ["train", "training"] {
            #expect(try ade.set(split: word).pictures.map(\.id) == ["ADE_train_00000001"])
        }
    }

    @Test func `of several truths the first is taken and that is said, or the one that is named`() throws {
        let voc = try Imitation("voc2012")
        let first = try voc.set()
        #expect(first.truth == "SegmentationClass")
        #expect(first.notes.contains { $0.contains("SegmentationClassAug") && $0.contains("--truth") })
        let named = try voc.set(truth: "SegmentationClassAug")
        #expect(named.truth == "SegmentationClassAug" && named.notes.isEmpty)
        let path = try #require(named.pictures[0].truth)
        #expect(path.hasSuffix("/VOC2012/SegmentationClassAug/2007_000033.png"))
        let coco = try Imitation("tcl_coco")
        let (one, other) = (try coco.set(truth: "instanceTrainIds"), try coco.set(truth: "labelTrainIds"))
        #expect(one.pictures.map(\.id) == other.pictures.map(\.id))
        #expect(try one.truth(of: one.pictures[0]) == other.truth(of: other.pictures[0]))
        #expect(try one.pictures[0].truth != other.pictures[0].truth)
    }

    @Test func `another file's classes take the place of the set's, if they are as many`() throws {
        let voc = try Imitation("voc2012")
        try voc.write("mine.txt", (1...20).map { "class \($0)" }.joined(separator: "\n"))
        #expect(try voc.set(classes: "\(voc.path)/mine.txt").classes[4].name == "class 5")
        try voc.write("mine.txt", "one, two")
        let error = try #require(throws: DataSetError.self) { try voc.set(classes: "\(voc.path)/mine.txt") }
        #expect("\(error)".contains("has 2 classes") && "\(error)".contains("has 20"))
        let none = try #require(throws: DataSetError.self) { try voc.set(classes: "\(voc.path)/none.txt") }
        #expect("\(none)".contains("none.txt"))
    }
}

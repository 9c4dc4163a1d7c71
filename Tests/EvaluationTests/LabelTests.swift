import Evaluation
import FoundationEssentials
import Support
import Testing

@Suite struct LabelTests {
    private let voc: Imitation
    private let set: DataSet
    private var path: String { "\(voc.path)/labels" }

    init() throws {
        voc = try Imitation("voc2012")
        set = try voc.set()
    }

    private func labels(
        _ text: String, of other: DataSet? = nil, lists: [ImageLabels.List] = ImageLabels.List.published
    ) throws -> ImageLabels {
        try voc.write("labels", text)
        return try ImageLabels(reading: path, of: other ?? set, lists: lists)
    }

    private func refusal(_ text: String, lists: [ImageLabels.List] = ImageLabels.List.published) throws -> String {
        let error = try #require(throws: LabelFileError.self) { try labels(text, lists: lists) }
        #expect("\(error)".contains(path))
        return "\(error)"
    }

    /// The lists of DiffSegmenter's file; its keys are paths of the authors' machine.
    private func json(_ lists: [String: [String: [String]]]) throws -> String {
        let root = "/root/autodl-tmp/dataset/VOCdevkit/VOC2012/JPEGImages/"
        let whole = lists.mapValues { list in
            Dictionary(uniqueKeysWithValues: list.map { ("\(root)\($0.key).jpg", $0.value) })
        }
        return String(decoding: try JSONEncoder().encode(whole), as: UTF8.self)
    }

    // MARK: TagCLIP

    @Test func `TagCLIP's indices count from 0, and a line without any is all background`() throws {
        let read = try labels("2007_000033 0\n2007_000042 18 4\n2011_003271\n")
        #expect(set.pictures.map { read[$0] } == [[1], [5, 19], []])
        #expect(read.notes.isEmpty)
    }

    @Test func `TagCLIP's names of COCO's pictures are found by their digits`() throws {
        let coco = try Imitation("iseg_coco").set()
        let read = try labels("COCO_val2014_000000000042 79\n000000000073 0 1\n", of: coco)
        #expect(coco.pictures.map { read[$0] } == [[1, 2], [80]])
    }

    @Test func `lines of other pictures are counted, and nothing more`() throws {
        let read = try labels("2007_000033 0\n2007_000042 18\n2011_003271 1\n2007_009999 3\n")
        #expect(read.notes.count == 1 && read.notes[0].contains("1 picture more"))
    }

    @Test(arguments: [
        ("2007_000033 20\n", "line 1: \"20\" is no index of a class; write 0 to 19"),
        ("2007_000033 0\n2007_000042 -1\n", "line 2: \"-1\" is no index"),
        ("2007_000033 plane\n", "\"plane\" is no index"),
        ("2007_000033 0\n2007_000042 1\n2007_000033 1\n", "line 3: 2007_000033 is there twice, first in line 1"),
        ("2007_000033 0\n", "says nothing of 2 pictures: 2007_000042, 2011_003271"),
        ("\n\n", "holds no labels"), ("", "holds no labels"), (".. 1\n", "names no picture"),
    ])
    func `a text that says no picture's labels is refused`(text: String, wanted: String) throws {
        let refusal = try refusal(text)
        #expect(refusal.contains(wanted), "\(refusal)")
    }

    // MARK: DiffSegmenter

    @Test func `DiffSegmenter's published labels are those of images and texts together`() throws {
        let text =
            try "\u{FEFF}\n"
            + json([
                "image_similarity": ["2007_000033": ["plane"], "2007_000042": ["buses"], "2011_003271": []],
                "text_similarity": ["2007_000033": ["people", "plane"], "2007_000042": [], "2011_003271": []],
                "synonym_matching": [
                    "2007_000033": [], "2007_000042": [], "2011_003271": ["monitor", "table", "plant"],
                ],
            ])
        let published = try labels(text)
        #expect(set.pictures.map { published[$0] } == [[1, 15], [6], []])
        let all = try labels(text, lists: ImageLabels.List.allCases)
        #expect(set.pictures.map { all[$0] } == [[1, 15], [6], [11, 16, 20]])
        let images = try labels(text, lists: [.image])
        #expect(set.pictures.map { images[$0] } == [[1], [6], []])
    }

    /// DiffSegmenter's prompts, in the order of the truth's indices (VCG-team/DiffSegmenter).
    @Test(arguments: [
        (
            "voc2012",
            "plane,bicycle,bird,boat,bottle,buses,car,cat,chair,cow,table,dog,horse,motorbike,people,plant,sheep,sofa,"
                + "train,monitor"
        ),
        (
            "context",
            "airplane,bag,bed,bedclothes,bench,bicycle,bird,boat,book,bottle,building,bus,cabinet,car,"
                + "cat,ceiling,chair,cloth,computer,cow,cup,curtain,dog,door,fence,floor,flower,food,grass,"
                + "ground,horse,keyboard,light,motorbike,mountain,mouse,person,plate,platform,plant,road,rock,"
                + "sheep,shelves,sidewalk,sign,sky,snow,sofa,table,track,train,tree,truck,monitor,wall,water,"
                + "window,wood"
        ),
        (
            "iseg_coco",
            "person,bicycle,car,motorbike,aeroplane,bus,train,truck,boat,traffic light,fire hydrant,"
                + "stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,"
                + "backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,"
                + "baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,"
                + "bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,sofa,"
                + "pottedplant,bed,diningtable,toilet,tvmonitor,laptop,mouse,remote,keyboard,cell phone,"
                + "microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,"
                + "toothbrus"
        ),
    ])
    func `every name that DiffSegmenter's files use means its class`(name: String, prompts: String) throws {
        let set = try Imitation(name).set(first: 1)
        let words = prompts.split(separator: ",").map(String.init)
        for (place, word) in words.enumerated() {
            let text = try json(["image_similarity": [set.pictures[0].id: [word]]])
            #expect(try labels(text, of: set, lists: [.image])[set.pictures[0]] == [UInt8(place + 1)], "\(word)")
        }
    }

    @Test func `JSON that says no picture's labels is refused`() throws {
        let whole = ["2007_000033": ["plane"], "2007_000042": ["unicorn", "bus"], "2011_003271": ["gnu"]]
        let unknown = try refusal(json(["image_similarity": whole, "text_similarity": whole]))
        #expect(unknown.contains("2 names of no class") && unknown.contains("gnu, unicorn"))
        let lists = try refusal(json(["image_similarity": whole]), lists: [.text])
        #expect(lists.contains("has no list text_similarity, but image_similarity"))
        let missing = try refusal(json(["image_similarity": ["2007_000033": ["plane"]]]), lists: [.image])
        #expect(missing.contains("says nothing of 2 pictures"))
        let twice = #"{"image_similarity": {"a/2007_000033.jpg": [], "b/2007_000033.jpg": []}}"#
        #expect(try refusal(twice, lists: [.image]).contains("are pictures of one name"))
        for text in [#"{"image_similarity": 3}"#, "{", #"{"image_similarity": {"2007_000033.jpg": [3]}}"#] {
            #expect(try refusal(text, lists: [.image]).contains("JSON without lists of labels"))
        }
    }

    @Test func `lists are named by a word each`() {
        #expect(["image", "text", "synonym"].map { ImageLabels.List(word: $0) } == [.image, .text, .synonym])
        #expect(ImageLabels.List(word: "image_similarity") == nil)
        #expect(ImageLabels.List.allCases.map(\.word) == ["image", "text", "synonym"])
    }

    @Test func `a file that is not there is said to be`() throws {
        #expect(throws: LabelFileError.self) {
            try ImageLabels(reading: "\(voc.path)/none", of: set, lists: ImageLabels.List.published)
        }
    }
}

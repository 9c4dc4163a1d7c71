import Evaluation
import FoundationEssentials
import Results
import Support
import Testing

/// What is missing or wrong is said before anything is asked.
@Suite struct RefusalTests {
    @Test(arguments: Imitation.Layout.all)
    func `each file that is gone is named`(layout: Imitation.Layout) throws {
        let whole = try Imitation(layout)
        let needed = whole.needed
        #expect(needed.count >= layout.ids.count)
        for name in needed {
            let bytes = try whole.bytes(name)
            try whole.remove(name)
            let error = try #require(throws: DataSetError.self, "\(name)") { try whole.set() }
            // What the ending of a picture was nobody knows.
            let stem = name.contains("JPEGImages") ? name.prefix { $0 != "." } : name[...]
            #expect("\(error)".contains(stem), "\(error)")
            #expect(error.exitReason == .missingInput)
            try whole.write(name, bytes)
            _ = try whole.set()
        }
    }

    @Test(arguments: Imitation.Layout.all)
    func `a folder that is not the set's is refused, and one that is not there`(layout: Imitation.Layout) throws {
        let empty = try TemporaryDirectory()
        for path in [empty.path, "\(empty.path)/none"] {
            let error = try #require(throws: DataSetError.self) {
                try DataSet(
                    named: layout.set, root: path, split: nil, truth: nil, classes: nil, needsTruth: true, first: nil)
            }
            #expect("\(error)".contains(path) && "\(error)".contains("--root DIR"))
        }
    }

    @Test func `many that are gone are counted, and five of them named`() throws {
        let voc = try Imitation("voc2012")
        let ids = (10...29).map { "2012_0000\($0)" }
        try voc.write("VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt", ids.joined(separator: "\n"))
        let text = "\(try #require(throws: DataSetError.self) { try voc.set() })"
        #expect(text.contains("20 pictures (missing)") && text.contains("20 truths (missing)"))
        #expect(text.contains("2012_000014.jpg") && !text.contains("2012_000015.jpg") && text.contains(", ...;"))
    }

    @Test(arguments: [
        ("JPEGImages/2007_000042.jpg", "", "1 picture (empty)"),
        ("SegmentationClass/2007_000042.png", "", "1 truth (empty)"),
        ("SegmentationClass/2007_000042.png", "<html>no such file</html>", "1 truth (no PNG files)"),
    ])
    func `a file that cannot be what it should be is named`(name: String, text: String, wanted: String) throws {
        let voc = try Imitation("voc2012")
        try voc.write("VOCdevkit/VOC2012/\(name)", text)
        let error = "\(try #require(throws: DataSetError.self) { try voc.set() })"
        #expect(error.contains(wanted) && error.contains(name), "\(error)")
    }

    @Test func `a truth of colours is refused before the first picture, and a folder in a file's place`() throws {
        let voc = try Imitation("voc2012")
        let name = "VOCdevkit/VOC2012/SegmentationClass/2007_000042.png"
        var bytes = try voc.bytes(name)
        // IHDR's kind of colour.
        #expect(bytes[25] == 3)
        bytes[25] = 2
        try voc.write(name, bytes)
        var text = "\(try #require(throws: DataSetError.self) { try voc.set() })"
        #expect(text.contains("1 truth (colours, not indices)") && text.contains(name))
        try voc.remove(name)
        try voc.move("VOCdevkit/VOC2012/SegmentationClassAug", to: name)
        text = "\(try #require(throws: DataSetError.self) { try voc.set() })"
        #expect(text.contains("1 truth (no files)"))
    }

    @Test(arguments: [
        ("2007_000033\n2007_000042\n\n2007_000033\n", "line 4: 2007_000033 is there twice, first in line 1"),
        ("2007_000033\n../2007_000042\n", "line 2: \"../2007_000042\" is no picture's name"),
        ("JPEGImages/2007_000033\n", "line 1: \"JPEGImages/2007_000033\" is no picture's name"),
        ("..\n", "line 1: \"..\" is no picture's name"), ("2007\u{0}33", "is no picture's name"),
        (" \r\n\n", "names no pictures"),
    ])
    func `a list with names that are no pictures' is refused by its line`(list: String, wanted: String) throws {
        let voc = try Imitation("voc2012")
        try voc.write("VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt", list)
        let error = "\(try #require(throws: DataSetError.self) { try voc.set() })"
        #expect(error.contains("val.txt") && error.contains(wanted), "\(error)")
    }

    @Test func `line ends of other systems and a byte-order mark change no list`() throws {
        let voc = try Imitation("voc2012")
        try voc.write(
            "VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt", "\u{FEFF}2007_000033 \r\n2007_000042\r\n")
        #expect(try voc.set().pictures.map(\.id) == ["2007_000033", "2007_000042"])
    }

    @Test func `what is asked for must be known`() throws {
        let voc = try Imitation("voc2012")
        #expect(throws: DataSetError.noSplit("../val", names: [])) { try voc.set(split: "../val") }
        #expect(throws: DataSetError.self) { try voc.set(split: "test") }
        let truth = "\(try #require(throws: DataSetError.self) { try voc.set(truth: "Aug") })"
        #expect(truth.contains("SegmentationClass, SegmentationClassAug"))
        let ade = "\(try #require(throws: DataSetError.self) { try Imitation("ade20k").set(split: "test") })"
        #expect(ade.contains("validation, training"))
        let unknown = "\(DataSetError.unknownSet("voc"))"
        #expect(unknown.contains("voc2012, context, coco-object, ade20k, folder"))
    }

    @Test func `a truth with an index of no class is refused when it is read`() throws {
        let folder = try Imitation("folder")
        try folder.write("classes.txt", "cat, dog")
        let set = try folder.set()
        let error = try #require(throws: DataSetError.self) { try set.truth(of: set.pictures[0]) }
        #expect("\(error)".contains("a cat.png holds the index 3, and there are 2 classes"))
    }

    @Test func `a truth that is cut off is refused when it is read`() throws {
        let folder = try Imitation("folder")
        let bytes = try folder.bytes("SegmentationClass/b.png")
        try folder.write("SegmentationClass/b.png", Array(bytes.prefix(bytes.count - 30)))
        let set = try folder.set()
        let error = try #require(throws: DataSetError.self) { try set.truth(of: set.pictures[1]) }
        #expect("\(error)".contains("b.png cannot be read"))
    }
}

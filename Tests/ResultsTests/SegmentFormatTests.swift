import FoundationEssentials
import Images
import Results
import Support
import Testing

/// Run lengths, polygons and YOLO's lines are held to the pixels that other programs make of them.
@Suite struct SegmentFormatTests {
    private static let masks = SampleMask.awkward + SampleMask.random(150, seed: 1841, side: 45)

    private struct Provenance: Encodable {
        let picture: String
        let seed: Int
    }

    /// Each mask beside files of its formats, in one folder, as segments.py reads them.
    private static func written(_ masks: [SampleMask], to folder: String) throws {
        for (number, mask) in masks.enumerated() {
            let region = Region(mask)
            let files: [(String, [UInt8])] = [
                ("mask.npy", NumPyFile.encoded(mask.pixels.map(Int32.init), shape: [mask.height, mask.width])),
                ("counts.txt", Array(RunLengths(of: region).compressed.utf8)),
                ("none.json", document(mask, .none)), ("runs.json", document(mask, .runLengths)),
                ("polygons.json", document(mask, .polygons)),
                ("yolo.txt", Array(YOLOLines.text(of: region, class: number).utf8)),
            ]
            for (name, bytes) in files {
                try Data(bytes).write(to: URL(filePath: "\(folder)/\(1000 + number)-\(name)"))
            }
        }
    }

    /// Three labels: the mask's pixels, none, and all others.
    private static func document(_ mask: SampleMask, _ segmentation: COCODocument.Segmentation) -> [UInt8] {
        var document = COCODocument(
            fileName: "an \"odd\" näme\n.png", width: mask.width, height: mask.height,
            labels: ["cat", "дом \u{202E}", "other\\\u{7}"], segmentation: segmentation,
            provenance: Provenance(picture: "a/b.png", seed: 3))
        let all = Region(
            width: mask.width, height: mask.height, of: mask.pixels, where: .init(repeating: true, count: 256))
        document.add(Region(mask), label: 0)
        document.add(Region(mask).subtracting(all), label: 1)
        document.add(all.subtracting(Region(mask)), label: 2)
        return document.encoded
    }

    /// segments.py prints of each mask: whether pycocotools has the same compressed counts; of the annotations of each
    /// document how many pixels, boxes and areas differ; of OpenCV's filled lines how many pixels differ that are not
    /// on the boundary.
    @Test func `pycocotools and OpenCV make the same pixels`() throws {
        let folder = try TemporaryDirectory()
        try Self.written(Self.masks, to: folder.path)
        let lines = try read(by: "segments.py", [folder.path]).split(separator: "\n")
        #expect(lines.count == Self.masks.count)
        for (line, mask) in zip(lines, Self.masks) { #expect(line == "same 0 0 0 0", "\(line): \(mask)") }
    }

    @Test func `run lengths go down the columns and begin with what is out`() {
        let mask = Region(width: 3, height: 2, of: [1, 0, 0, 1, 1, 0], where: .ones)
        #expect(RunLengths(of: mask).counts == [0, 2, 1, 1, 2])
        let empty = mask.subtracting(mask)
        #expect(RunLengths(of: empty).counts == [6])
        #expect(RunLengths(of: mask.grown(by: 5)).counts == [0, 6])
    }

    @Test func `a document says whose pixels they are and where they come from`() throws {
        struct Document: Decodable {
            struct Info: Decodable {
                struct Provenance: Decodable { let picture: String, seed: Int }
                let description: String, version: String, dseg: Provenance
            }
            struct Named: Decodable { let id: Int, name: String }
            struct Annotation: Decodable { let id: Int, image_id: Int, category_id: Int, iscrowd: Int }
            struct Picture: Decodable { let id: Int, file_name: String, width: Int, height: Int }
            let info: Info, images: [Picture], categories: [Named], annotations: [Annotation]
        }
        let mask = SampleMask.awkward[14]
        let bytes = Self.document(mask, .polygons)
        #expect(bytes == Self.document(mask, .polygons))
        // Nothing in it controls a terminal but its line ends.
        let controls = String(decoding: bytes, as: UTF8.self).unicodeScalars
            .filter { $0.value < 32 && $0 != "\n" || $0.properties.isBidiControl }
        #expect(controls.isEmpty)
        let document = try JSONDecoder().decode(Document.self, from: Data(bytes))
        #expect(document.info.description == "dseg" && !document.info.version.isEmpty)
        #expect(document.info.dseg.picture == "a/b.png" && document.info.dseg.seed == 3)
        #expect(document.images.map(\.file_name) == ["an \"odd\" näme\n.png"] && document.images[0].id == 1)
        #expect(document.images[0].width == mask.width && document.images[0].height == mask.height)
        #expect(document.categories.map(\.name) == ["cat", "дом \u{202E}", "other\\\u{7}"])
        #expect(document.categories.map(\.id) == [1, 2, 3])
        #expect(document.annotations.map(\.id) == [1, 2] && document.annotations.map(\.category_id) == [1, 3])
        #expect(document.annotations.allSatisfy { $0.image_id == 1 && $0.iscrowd == 0 })
    }

    @Test func `YOLO's lines are shares of the picture`() {
        let indices: [UInt8] = [1, 0, 0, 0, 0, 0, 1, 1]
        let region = Region(width: 4, height: 2, of: indices, where: .ones)
        #expect(YOLOLines.text(of: region, class: 7) == "7 0 0 0.25 0 0.25 0.5 0 0.5\n7 0.5 0.5 1 0.5 1 1 0.5 1\n")
        #expect(YOLOLines.text(of: region.subtracting(region), class: 7) == "")
        let third = Region(width: 3, height: 1, of: [0, 1, 0], where: .ones)
        #expect(YOLOLines.text(of: third, class: 0) == "0 0.33333333 0 0.66666667 0 0.66666667 1 0.33333333 1\n")
    }
}

extension Region {
    fileprivate init(_ mask: SampleMask) {
        self.init(width: mask.width, height: mask.height, of: mask.pixels, where: .ones)
    }
}

extension [Bool] {
    /// Index 1 alone.
    fileprivate static var ones: [Bool] { (0..<256).map { $0 == 1 } }
}

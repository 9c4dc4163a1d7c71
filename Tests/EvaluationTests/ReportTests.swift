import Evaluation
import FoundationEssentials
import Images
import Support
import Testing

@Suite struct ReportTests {
    private let thresholds = Thresholds(fixed: 0.5)

    /// A report on an imitation whose every picture is answered by the scores of some classes, the same at each pixel.
    private func report(
        on imitation: Imitation, split: String? = nil, first: Int? = nil, _ place: Int = 0,
        recipe: String = "published", settings: [String] = [], labels: LabelSource = .candidates(filter: "default"),
        scores: [UInt8: Float]
    ) throws -> EvaluationReport {
        let set = try imitation.set(split: split, first: first)
        let shape = CountShape(set, thresholds)
        var counts = Counts(shape: shape)
        for picture in set.pictures {
            let truth = try set.truth(of: picture)
            var best = BestScores(width: truth.width, height: truth.height)
            for (label, score) in scores.sorted(by: { $0.key < $1.key }) {
                best.add([Float](repeating: score, count: truth.classes.count), label: label)
            }
            counts += PictureCounts(truth, best, thresholds, shape: shape)
        }
        let run = EvaluatedRun(recipe: recipe, model: "tiny", settings: settings, labels: labels)
        return EvaluationReport(set, set.protocols[place], run, counts, thresholds)
    }

    /// What stands in a table's line, between two spaces or more.
    private func cells(_ line: String) -> [String] {
        line.split(separator: "  ").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty }.map(String.init)
    }

    private struct Record: Decodable {
        struct Means: Decodable, Equatable {
            let threshold: Float
            let mean_iou: Double
            let mean_iou_of_present: Double
            let pixel_accuracy: Double
        }

        struct Figures: Decodable {
            struct Overlap: Decodable {
                let iou: Double
                let found: Int
                let both: Int
            }

            let means: Means
            let classes: [Overlap]
            let confusion: [[Int]]
        }

        struct Class: Decodable {
            let name: String
            let index: Int
            let truth: Int
        }

        let schema: Int
        let classes: [Class]
        let fixed: Figures
        let best: Figures?
        let sweep: [Means]
    }

    private func record(_ report: EvaluationReport) throws -> Record {
        try JSONDecoder().decode(Record.self, from: Data(report.json.utf8))
    }

    /// Of 18 pixels that count, 2 are background, 2 are cat, 2 tree and 12 dog; all are given dog where its score 0.44
    /// exceeds the threshold, and otherwise the background.
    @Test func `figures are those that a person counts`() throws {
        let report = try report(on: Imitation("folder"), scores: [2: 0.44, 1: 0.1])
        let read = try record(report)
        #expect(read.schema == 1)
        #expect(read.classes.map(\.name) == ["background", "cat", "dog", "tree"])
        #expect(read.classes.map(\.index) == [0, 1, 2, 3])
        // Three pictures.
        #expect(read.classes.map(\.truth) == [6, 6, 36, 6])
        #expect(read.fixed.means.threshold == 0.5)
        #expect(read.fixed.confusion == [[6, 0, 0, 0], [6, 0, 0, 0], [36, 0, 0, 0], [6, 0, 0, 0]])
        #expect(abs(read.fixed.means.mean_iou - 2.0 / 18 / 4) < 1e-12)
        let best = try #require(read.best)
        // The first of the thresholds that give the same mean.
        #expect(best.means.threshold == 0.3)
        #expect(best.confusion == [[0, 0, 6, 0], [0, 0, 6, 0], [0, 0, 36, 0], [0, 0, 6, 0]])
        #expect(abs(best.means.mean_iou - 12.0 / 18 / 4) < 1e-12)
        #expect(abs(best.means.pixel_accuracy - 12.0 / 18) < 1e-12)
        #expect(best.classes.map(\.found) == [0, 0, 54, 0] && best.classes.map(\.both) == [0, 0, 36, 0])
        #expect(read.sweep.map(\.threshold) == Thresholds.sweep)
        // Strictly: at 0.44 it is background.
        #expect(read.sweep.prefix(14).allSatisfy { $0.mean_iou == best.means.mean_iou })
        #expect(read.sweep.dropFirst(14).allSatisfy { $0.mean_iou == read.fixed.means.mean_iou })
        let lines = report.lines
        #expect(lines.contains("folder, val, SegmentationClass: 3 pictures, 4 classes"))
        let rows = lines.map(cells)
        #expect(rows.contains(["background", "11.1", "0.0"]) && rows.contains(["dog", "0.0", "66.7"]))
        #expect(lines.contains { $0.hasPrefix("IoU in %") && $0.contains("threshold 0.50  threshold 0.30, the best") })
    }

    @Test func `classes that are absent from both are zeros of one mean and missing in the other`() throws {
        let report = try report(on: Imitation("voc2012"), scores: [20: 1])
        let read = try record(report)
        // Background, aeroplane, bicycle and TV monitor are in the truth; 2 of 18 pixels are of the last.
        #expect(abs(read.fixed.means.mean_iou - 2.0 / 18 / 21) < 1e-12)
        #expect(abs(read.fixed.means.mean_iou_of_present - 2.0 / 18 / 4) < 1e-12)
        #expect(report.lines.contains { $0.hasPrefix("sheep") && $0.contains("absent") })
        #expect(report.lines.contains { $0.hasPrefix("mean of all, absent as 0.0") && $0.contains("0.5") })
        #expect(report.lines.contains { $0.hasPrefix("mean of those present") && $0.contains("2.8") })
    }

    @Test func `without background no threshold matters, and what has no label is missed`() throws {
        let context = try Imitation("context")
        let report = try report(on: context, 1, scores: [2: 0])
        let read = try record(report)
        #expect(read.best == nil && read.sweep.isEmpty)
        #expect(read.classes.count == 59 && read.classes[0].index == 1)
        // 16 of 18 pixels of the truth are no background, and 12 of them bag.
        #expect(abs(read.fixed.means.pixel_accuracy - 12.0 / 16) < 1e-12)
        let none = try record(self.report(on: context, 1, scores: [:]))
        #expect(none.fixed.means.mean_iou == 0 && none.fixed.means.pixel_accuracy == 0)
        #expect(none.fixed.confusion[2][0] == 24)
    }

    @Test(arguments: [
        ("voc2012", 0, "21 classes", "60.1"), ("context", 0, "60 classes", "27.5"),
        ("context", 1, "59 classes, without background", "45.9"), ("iseg_coco", 0, "81 classes", "37.9"),
        ("ade20k", 0, "150 classes, without background", "24.2"),
    ])
    func `published figures are those of the same set and protocol, the anchor's first and this run's below`(
        name: String, place: Int, rules: String, wanted: String
    ) throws {
        let report = try report(on: Imitation(name), place, scores: [1: 1])
        let lines = report.lines
        let start = try #require(lines.firstIndex(of: "published for \(rules):"))
        #expect(cells(lines[start + 2]).prefix(2) == ["DiffSegmenter (this recipe)", wanted])
        #expect(lines[start + 3].hasPrefix("dseg, published"))
        let table = report.markdown.filter { $0.hasPrefix("|") }
        #expect(table[1] == "| --- | --- | --- | --- | --- |")
        #expect(table[2].hasPrefix("| DiffSegmenter (this recipe) | \(wanted) |"))
        #expect(Set(table.map { $0.split(separator: "|").count }) == [5])
    }

    @Test func `what cannot be compared is said`() throws {
        let voc = try Imitation("voc2012")
        let given = try report(on: voc, labels: .given, scores: [1: 1])
        #expect(given.reservations.contains { $0.contains("labels given: not comparable") })
        #expect(given.lines.contains { $0.contains("labels given by the truth") })
        let found = try report(on: voc, scores: [1: 1])
        #expect(!found.reservations.contains { $0.contains("not comparable") })
        #expect(found.lines.contains { $0.contains("labels found by the filter default") })
        let some = try report(on: voc, first: 2, labels: .file(path: "/tmp/labels"), scores: [1: 1])
        #expect(some.reservations.contains { $0.hasPrefix("2 of 3 pictures: not comparable") })
        #expect(some.lines.contains { $0.contains("labels read from /tmp/labels") })
        let changed = try report(on: voc, settings: ["timestep=50"], scores: [1: 1])
        #expect(changed.reservations.contains { $0.contains("timestep=50") })
        let pseudo = try report(on: voc, split: "train", labels: .given, scores: [1: 1])
        #expect(pseudo.lines.contains { $0.hasPrefix("DiffSegmenter (this recipe)") && $0.contains("70.5") })
        #expect(!pseudo.reservations.contains { $0.contains("not comparable") })
        let own = try report(on: Imitation("folder"), scores: [1: 1])
        #expect(own.reservations.contains { $0.contains("no figures are published") })
        #expect(!own.lines.contains { $0.contains("DiffSegmenter") })
    }

    @Test(arguments: [
        ("published-as-shipped", "DiffSegmenter"), ("iseg:voc", "iSeg"), ("cliper:voc", "CLIPer L/14"),
        ("cliper-b16:voc", "CLIPer B/16"),
    ])
    func `the figure of the recipe's own method is marked`(recipe: String, method: String) throws {
        let report = try report(on: Imitation("voc2012"), recipe: recipe, scores: [1: 1])
        let marked = report.lines.filter { $0.contains("(this recipe)") }
        #expect(marked.count == 1 && marked[0].hasPrefix("\(method) (this recipe)"))
    }

    @Test func `no figure is marked for a recipe that follows no published method`() throws {
        for recipe in ["best", "shared", "cliper-affinity:voc"] {
            let report = try report(on: Imitation("voc2012"), recipe: recipe, scores: [1: 1])
            #expect(!report.lines.contains { $0.contains("(this recipe)") }, "\(recipe)")
        }
    }

    @Test func `the confusion matrix is a table of pixels with a row for each true class`() throws {
        let folder = try Imitation("folder")
        try folder.write("classes.txt", "cat\\, tabby\n\"dog\"\ntree\n")
        let lines = try report(on: folder, scores: [3: 0.6]).confusionLines
        #expect(
            lines == [
                "truth,background,\"cat, tabby\",\"\"\"dog\"\"\",tree", "background,0,0,0,6", "\"cat, tabby\",0,0,0,6",
                "\"\"\"dog\"\"\",0,0,0,36", "tree,0,0,0,6",
            ])
    }

    @Test func `the same counts give the same report, and no name can draw on a terminal`() throws {
        let folder = try Imitation("folder")
        try folder.write(
            "classes.txt", "cat\u{200F}\u{202E}tac\ndog|hound ~ x\ntree\n".replacing("dog|", with: "dog\\|"))
        let (one, other) = (
            try report(on: folder, scores: [1: 0.7, 2: 0.9]), try report(on: folder, scores: [1: 0.7, 2: 0.9])
        )
        #expect(one.json == other.json && one.lines == other.lines && one.markdown == other.markdown)
        let texts = one.lines + one.markdown + [one.json]
        #expect(!texts.contains { $0.unicodeScalars.contains { $0.properties.isBidiControl || $0.value < 32 } })
    }
}

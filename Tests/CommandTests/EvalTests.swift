import FoundationEssentials
import RPC
import Support
import Testing

/// `eval` on the drawn scenes, by a real daemon, against figures that others make of the same maps.
@Suite struct EvalTests {
    private let daemon: Daemon
    private let place: TemporaryDirectory

    init() throws {
        daemon = try Daemon()
        place = try TemporaryDirectory()
    }

    private func folder(_ name: String) throws -> String {
        let path = "\(place.path)/\(name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        return path
    }

    @Test(arguments: [["--labels", "given", "--recipe", "shared", "--threshold", "0.45"], []])
    func `the figures are those that numpy makes of the exported maps`(options: [String]) throws {
        let export = try folder("export")
        let ending = try daemon.eval(
            ["--first", "5", "--export", export, "--export-maps", "npz", "--json"] + options)
        #expect(ending.code == 0, "\(ending.errors)")
        let report = try EvalReport(ending)
        #expect(report.set.pictures == 5 && report.set.of == 40 && report.sweep.count == 45)
        let thresholds = [report.fixed.means.threshold] + report.sweep.map(\.threshold)
        let others = try Outcome.read("npz", export, thresholds)
        try #require(others.count == 46)
        #expect(others[0].confusion == report.fixed.confusion)
        for (mine, other) in zip([report.fixed.means] + report.sweep, others) {
            #expect(abs(mine.mean_iou - other.mean_iou) < 1e-12)
            #expect(abs(mine.mean_iou_of_present - (other.mean_iou_of_present ?? 0)) < 1e-12)
            #expect(abs(mine.pixel_accuracy - (other.pixel_accuracy ?? 0)) < 1e-12)
        }
        let best = try #require(report.sweep.max { $0.mean_iou < $1.mean_iou })
        #expect(report.best.means.mean_iou == best.mean_iou)
        #expect(report.fixed.means.mean_iou > 0.05, "something was found")
    }

    @Test func `the published evaluation reads the exported .mat, and comes to the same figures`() throws {
        let export = try folder("export")
        let ending = try daemon.eval(["--first", "3", "--export", export, "--export-maps", "mat", "--json"])
        #expect(ending.code == 0, "\(ending.errors)")
        let report = try EvalReport(ending)
        let others = try Outcome.read("mat", export, report.sweep.map(\.threshold))
        try #require(others.count == 45)
        for (mine, other) in zip(report.sweep, others) {
            #expect(abs(mine.mean_iou - other.mean_iou) < 1e-6, "\(mine) against \(other.mean_iou)")
        }
    }

    /// The references are means over the classes that are in the truth, by other code, from diffusers' maps in f32.
    @Test(arguments: ["diffsegmenter", "shared"])
    func `the sweep over all scenes is that of the reference`(recipe: String) throws {
        let daemon = try Daemon("--precision", "f32")
        let ending = try daemon.eval(
            ["--labels", "given", "--recipe", recipe, "--json", "--journal", "\(place.path)/journal"])
        let report = try EvalReport(ending)
        #expect(report.set.pictures == 40)
        let sweeps = try JSONDecoder().decode(
            [String: [String: Double]].self, from: Data(bytes("\(Repository.scenes)/sweep.json")))
        let sweep = try #require(sweeps[recipe])
        #expect(sweep.count == 9)
        for (threshold, wanted) in sweep {
            let number = try #require(Double(threshold))
            let found = try #require(report.sweep.first { abs($0.threshold - number) < 1e-6 })
            #expect(abs(100 * found.mean_iou_of_present - wanted) < 1, "\(threshold): \(found) against \(wanted)")
        }
    }

    @Test func `any number of jobs gives the same bytes, and a finished journal needs no daemon`() throws {
        let options = ["--first", "6", "--json"]
        let one = try daemon.eval(options + ["--jobs", "1", "--journal", "\(place.path)/one"])
        let four = try daemon.eval(options + ["--jobs", "4", "--journal", "\(place.path)/four"])
        #expect(one.code == 0 && !one.output.isEmpty, "\(one.errors)")
        #expect(one.output == four.output)
        let answered = try daemon.client().status().answered
        #expect(answered == 12, "each picture is asked about once")
        let again = try run(
            [Repository.dseg] + evalArguments(options) + [
                "--journal", "\(place.path)/four", "--socket", "\(place.path)/none",
            ])
        #expect(again.code == 0 && again.output == one.output, "\(again.errors)")
        let table = try daemon.eval(["--first", "6", "--journal", "\(place.path)/one"])
        let markdown = try daemon.eval(["--first", "6", "--journal", "\(place.path)/one", "--markdown"])
        #expect(table.text.contains("crown") && !table.text.contains("|") && markdown.text.contains("| mean IoU |"))
        #expect(try daemon.client().status().answered == answered)
    }

    @Test func `the journal lies in the current folder, and the confusion matrix where it is asked for`() throws {
        let script = "cd \"$1\" && shift && exec \"$@\""
        let arguments = evalArguments(["--first", "2", "--labels", "given", "--confusion", "matrix.csv", "--json"])
        let shell = ["/bin/sh", "-c", script, "sh", place.path, Repository.dseg] + arguments
        let ending = try run(shell + ["--socket", daemon.socket])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(try place.names == ["folder.val.dseg-eval.jsonl", "matrix.csv"])
        let rows = String(decoding: try bytes("\(place.path)/matrix.csv"), as: UTF8.self).split(separator: "\n")
        let confusion = try EvalReport(ending).fixed.confusion
        #expect(rows.count == confusion.count + 1)
        #expect(rows[1].hasPrefix("background,\(confusion[0][0]),"), "\(rows[1])")
        let again = try run(shell + ["--socket", daemon.socket])
        #expect(again.code == 73 && again.errors.contains("matrix.csv"), "\(again.errors)")
    }

    @Test func `a file of labels says what is looked for`() throws {
        let given = try daemon.eval(["--first", "3", "--labels", "given", "--json", "--journal", "\(place.path)/given"])
        let truth = try EvalReport(given)
        // TagCLIP's format: indices from 0. What is in the first three scenes is in their truth alone.
        let names = try scenes().prefix(3)
        let lines = try names.map { name in
            let picture = try IndexPicture(at: "\(Repository.scenes)/SegmentationClass/\(name).png")
            let present = Set(picture.indices).subtracting([0, 255]).sorted()
            return ([name] + present.map { "\($0 - 1)" }).joined(separator: " ")
        }
        let file = "\(place.path)/labels.txt"
        try write(Array((lines.joined(separator: "\n") + "\n").utf8), to: file)
        let read = try daemon.eval(["--first", "3", "--labels", file, "--json", "--journal", "\(place.path)/read"])
        #expect(read.code == 0, "\(read.errors)")
        #expect(try EvalReport(read).fixed.confusion == truth.fixed.confusion)
        try write(Array((lines.dropLast().joined(separator: "\n") + "\n\(names[2])\n").utf8), to: file)
        let changed = try daemon.eval(["--first", "3", "--labels", file, "--json", "--journal", "\(place.path)/read"])
        #expect(changed.code == 64 && changed.errors.contains("--labels"), "\(changed.errors)")
        // A picture without labels is background alone.
        let less = try daemon.eval(["--first", "3", "--labels", file, "--json", "--journal", "\(place.path)/less"])
        #expect(less.code == 0, "\(less.errors)")
        #expect(try EvalReport(less).fixed.confusion != truth.fixed.confusion)
    }

    /// Sets, what `imitate.py` calls their layouts, and how many protocols they have.
    @Test(arguments: [
        ("voc2012", "voc2012", 1), ("context", "context", 2), ("coco-object", "iseg_coco", 1),
        ("coco-object", "tcl_coco", 1), ("ade20k", "ade20k", 1),
    ])
    func `each set has a report for each protocol, and masks whose background is the truth's`(
        name: String, layout: String, protocols: Int
    ) throws {
        let (set, export) = (try folder("set"), try folder("export"))
        _ = try Support.read(by: "imitate.py", [layout, set])
        let ending = try daemon.dseg([
            "eval", name, "--root", set, "--labels", "given", "--export", export, "--json", "--threshold", "1",
        ])
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(ending.text.split(separator: "\n").count == protocols)
        let masks = try FileManager.default.contentsOfDirectory(atPath: "\(export)/masks")
        #expect(!masks.isEmpty)
        for mask in masks {
            // No score exceeds 1: all is background, where there is one, and nothing is where there is none.
            let indices = Set(try IndexPicture(at: "\(export)/masks/\(mask)").indices)
            #expect(name == "ade20k" ? !indices.contains(0) : indices == [0], "\(mask): \(indices)")
        }
    }

    @Test func `without truths masks are made all the same`() throws {
        let set = try FolderCopy(of: "scenes")
        try set.remove("SegmentationClass")
        let export = try folder("export")
        let options = ["--no-truth", "--first", "3", "--export", export, "--export-maps", "npz"]
        let ending = try daemon.eval(options, root: set.path)
        #expect(ending.code == 0 && ending.output.isEmpty, "\(ending.errors)")
        let other = try folder("other")
        #expect(try daemon.eval(["--first", "3", "--export", other]).code == 0)
        for name in try scenes().prefix(3) {
            #expect(try bytes("\(export)/masks/\(name).png") == bytes("\(other)/masks/\(name).png"))
            #expect(exists("\(export)/maps/\(name).npz"))
        }
    }

    private func scenes() throws -> [String] {
        String(decoding: try bytes("\(Repository.scenes)/ImageSets/Segmentation/val.txt"), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }
}

/// What another program makes of exported files.
private struct Outcome: Decodable {
    let mean_iou: Double
    let mean_iou_of_present: Double?
    let pixel_accuracy: Double?
    let confusion: [[Int]]?

    /// - Parameter way: a name of `evaluation.py`
    static func read(_ way: String, _ export: String, _ thresholds: [Double]) throws -> [Outcome] {
        let text = try Support.read(
            by: "evaluation.py", [way, Repository.scenes, export, "64"] + thresholds.map { "\($0)" })
        return try JSONDecoder().decode([Outcome].self, from: Data(text.utf8))
    }
}

/// Of the JSON that `eval --json` prints, what is compared.
struct EvalReport: Decodable {
    struct Means: Decodable {
        let threshold: Double
        let mean_iou: Double
        let mean_iou_of_present: Double
        let pixel_accuracy: Double
    }

    struct Part: Decodable {
        let means: Means
        let confusion: [[Int]]
    }

    struct Pictures: Decodable {
        let pictures: Int
        let of: Int
    }

    let fixed: Part
    let best: Part
    let sweep: [Means]
    let set: Pictures

    init(_ ending: Program.Ending) throws {
        self = try JSONDecoder().decode(EvalReport.self, from: Data(ending.output))
    }
}

/// The command and the set.
func evalArguments(_ options: [String], root: String = Repository.scenes) -> [String] {
    ["eval", "folder", "--root", root] + options
}

extension Daemon {
    func eval(_ options: [String], root: String = Repository.scenes) throws -> Program.Ending {
        try dseg(evalArguments(options, root: root))
    }
}

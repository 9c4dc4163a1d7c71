import Evaluation
import FoundationEssentials
import Images
import Support
import Testing

/// The drawn scenes, asked of a real daemon by the real client, against what diffusers makes of them.
@Suite struct SceneTests {
    private let scenes: DataSet
    /// Of masks' own labels, which are in or out.
    private let thresholds = Thresholds(fixed: 0.5)

    init() throws {
        scenes = try DataSet(
            named: "folder", root: Repository.scenes, split: nil, truth: nil, classes: nil, needsTruth: true, first: nil
        )
    }

    /// The options of a run, and the mean IoU in percent that the reference reaches in its place.
    struct Way: Sendable, CustomTestStringConvertible {
        let options: [String]
        let reference: String
        /// In percent.
        let tolerance: Double

        var testDescription: String { reference }

        /// `best` is what is asked without options.
        static let all = [
            Way(
                options: ["--recipe", "diffsegmenter", "--threshold", "0.5"], reference: "diffsegmenter", tolerance: 1),
            Way(options: ["--recipe", "shared", "--threshold", "0.5"], reference: "shared", tolerance: 1),
            Way(options: [], reference: "best", tolerance: 0.5),
            Way(options: ["--set", "gamma=8"], reference: "best, gamma 8", tolerance: 0.5),
            Way(options: ["--set", "softmax=joint"], reference: "best, one softmax", tolerance: 0.5),
        ]
    }

    @Test(arguments: Way.all)
    func `the true labels are found as well as the reference finds them`(way: Way) throws {
        let reference = try JSONDecoder().decode(
            [String: Double].self, from: Data(bytes("\(Repository.scenes)/reference.json")))
        let wanted = try #require(reference[way.reference])
        let found = meanIoU(try answers(way.options, precision: "f32"))
        #expect(abs(found - wanted) < way.tolerance, "\(found) % against \(wanted) %")
    }

    /// int16 may decide otherwise where two labels are all but equal, and nowhere else.
    @Test(arguments: Way.all)
    func `int16 gives 99 % of the pixels the label that f32 gives them, and the same mean IoU`(way: Way) throws {
        let exact = try answers(way.options, precision: "f32")
        let rounded = try answers(way.options, precision: "int16")
        let pairs = zip(exact, rounded).map { zip($0.mask, $1.mask) }
        let pixels = exact.reduce(0) { $0 + $1.mask.count }
        let same = pairs.reduce(0) { sum, masks in sum + masks.count { $0 == $1 } }
        #expect(same * 100 >= pixels * 99, "\(same) of \(pixels) pixels are the same")
        #expect(pixels == 40 * 192 * 192)
        let (wanted, found) = (meanIoU(exact), meanIoU(rounded))
        #expect(abs(found - wanted) <= 0.5, "\(found) % against \(wanted) %")
    }

    /// A scene's true classes and the classes that were found, `[height, width]` both.
    private struct Answer {
        let truth: Truth
        let mask: [UInt8]
    }

    /// What a daemon says of all scenes, asked of each for the classes that are there.
    private func answers(_ options: [String], precision: String) throws -> [Answer] {
        let daemon = try Daemon("--precision", precision)
        let place = try TemporaryDirectory()
        #expect(scenes.pictures.count == 40)
        return try scenes.pictures.map { scene in
            let truth = try scenes.truth(of: scene)
            let names = truth.present.map { scenes.classes[Int($0) - 1].name }
            let ending = try daemon.dseg(["mask", scene.path] + names + options + ["-o", place.path])
            #expect(ending.code == 0, "\(ending.errors)")
            let mask = try IndexPicture(at: "\(place.path)/\(scene.id).mask.png")
            #expect((mask.width, mask.height) == (truth.width, truth.height))
            let meaning = [0] + truth.present
            return Answer(truth: truth, mask: mask.indices.map { meaning[Int($0)] })
        }
    }

    /// In percent over the classes present in all scenes together, background included, as `reference.py` counts.
    private func meanIoU(_ answers: [Answer]) -> Double {
        let shape = CountShape(scenes, thresholds)
        var counts = Counts(shape: shape)
        for answer in answers {
            var best = BestScores(width: answer.truth.width, height: answer.truth.height)
            for label in answer.truth.present {
                best.add(answer.mask.map { $0 == label ? 1 : 0 }, label: label)
            }
            counts += PictureCounts(answer.truth, best, thresholds, shape: shape)
        }
        return 100 * Confusion(counts, scenes.protocols[0], threshold: thresholds.fixedPlace).meanIoUOfPresent
    }
}

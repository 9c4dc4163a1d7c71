import FoundationEssentials
import Testing

/// The drawn scenes, asked of a real daemon by the real client, against what diffusers makes of them.
@Suite struct SceneTests {
    /// The names of the classes; class 0 is the background.
    private let classes: [String]
    private let scenes: [String]

    init() throws {
        func lines(_ path: String) throws -> [String] {
            String(decoding: try bytes("\(Repository.scenes)/\(path)"), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        classes = ["background"] + (try lines("classes.txt")).map { line in String(line.prefix { $0 != "=" }) }
        scenes = try lines("ImageSets/Segmentation/val.txt")
    }

    private struct Figure: Decodable {
        let fixed: Double

        private enum CodingKeys: String, CodingKey {
            case fixed = "at 0.50"
        }
    }

    private struct Reference: Decodable {
        let diffsegmenter: Figure
        let shared: Figure

        private enum CodingKeys: String, CodingKey {
            case diffsegmenter = "per-label / given"
            case shared = "shared empty / given"
        }
    }

    @Test(arguments: ["diffsegmenter", "shared"])
    func `the true labels are found as well as the reference finds them`(recipe: String) throws {
        let reference = try JSONDecoder().decode(
            Reference.self, from: Data(bytes("\(Repository.scenes)/reference.json")))
        let wanted = (recipe == "shared" ? reference.shared : reference.diffsegmenter).fixed
        let found = try meanIoU(recipe: recipe)
        #expect(abs(found - wanted) < 1, "\(found) % against \(wanted) %")
    }

    /// In percent over the classes present in all scenes together, background included, as `reference.py` counts.
    private func meanIoU(recipe: String) throws -> Double {
        let daemon = try Daemon()
        let place = try TemporaryDirectory()
        var confusion = [[Int]](
            repeating: [Int](repeating: 0, count: classes.count), count: classes.count)
        #expect(scenes.count == 40)
        for scene in scenes {
            let truth = try IndexPicture(at: "\(Repository.scenes)/SegmentationClass/\(scene).png")
            let present = Set(truth.indices).subtracting([0, 255]).sorted()
            let ending = try daemon.dseg(
                ["mask", "\(Repository.scenes)/JPEGImages/\(scene).jpg"] + present.map { classes[Int($0)] }
                    + ["--threshold", "0.5", "--recipe", recipe, "-o", place.path])
            #expect(ending.code == 0, "\(ending.errors)")
            let mask = try IndexPicture(at: "\(place.path)/\(scene).mask.png")
            #expect((mask.width, mask.height) == (truth.width, truth.height))
            let meaning = [0] + present.map(Int.init)
            for (real, guess) in zip(truth.indices, mask.indices) where real != 255 {
                confusion[Int(real)][meaning[Int(guess)]] += 1
            }
        }
        let overlaps = classes.indices.compactMap { place -> Double? in
            let real = confusion[place].reduce(0, +)
            let guessed = confusion.reduce(0) { $0 + $1[place] }
            let both = confusion[place][place]
            return real == 0 ? nil : Double(both) / Double(real + guessed - both)
        }
        return 100 * overlaps.reduce(0, +) / Double(overlaps.count)
    }
}

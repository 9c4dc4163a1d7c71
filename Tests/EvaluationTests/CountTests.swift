import FoundationEssentials
import Images
import Support
import Testing

@testable import Evaluation

/// Pictures with truths and scores, as `Tests/Readers/evaluate.py` reads them.
private struct Case: Encodable, Sendable {
    struct Map: Encodable, Sendable {
        let label: UInt8
        let scores: [Float]

        func encode(to encoder: any Encoder) throws {
            var pair = encoder.unkeyedContainer()
            try pair.encode(label)
            try pair.encode(scores)
        }
    }

    struct Picture: Encodable, Sendable {
        let width: Int
        let height: Int
        let truth: [UInt8]
        let maps: [Map]
    }

    let classes: Int
    let thresholds: [Float]
    var pictures: [Picture] = []

    init(classes: Int, fixed: Float) {
        self.classes = classes
        thresholds = Thresholds(fixed: fixed).all
    }

    /// A picture of stripes of true classes among these, whose maps of `labels` hold random scores: a third of them
    /// thresholds, so that there are ties of labels with each other and with thresholds.
    mutating func add(
        _ width: Int, _ height: Int, truth: [UInt8], labels: [UInt8], _ generator: inout SeededGenerator
    ) {
        let pixels = width * height
        let maps = labels.map { label in
            let scores = (0..<pixels).map { _ -> Float in
                let isTie = Int.random(in: 0..<3, using: &generator) == 0
                return isTie
                    ? thresholds.randomElement(using: &generator) ?? 0 : Float.random(in: 0...1, using: &generator)
            }
            return Map(label: label, scores: scores)
        }
        let truth = (0..<pixels).map { _ in truth.randomElement(using: &generator) ?? 0 }
        pictures.append(Picture(width: width, height: height, truth: truth, maps: maps))
    }

    var counts: Counts {
        let shape = CountShape(classes: classes, thresholds: thresholds.count)
        var counts = Counts(shape: shape)
        for picture in pictures { counts += picture.counts(thresholds, shape) }
        return counts
    }
}

extension Case.Picture {
    fileprivate func counts(_ thresholds: [Float], _ shape: CountShape) -> PictureCounts {
        var best = BestScores(width: width, height: height)
        for map in maps { best.add(map.scores, label: map.label) }
        let truth = Truth(width: width, height: height, classes: truth, present: [])
        let fixed = thresholds.first { !Thresholds.sweep.contains($0) } ?? thresholds[0]
        return PictureCounts(truth, best, Thresholds(fixed: fixed), shape: shape)
    }
}

/// What the reader answers.
private struct Answer: Decodable {
    struct Outcome: Decodable {
        let ious: [Double]
        let mean: Double
        let present: Double
        let accuracy: Double
        let confusion: [UInt64]
    }

    let thresholds: [Outcome]
    let without: Outcome
}

@Suite struct CountTests {
    private static let cases: [(name: String, Case)] = {
        var generator = SeededGenerator(seed: 18)
        var few = Case(classes: 4, fixed: 0.5)
        few.add(7, 5, truth: [0, 1, 2, 255], labels: [1, 2, 4], &generator)
        few.add(1, 1, truth: [3], labels: [3], &generator)
        few.add(40, 33, truth: [0, 4], labels: [4], &generator)
        var many = Case(classes: 21, fixed: 0.123)
        for _ in 0..<4 {
            let labels = (1...20).filter { _ in Bool.random(using: &generator) }.map { UInt8($0) }
            many.add(31, 17, truth: [0, 1, 2, 3, 20, 255], labels: labels, &generator)
        }
        var none = Case(classes: 3, fixed: 0.9)
        none.add(9, 4, truth: [0, 1, 3], labels: [], &generator)
        var ignored = Case(classes: 2, fixed: 0.5)
        ignored.add(6, 6, truth: [255], labels: [1, 2], &generator)
        var most = Case(classes: 254, fixed: 0)
        most.add(64, 9, truth: (0...254).map { UInt8($0) }, labels: (1...254).map { UInt8($0) }, &generator)
        return [
            ("few classes", few), ("absent classes, many ties", many), ("no labels", none), ("all ignored", ignored),
            ("as many classes as a byte holds", most),
        ]
    }()

    @Test(arguments: cases.map(\.name))
    func `every protocol and threshold gives what the published way of counting gives`(name: String) throws {
        let one = try #require(Self.cases.first { $0.name == name }).1
        let place = try TemporaryDirectory()
        try JSONEncoder().encode(one).write(to: URL(filePath: "\(place.path)/case.json"))
        let printed = try read(by: "evaluate.py", ["\(place.path)/case.json"])
        let answer = try JSONDecoder().decode(Answer.self, from: Data(printed.utf8))
        let counts = one.counts
        #expect(answer.thresholds.count == one.thresholds.count)
        for (place, wanted) in answer.thresholds.enumerated() {
            let found = Confusion(
                counts, EvaluationProtocol(classes: one.classes, background: .isClass), threshold: place)
            #expect(Self.agree(found, wanted), "threshold \(one.thresholds[place])")
        }
        let without = EvaluationProtocol(classes: one.classes, background: .isIgnored)
        for place in [0, one.thresholds.count - 1] {
            #expect(Self.agree(Confusion(counts, without, threshold: place), answer.without))
        }
    }

    /// The 1e-10 below the published fraction changes no more than that, and rounding little.
    private static func agree(_ found: Confusion, _ wanted: Answer.Outcome) -> Bool {
        let pairs =
            Array(zip(found.overlaps.map(\.iou), wanted.ious)) + [
                (found.meanIoU, wanted.mean), (found.meanIoUOfPresent, wanted.present),
                (found.pixelAccuracy, wanted.accuracy),
            ]
        return found.pixels == wanted.confusion && found.overlaps.count == wanted.ious.count
            && pairs.allSatisfy { abs($0 - $1) <= 1.0001e-10 }
    }

    @Test(arguments: cases.map(\.name))
    func `a picture's counts survive the journal, and the order of pictures changes nothing`(name: String) throws {
        let one = try #require(Self.cases.first { $0.name == name }).1
        let shape = CountShape(classes: one.classes, thresholds: one.thresholds.count)
        var counts = Counts(shape: shape)
        for picture in one.pictures.reversed() {
            let whole = picture.counts(one.thresholds, shape)
            let read = try JSONDecoder().decode(PictureCounts.self, from: JSONEncoder().encode(whole))
            #expect(read == whole)
            counts += read
        }
        #expect(counts == one.counts)
        let seen = one.pictures.reduce(0) { $0 + $1.truth.count { $0 != Truth.ignored } }
        #expect(counts.histogram.counts.reduce(0, +) == UInt64(seen))
    }

    @Test(arguments: [
        "[]", "[2]", "[0,1]", "[255,1]", "[2,0]", "[2,256]", "[2,1,0]", "[2,1,0,0]", "[2,1,-1,1]", "[2,1,18,1]",
        "[2,1,17,1,0,1]", "[2,1,18446744073709551615,1]", "[2,1,0,1099511627776]", "[2,1,0,1.5]", "{}", "[[2,1]]",
    ])
    func `counts that no picture has are no counts`(text: String) throws {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(PictureCounts.self, from: Data(text.utf8))
        }
    }

    @Test func `the cells of a journal are those of the histogram`() throws {
        // Two classes and one threshold: [3, 3, 2], of which the last cell is 17.
        let read = try JSONDecoder().decode(PictureCounts.self, from: Data("[2,1,0,5,16,7]".utf8))
        var counts = Counts(shape: read.shape)
        counts += read
        counts += read
        #expect(counts.histogram.counts == [10] + [UInt64](repeating: 0, count: 16) + [14])
    }

    @Test func `the first of equal scores stays, and what is no number never wins`() {
        var best = BestScores(width: 3, height: 1)
        #expect(best.labels(above: -1) == [0, 0, 0])
        best.add([0.5, .nan, 0.2], label: 7)
        best.add([0.5, 0.1, .nan], label: 2)
        best.add([0.4, 0.1, 0.3], label: 9)
        #expect(best.labels(above: 0) == [7, 2, 9])
        #expect(best.labels(above: 0.1) == [7, 0, 9])
        #expect(best.labels(above: 0.5) == [0, 0, 0])
    }

    @Test func `the sweep is that of the published evaluation, and the fixed threshold is in it once`() {
        #expect(Thresholds.sweep.count == 45)
        #expect(Thresholds.sweep.first == 0.3 && Thresholds.sweep.last == 0.74)
        let other = Thresholds(fixed: 0.123)
        #expect(other.all == [0.123] + Thresholds.sweep && other.fixedPlace == 0)
        #expect(other.sweepPlaces == Array(1...45))
        let same = Thresholds(fixed: 0.5)
        #expect(same.all == Thresholds.sweep && same.all[same.fixedPlace] == 0.5)
        #expect(same.sweepPlaces == Array(0..<45))
    }
}

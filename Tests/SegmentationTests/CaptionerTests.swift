import FoundationEssentials
import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

extension Fixture {
    static let words = "\(Repository.root)/Tests/Fixtures/words"

    static func captioner(_ directory: String, _ precision: Precision = .f32) throws -> Captioner {
        try Threads.start(nil)
        return try Captioner(directory: directory, precision: precision, cache: nil) { true }
    }

    /// A picture of noise.
    static func noise(_ width: Int, _ height: Int, hasAlpha: Bool = false) -> Image {
        var random = SeededGenerator(seed: UInt64(width * 7 + height))
        return Image(
            width: width, height: height, pixels: random.bytes(width * height * 3),
            alpha: hasAlpha ? random.bytes(width * height) : nil)
    }

    /// A picture of one colour.
    static func plain(_ width: Int, _ height: Int, _ colour: UInt8) -> Image {
        Image(
            width: width, height: height, pixels: [UInt8](repeating: colour, count: width * height * 3), alpha: nil)
    }
}

extension Matrix {
    /// The bits of all numbers.
    var bits: [UInt32] { array.map(\.bitPattern) }
}

extension Captioner {
    func states(of picture: Image) throws -> Matrix {
        var arena = try Arena(reserving: scratchBytes)
        return try states(of: picture, cancellation: .never, &arena)
    }

    func caption(of states: Matrix, beginning: String) throws -> String {
        var arena = try Arena(reserving: scratchBytes)
        return try caption(of: states, beginning: beginning, cancellation: .never, &arena)
    }
}

/// The states of a golden's picture.
private func states(_ captioner: Captioner, golden: String, picture: String) throws -> Matrix {
    let file = try TensorFile(path: "\(Fixture.words)/golden/\(golden).safetensors")
    let side = captioner.blip.network.configuration.vision.side
    let map = Matrix(stored: side * side, by: 3)
    map.interleave(try file.values(of: "\(picture).pixel_values"))
    let vision = captioner.blip.network.vision.configuration
    let states = Matrix(stored: 1 + vision.trained.pixels, by: vision.width)
    var arena = try Arena(reserving: captioner.scratchBytes)
    try captioner.blip.network.look(
        at: FeatureMap(map, height: side, width: side), into: states, cancellation: .never, &arena)
    return states
}

@Suite struct `a captioner` {
    /// What transformers decodes the goldens' ids to, but for the start.
    @Test(arguments: [
        (
            "blip-untied", "ended", "", "[unused69] [unused69] [unused52] [unused1] [unused42] [unused68] [unused17]"
        ),
        ("blip-untied", "ended", "a photo of", "a photo of [unused71] [unused60] [unused1] [DEC] [unused5]"),
        (
            "blip-untied", "cut", "",
            "[unused42] [unused42] [unused5] [unused42] [unused5] [unused42] [unused73] [unused76] [unused73] "
                + "[unused42] [unused42] [unused1] a [unused42] [unused5] [unused42] [unused5] [unused33] [unused42]"
        ),
        (
            "blip-untied", "cut", " A  PHOTO\nof ",
            "a photo of [unused42] [unused5] [unused42] [unused51] [unused42] [unused5] [unused42] [unused42] "
                + "[unused1] [unused5] [unused42] [unused1] [unused5] [unused42] [unused96] [unused42]"
        ),
        (
            "blip-tied", "cut", "",
            "[unused28] [unused8] [unused84] [unused28] [unused20] w12. [unused77], [unused77]"
        ),
        (
            "blip-tied", "cut", "of dog",
            "of dog photo w10 w10 [unused28], [unused77] [unused84] [unused30]"
        ),
    ])
    func `writes what transformers writes, after its beginning`(
        folder: String, picture: String, beginning: String, expected: String
    ) throws {
        let captioner = try Fixture.captioner("\(Fixture.words)/\(folder)")
        let states = try states(captioner, golden: folder, picture: picture)
        #expect(try captioner.caption(of: states, beginning: beginning) == expected)
    }

    @Test(arguments: ["blip-untied", "blip-tied"], Precision.allCases)
    func `goes on with as much as it has places for, and writes no less than its beginning`(
        folder: String, precision: Precision
    ) throws {
        let captioner = try Fixture.captioner("\(Fixture.words)/\(folder)", precision)
        let states = try captioner.states(of: Fixture.noise(31, 47))
        let limit = min(captioner.generation.limit, captioner.blip.network.configuration.text.positions)
        for count in 0..<2 * limit {
            let beginning = [String](repeating: "red", count: count).joined(separator: " ")
            let caption = try captioner.caption(of: states, beginning: beginning)
            #expect(caption.hasPrefix(beginning))
            let words = caption.split(separator: " ").count
            if count >= limit - 1 {
                #expect(caption == beginning)
            } else {
                #expect(words >= count && words <= limit - 1, "\(count): \(caption)")
            }
        }
        let alone = try captioner.caption(of: states, beginning: "")
        #expect(try captioner.caption(of: states, beginning: " \n\u{0}") == alone, "blanks are no words")
        #expect(!alone.isEmpty)
    }

    @Test(arguments: Precision.allCases)
    func `that nobody waits for ends, and its next caption is right`(precision: Precision) throws {
        let captioner = try Fixture.captioner("\(Fixture.words)/blip-untied", precision)
        var arena = try Arena(reserving: captioner.scratchBytes)
        let picture = Fixture.noise(64, 48)
        let expected = try captioner.states(of: picture)
        let caption = try captioner.caption(of: expected, beginning: "a photo of")
        let cancelled = Cancellation(deadline: nil)
        cancelled.cancel()
        #expect(throws: Interruption.cancelled) {
            try captioner.states(of: picture, cancellation: cancelled, &arena)
        }
        #expect(throws: Interruption.cancelled) {
            try captioner.caption(of: expected, beginning: "a", cancellation: cancelled, &arena)
        }
        var ended = 0
        for step in 0..<40 {
            let late = Cancellation(deadline: .now + .microseconds(step * step - 1))
            do {
                let states = try captioner.states(of: picture, cancellation: late, &arena)
                #expect(states.bits == expected.bits)
                #expect(
                    try captioner.caption(of: states, beginning: "a photo of", cancellation: late, &arena) == caption)
            } catch {
                #expect(error == .deadlineExceeded)
                ended += 1
            }
            #expect(
                try captioner.caption(of: expected, beginning: "a photo of", cancellation: .never, &arena) == caption)
        }
        #expect(ended > 0)
    }
}

@Suite struct `what a captioner sees` {
    @Test(arguments: ["blip-untied", "blip-tied"], Precision.allCases)
    func `is the same of one colour at every size`(folder: String, precision: Precision) throws {
        let captioner = try Fixture.captioner("\(Fixture.words)/\(folder)", precision)
        for colour: UInt8 in [0, 93, 255] {
            let expected = try captioner.states(of: Fixture.plain(10, 10, colour)).bits
            for (width, height) in [(1, 1), (1, 2000), (2000, 1), (24, 24), (40, 40), (641, 479)] {
                #expect(try captioner.states(of: Fixture.plain(width, height, colour)).bits == expected)
            }
        }
        let white = try captioner.states(of: Fixture.plain(10, 10, 255)).bits
        let clear = Image(
            width: 7, height: 9, pixels: .init(repeating: 30, count: 189), alpha: .init(repeating: 0, count: 63))
        #expect(try captioner.states(of: clear).bits == white, "what is transparent is white")
        #expect(try captioner.states(of: Fixture.noise(7, 9)).bits != white)
    }

    @Test func `of a picture a pixel wide is finite`() throws {
        let captioner = try Fixture.captioner("\(Fixture.words)/blip-untied")
        for picture in [Fixture.noise(1, 20_000), Fixture.noise(20_000, 1), Fixture.noise(3, 2, hasAlpha: true)] {
            let states = try captioner.states(of: picture)
            #expect(states.array.allSatisfy(\.isFinite) && Set(states.bits).count > 100)
            #expect(try !captioner.caption(of: states, beginning: "a").isEmpty)
        }
    }

    @Test func `is right of as many pixels as a picture may have`() throws {
        let captioner = try Fixture.captioner("\(Fixture.words)/blip-untied")
        let expected = try captioner.states(of: Fixture.plain(10, 10, 93)).bits
        #expect(try captioner.states(of: Fixture.plain(8000, 8000, 93)).bits == expected)
        #expect(try captioner.states(of: Fixture.plain(64, 1_000_000, 93)).bits == expected)
    }

    @Test func `is not waited for while a large picture is resized`() throws {
        let captioner = try Fixture.captioner("\(Fixture.words)/blip-untied")
        var arena = try Arena(reserving: captioner.scratchBytes)
        let picture = Fixture.plain(8000, 4000, 93)
        let start = ContinuousClock.now
        _ = try captioner.states(of: picture, cancellation: .never, &arena)
        let whole = start.duration(to: .now)
        #expect(throws: Interruption.deadlineExceeded) {
            let soon = Cancellation(deadline: .now + whole / 20)
            _ = try captioner.states(of: picture, cancellation: soon, &arena)
        }
    }
}

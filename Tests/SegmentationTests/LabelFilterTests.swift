import FoundationEssentials
import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

extension Fixture {
    static func filter(
        _ directory: String = "\(words)/clip", precision: Precision = .f32, cache: String? = nil
    ) throws -> LabelFilter {
        try Threads.start(nil)
        return try LabelFilter(
            directory: directory, clipMerges: clipMerges, precision: precision, cache: cache
        ) { true }
    }
}

extension LabelFilter {
    /// The bits of each text's embedding.
    func bits(_ texts: [String]) throws -> [[UInt32]] {
        var arena = try Arena(reserving: scratchBytes)
        let all = try embeddings(of: texts, for: 1, cancellation: .never, &arena)
        return texts.indices.map { all.rows($0..<$0 + 1).bits }
    }

    func bits(_ text: String) throws -> [UInt32] { try bits([text])[0] }

    func bits(of picture: Image) throws -> [UInt32] {
        var arena = try Arena(reserving: scratchBytes)
        return try embedding(of: picture, cancellation: .never, &arena).bits
    }
}

private func length(_ bits: [UInt32]) -> Double {
    bits.reduce(0) { $0 + Double(Float(bitPattern: $1)) * Double(Float(bitPattern: $1)) }.squareRoot()
}

/// More than a group of texts, of all lengths, some of them nothing.
private let manyTexts =
    ["", " ", "a photo of the dog", "<|endoftext|>", "dog <|startoftext|> dog", "é", "e\u{301}", "\u{0}"]
    + (0..<90).map { number in
        "the \([String](repeating: "dog\(number)", count: number % 7).joined(separator: " ")) of \(number)"
    }

@Suite struct `a filter of labels` {
    @Test func `has the embeddings of transformers for texts as its tokenizer reads them`() throws {
        let filter = try Fixture.filter()
        let length = filter.clip.network.configuration.text.positions
        let encoded = manyTexts.map { filter.tokenizer.encode($0, length: length) }
        var arena = try Arena(reserving: filter.scratchBytes)
        for (text, encoded) in zip(manyTexts, encoded) {
            let alone = Matrix(stored: 1, by: filter.clip.network.configuration.projection)
            try filter.clip.network.embed([encoded.tokens], into: alone, cancellation: .never, &arena)
            let error = zip(alone.array, try filter.bits(text)).reduce(Float(0)) {
                max($0, ($1.0 - Float(bitPattern: $1.1)).magnitude)
            }
            #expect(error <= 1e-5, "what follows the end is not read: \(text)")
        }
    }

    /// The law of DEVELOPING: a label's bits never depend on the other labels of a call.
    @Test(arguments: Precision.allCases)
    func `has the same bits for a text in any company and order`(precision: Precision) throws {
        let alone = try Fixture.filter(precision: precision)
        var expected: [ExactText: [UInt32]] = [:]
        for text in manyTexts {
            alone.forget()
            expected[ExactText(text)] = try alone.bits(text)
        }
        #expect(expected.values.allSatisfy { (length($0) - 1).magnitude < 1e-5 && $0.count == 20 })
        func check(_ texts: [String], _ filter: LabelFilter) throws {
            #expect(try filter.bits(texts) == texts.map { expected[ExactText($0)] })
        }
        let filter = try Fixture.filter(precision: precision)
        let tokens = manyTexts.reduce(0) { $0 + filter.tokenizer.encode($1, length: 18).count }
        #expect(tokens > LabelFilter.groupTokens)
        try check(manyTexts, filter)
        try check(manyTexts.reversed(), filter)
        var random = SeededGenerator(seed: 14)
        for count in [1, 2, 3, 17, 60, manyTexts.count] {
            filter.forget()
            let some = Array(manyTexts.shuffled(using: &random).prefix(count))
            try check(some, filter)
            try check(some + some.reversed() + manyTexts.shuffled(using: &random).prefix(5), filter)
        }
    }

    @Test(arguments: Precision.allCases)
    func `answers for nothing, for duplicates, and for texts that are too long`(precision: Precision) throws {
        let filter = try Fixture.filter(precision: precision)
        #expect(try filter.bits([]).isEmpty)
        #expect(filter.remembered.count == 0)
        let twice = try filter.bits(["dog", "cat", "dog", "dog"])
        #expect(twice[0] == twice[2] && twice[0] == twice[3] && twice[0] != twice[1])
        #expect(filter.remembered.count == 2)
        let words = (0..<10_000).map { "dog\($0 % 10)" }
        let long = try filter.bits(words.joined(separator: " "))
        #expect((length(long) - 1).magnitude < 1e-5)
        #expect(try filter.bits(words.prefix(100).joined(separator: " ")) == long, "what does not fit is not read")
        #expect(try filter.bits("cat " + words.joined(separator: " ")) != long)
        let composed = try filter.bits(["é", "e\u{301}"])
        #expect(filter.remembered.count == 7 && composed.count == 2, "by their bytes they are two")
        #expect(try filter.bits("") == filter.bits(" \n"), "both have no word")
    }

    @Test func `that nobody waits for ends, and remembers nothing wrong`() throws {
        let expected = try Fixture.filter(precision: .int16).bits(manyTexts)
        let filter = try Fixture.filter(precision: .int16)
        var arena = try Arena(reserving: filter.scratchBytes)
        let cancelled = Cancellation(deadline: nil)
        cancelled.cancel()
        #expect(throws: Interruption.cancelled) {
            _ = try filter.embeddings(of: ["dog"], for: 1, cancellation: cancelled, &arena)
        }
        #expect(throws: Interruption.cancelled) {
            _ = try filter.embedding(of: Fixture.noise(9, 9), cancellation: cancelled, &arena)
        }
        var ended = 0
        for step in 0..<25 {
            filter.forget()
            let late = Cancellation(deadline: .now + .microseconds(step * step * 4 - 1))
            do {
                _ = try filter.embeddings(of: manyTexts, for: 1, cancellation: late, &arena)
            } catch {
                #expect(error == .deadlineExceeded)
                ended += 1
            }
            #expect(try filter.bits(manyTexts) == expected)
        }
        #expect(ended > 0)
        #expect(
            try filter.embeddings(of: manyTexts, for: 1, cancellation: cancelled, &arena).rows == manyTexts.count,
            "known")
    }
}

/// A text as a key by its bytes.
private struct ExactText: Hashable {
    private let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }
}

@Suite struct `the embedding of a picture` {
    @Test(arguments: Precision.allCases) func `is the same of one colour at every size`(precision: Precision) throws {
        let filter = try Fixture.filter(precision: precision)
        for colour: UInt8 in [0, 93, 255] {
            let expected = try filter.bits(of: Fixture.plain(10, 10, colour))
            #expect((length(expected) - 1).magnitude < 1e-5)
            for (width, height) in [(1, 1), (1, 20_000), (20_000, 1), (40, 40), (641, 479)] {
                #expect(try filter.bits(of: Fixture.plain(width, height, colour)) == expected)
            }
        }
        let white = try filter.bits(of: Fixture.plain(10, 10, 255))
        let clear = Image(
            width: 7, height: 9, pixels: .init(repeating: 30, count: 189), alpha: .init(repeating: 0, count: 63))
        #expect(try filter.bits(of: clear) == white, "what is transparent is white")
        #expect(try filter.bits(of: Fixture.noise(7, 9)) != white)
    }

    @Test func `of any shape is of its middle, and of length 1`() throws {
        let filter = try Fixture.filter()
        for picture in [Fixture.noise(1, 20_000), Fixture.noise(20_000, 1), Fixture.noise(3, 2, hasAlpha: true)] {
            #expect((length(try filter.bits(of: picture)) - 1).magnitude < 1e-5)
        }
        let middle = Fixture.noise(40, 40)
        var pixels = middle.pixels
        for shade: UInt8 in [0, 255] { pixels += [UInt8](repeating: shade, count: 40 * 40 * 3) }
        let long = Image(
            width: 40, height: 120, pixels: Array(pixels[4800..<9600] + pixels[..<4800] + pixels[9600...]), alpha: nil)
        #expect(try filter.bits(of: long) == filter.bits(of: middle))
    }

    @Test func `is right of as many pixels as a picture may have`() throws {
        let filter = try Fixture.filter()
        let expected = try filter.bits(of: Fixture.plain(10, 10, 93))
        #expect(try filter.bits(of: Fixture.plain(8000, 8000, 93)) == expected)
        #expect(try filter.bits(of: Fixture.plain(1_000_000, 64, 93)) == expected)
    }
}

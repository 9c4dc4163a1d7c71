import Foundation
import Images
import Networks
import Testing

@testable import Segmentation

@Suite struct `an answer that nobody waits for` {
    @Test func `is not begun after the deadline`() throws {
        let segmenter = try Fixture.segmenter(Fixture.odd)
        let late = Cancellation(deadline: .now - .seconds(1))
        let error = #expect(throws: SegmentationError.self) {
            try segmenter.ask(RequestBuilder("dog"), cancellation: late)
        }
        guard case .deadlineExceeded = error else { throw Disorder() }
        #expect(throws: SegmentationError.self) {
            try segmenter.look(at: Fixture.bytes(Fixture.picture), owner: 1, cancellation: late)
        }
        #expect(segmenter.workspace.memory.pictures == 0)
        let far = Cancellation(deadline: .now + .seconds(3600))
        #expect(try segmenter.ask(RequestBuilder("dog"), cancellation: far).scores.count == 1)
    }

    @Test func `is not begun once cancelled, even with a deadline behind it`() throws {
        let cancellation = Cancellation(deadline: .now - .seconds(1))
        cancellation.cancel()
        #expect(throws: Interruption.cancelled) { try cancellation.check() }
        let error = #expect(throws: SegmentationError.self) {
            try Fixture.segmenter(Fixture.odd).ask(RequestBuilder("dog"), cancellation: cancellation)
        }
        guard case .cancelled = error else { throw Disorder() }
    }

    @Test func `is not waited for by the decoding of its picture`() throws {
        let pictures = PictureStore(limit: 1 << 20)
        let (cancelled, late) = (Cancellation(deadline: nil), Cancellation(deadline: .now - .seconds(1)))
        let resize = Resize(grid: Grid(height: 8, width: 8), resampling: .bilinear)
        func look(
            _ bytes: [UInt8], _ file: String, _ cancellation: Cancellation
        ) throws(SegmentationError) -> (Picture, PictureData) {
            try pictures.look(at: bytes, handle: file, owner: 1, cancellation: cancellation) { _ in
                PictureNeeds(resize: resize, guide: true, views: [])
            }
        }
        cancelled.cancel()
        for file in [Fixture.picture, Fixture.scene] {
            let bytes = try Fixture.bytes(file)
            var error = #expect(throws: SegmentationError.self) {
                try look(bytes, file, cancelled)
            }
            guard case .cancelled = error else { throw Disorder() }
            error = #expect(throws: SegmentationError.self) {
                try look(bytes, file, late)
            }
            guard case .deadlineExceeded = error else { throw Disorder() }
            #expect(pictures.count == 0 && pictures.bytes == 0)
            let (picture, _) = try look(bytes, file, .never)
            #expect(picture.looked.width > 0)
            pictures.forget()
        }
    }

    @Test(arguments: Recipe.tested.map(\.name))
    func `ends between two labels, though everything is known`(recipe: String) throws {
        let segmenter = try Fixture.segmenter(Fixture.odd)
        let question = try RequestBuilder("dog", "bird", "grass").with(\.recipe, Recipe(named: recipe))
        let expected = try segmenter.ask(question)
        let cancellation = Cancellation(deadline: nil)
        var maps = 0
        let request = try question.request()
        let error = #expect(throws: SegmentationError.self) {
            try segmenter.segment(request, owner: 1, cancellation: cancellation, queueMilliseconds: 0) {
                guard case .scores = $0 else { return }
                maps += 1
                cancellation.cancel()
            }
        }
        guard case .cancelled = error else { throw Disorder() }
        #expect(maps == 1)
        #expect(try segmenter.ask(question).bits == expected.bits)
    }

    /// Wherever the other thread's word arrives, the answer is whole or there is none, and the next is right.
    @Test func `ends in the middle of a pass, and the next answer is right`() throws {
        let question = try RequestBuilder("dog", "bird").with(\.recipe, .diffsegmenter)
        let segmenter = try Fixture.segmenter(Fixture.demo)
        let expected = try segmenter.ask(question)
        let start = SuspendingClock.now
        segmenter.workspace.forget()
        _ = try segmenter.ask(question)
        let whole = start.duration(to: .now)
        var cancelled = 0
        for part in 1...6 {
            segmenter.workspace.forget()
            let cancellation = Cancellation(deadline: nil)
            let nanoseconds = Int(whole / .nanoseconds(1)) * part / 10
            Thread.detachNewThread {
                Thread.sleep(forTimeInterval: Double(nanoseconds) * 1e-9)
                cancellation.cancel()
            }
            do {
                #expect(try segmenter.ask(question, cancellation: cancellation).bits == expected.bits)
            } catch SegmentationError.cancelled {
                cancelled += 1
            }
            #expect(try segmenter.ask(question).bits == expected.bits)
        }
        #expect(cancelled > 0)
    }

    @Test func `is stopped by its own receiver, whose error comes back`() throws {
        let segmenter = try Fixture.segmenter(Fixture.odd)
        let request = try RequestBuilder("dog").request()
        let error = #expect(throws: SegmentationError.self) {
            try segmenter.segment(
                request, owner: 1, cancellation: Cancellation(deadline: nil), queueMilliseconds: 0
            ) { (_) throws(SegmentationError) in throw .stopping }
        }
        guard case .stopping = error else { throw Disorder() }
    }
}

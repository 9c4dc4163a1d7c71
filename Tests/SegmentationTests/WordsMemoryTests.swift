import Images
import Kernels
import Networks
import Support
import Testing

@testable import Segmentation

@Suite struct `scratch memory of a network beside the model` {
    /// What is said is enough, and not many times too much.
    private func expect(_ used: Int, within estimate: MemoryEstimate, _ what: String) {
        #expect(Double(used) <= estimate.bytes, "\(what): \(used) of \(estimate.bytes)")
        #expect(4 * Double(used) >= estimate.bytes, "\(what): \(used) of \(estimate.bytes)")
    }

    @Test(arguments: ["blip-untied", "blip-tied"], Precision.allCases)
    func `is bounded for a caption`(folder: String, precision: Precision) throws {
        let captioner = try Fixture.captioner("\(Fixture.words)/\(folder)", precision)
        let configuration = captioner.blip.network.configuration
        let estimate = MemoryEstimate.captioning(configuration, captioner.generation)
        #expect(captioner.scratchBytes >= 2 * Int(estimate.bytes))
        var most = 0
        for count in [0, 1, 6, 18, 40] {
            var arena = try Arena(reserving: captioner.scratchBytes)
            let states = try captioner.states(of: Fixture.noise(50, 31), cancellation: .never, &arena)
            let beginning = [String](repeating: "red", count: count).joined(separator: " ")
            _ = try captioner.caption(of: states, beginning: beginning, cancellation: .never, &arena)
            most = max(most, arena.highWater)
        }
        expect(most, within: estimate, "\(folder), \(precision)")
    }

    @Test(arguments: Precision.allCases)
    func `is bounded for pictures and for texts`(precision: Precision) throws {
        let filter = try Fixture.filter(precision: precision)
        let estimate = MemoryEstimate.filtering(filter.clip.network.configuration, precision)
        #expect(filter.scratchBytes >= 2 * Int(estimate.bytes))
        var arena = try Arena(reserving: filter.scratchBytes)
        let picture = try filter.prepare(Fixture.noise(1, 300), cancellation: .never)
        _ = try filter.look(
            at: picture, for: .init(picture: true, patches: .values), cancellation: .never, &arena)
        let texts = (0..<200).map { "\($0) red dogs of the \($0 * 7)" }
        _ = try filter.embeddings(of: texts, for: 1, cancellation: .never, &arena)
        expect(arena.highWater, within: estimate, "\(precision)")
    }
}
